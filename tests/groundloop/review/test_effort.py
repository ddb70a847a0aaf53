"""The time that an image takes is fitted to answers, where there are enough of them."""

from __future__ import annotations

import random

import pytest

from groundloop.review.effort import MIN_ANSWERS, Effort, fit_effort


def answers(count: int, per_image: float, per_box: float) -> list[tuple[int, float]]:
    """Return answers that take about that long."""
    chance = random.Random(1)  # noqa: S311 (times, not secrets)
    return [
        (boxes, per_image + per_box * boxes + chance.uniform(-0.5, 0.5))
        for boxes in (chance.randrange(12) for _ in range(count))
    ]


def test_seconds_of_answers_are_recovered_though_some_reviewers_paused() -> None:
    given = answers(200, per_image=3.0, per_box=2.5)
    given[::10] = [(boxes, seconds + 300) for boxes, seconds in given[::10]]
    fitted = fit_effort(given)
    assert fitted.per_image == pytest.approx(3.0, abs=0.5)
    assert fitted.per_box == pytest.approx(2.5, abs=0.1)
    assert fitted.answers == 200


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([], id="none"),
        pytest.param(answers(MIN_ANSWERS - 1, 3, 2), id="too few"),
        pytest.param([(2, 8.0)] * 50, id="all of as many boxes"),
        pytest.param([(boxes, 0.0) for boxes in range(50)], id="without a time"),
    ],
)
def test_without_enough_answers_the_defaults_hold(given: list[tuple[int, float]]) -> None:
    assert fit_effort(given) == Effort(4.0, 1.5)


def test_more_boxes_never_take_less_time() -> None:
    fitted = fit_effort([(boxes % 10, 20.0 - boxes % 10) for boxes in range(60)])
    assert fitted.per_box == 0
    assert fitted.per_image > 0
