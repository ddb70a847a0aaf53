"""The gallery shows the images with most errors, each box marked with what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluation import Evaluation
from groundloop.report.worst import BoxOutcome, worst_images

BOX, FAR = (0, 0, 10, 10), (50, 50, 60, 60)
Make = Callable[..., ScoredImage]


@pytest.fixture
def evaluation(make_evaluation: Callable[..., Evaluation]) -> Evaluation:
    """Class 0 counts from 0.5, class 1 from 0.9."""
    made = make_evaluation(("a", "b"))
    per_class = tuple(replace(row, threshold=at) for row, at in zip(made.per_class, (0.5, 0.9), strict=True))
    return replace(made, per_class=per_class)


@pytest.mark.parametrize(
    ("truth", "detected", "outcomes"),
    [
        pytest.param([(0, *BOX)], [(0, 0.5, *BOX)], [], id="found at exactly the threshold: no error, not shown"),
        pytest.param([(0, *BOX)], [(0, 0.49, *BOX)], [BoxOutcome.MISSED], id="under the threshold is missed"),
        pytest.param([(1, *BOX)], [(1, 0.8, *BOX)], [BoxOutcome.MISSED], id="each class has its own threshold"),
        pytest.param(
            [(0, *BOX)], [(1, 0.95, *BOX)], [BoxOutcome.MISSED, BoxOutcome.FALSE], id="another class is false"
        ),
        pytest.param([(0, *BOX)], [(0, 0.9, *FAR)], [BoxOutcome.MISSED, BoxOutcome.FALSE], id="elsewhere is false"),
        pytest.param(
            [(0, *BOX)],
            [(0, 0.6, *BOX), (0, 0.9, *BOX)],
            [BoxOutcome.FOUND, BoxOutcome.FALSE, BoxOutcome.RIGHT],
            id="the better of two is right, the other a duplicate",
        ),
        pytest.param([], [(0, 0.9, *BOX)], [BoxOutcome.FALSE], id="an image without objects"),
    ],
)
def test_boxes_are_marked(
    make_image: Make, evaluation: Evaluation, truth: Any, detected: Any, outcomes: list[BoxOutcome]
) -> None:
    chosen = worst_images([make_image(truth, detected)], evaluation)
    assert [mark.outcome for choice in chosen for mark in choice.marks] == outcomes


def test_marks_hold_class_box_and_score(make_image: Make, evaluation: Evaluation) -> None:
    (choice,) = worst_images([make_image([(1, *BOX)], [(0, 0.75, *FAR)])], evaluation)
    false, missed = choice.marks
    assert (missed.class_name, missed.box, missed.score) == ("b", BOX, None)
    assert (false.class_name, false.box, false.score) == ("a", FAR, 0.75)
    assert choice.errors == 2


def test_the_worst_come_first_and_equal_ones_by_name(make_image: Make, evaluation: Evaluation) -> None:
    def image(name: str, errors: int) -> ScoredImage:
        return make_image([(0, *BOX)] * errors, [], name)

    images = [image("c", 1), image("d", 3), image("b", 1), image("clean", 0), image("a", 2)]
    for order in (images, images[::-1]):
        chosen = worst_images(order, evaluation, 3)
        assert [choice.source_ref for choice in chosen] == ["s3://b/d.jpg", "s3://b/a.jpg", "s3://b/b.jpg"]


def test_errors_are_those_of_the_metrics_at_the_threshold(
    make_images: Callable[..., list[ScoredImage]], make_evaluation: Callable[..., Evaluation]
) -> None:
    evaluation = make_evaluation()
    chosen = worst_images(make_images(), evaluation, 100)
    at = evaluation.at_threshold
    assert sum(choice.count(BoxOutcome.FALSE) for choice in chosen) == at.false_positives > 0
    assert sum(choice.count(BoxOutcome.MISSED) for choice in chosen) == at.false_negatives > 0


def test_no_images_no_choice(evaluation: Evaluation) -> None:
    assert worst_images([], evaluation) == []
    empty = ScoredImage("a", np.empty((0, 4)), np.empty(0, int), np.empty((0, 4)), np.empty(0, int), np.empty(0))
    assert worst_images([empty], evaluation) == []
