"""Scores become probabilities that hold on other images of the same kind."""

from __future__ import annotations

import numpy as np
import pytest

from groundloop.detections.calibration import Calibration, fit_isotonic
from groundloop.detections.evaluation import OutcomeRow
from groundloop.errors import UserError

BOX = (0.0, 0.0, 10.0, 10.0)


def rows(scores: np.ndarray, right: np.ndarray, name: str = "bolt", split: str = "validation") -> list[OutcomeRow]:
    """Return rows of a table of detections."""
    return [
        OutcomeRow(split, f"s3://b/{number}.jpg", "", name, float(score), BOX, 0.5, BOX if one else None)
        for number, (score, one) in enumerate(zip(scores, right, strict=True))
    ]


def drawn(count: int, seed: int, power: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Return scores, and for each whether it is right, with probability score ** power."""
    random = np.random.default_rng(seed)
    scores = random.random(count)
    return scores, random.random(count) < scores**power


@pytest.mark.parametrize(
    ("scores", "right", "expected"),
    [
        pytest.param([0.1, 0.2, 0.3], [0, 0, 1], [0, 0, 1], id="in order"),
        pytest.param([0.1, 0.2, 0.3], [1, 0, 1], [0.5, 0.5, 1], id="a violation is pooled"),
        pytest.param([0.1, 0.2, 0.3], [1, 1, 0], [2 / 3] * 3, id="all the wrong way round"),
        pytest.param([0.5, 0.5, 0.5, 0.9], [1, 0, 0, 1], [1 / 3] * 3 + [1], id="equal scores are one step"),
        pytest.param([0.4], [1], [1], id="one detection"),
    ],
)
def test_the_curve_is_the_nearest_that_never_falls(
    scores: list[float], right: list[int], expected: list[float]
) -> None:
    curve = fit_isotonic(np.array(scores), np.array(right, dtype=bool))
    assert curve(np.array(scores)) == pytest.approx(expected)


def test_a_run_of_wrong_detections_is_one_step() -> None:
    curve = fit_isotonic(np.linspace(0.01, 0.3, 30), np.zeros(30, dtype=bool))
    assert curve.weights.tolist() == [30, 30]


def test_the_probabilities_hold_on_other_images() -> None:
    calibration = Calibration.fit(rows(*drawn(4000, seed=1)))
    scores, right = drawn(4000, seed=2)
    probabilities = calibration.probability("bolt", scores)
    for low in np.arange(0, 1, 0.2):
        chosen = (scores >= low) & (scores < low + 0.2)
        assert probabilities[chosen].mean() == pytest.approx(right[chosen].mean(), abs=0.05)


def test_a_class_with_few_detections_takes_the_pooled_curve() -> None:
    many, few = drawn(2000, seed=1), drawn(20, seed=2)
    calibration = Calibration.fit([*rows(*many, name="bolt"), *rows(*few, name="nut")])
    assert set(calibration.by_class) == {"bolt"}
    scores = np.array([0.2, 0.9])
    assert calibration.probability("nut", scores).tolist() == calibration.pooled(scores).tolist()


def test_classes_that_differ_get_curves_that_differ() -> None:
    good, bad = drawn(2000, seed=1, power=0.5), drawn(2000, seed=2, power=6)
    calibration = Calibration.fit([*rows(*good, name="bolt"), *rows(*bad, name="nut")])
    middle = np.array([0.5])
    assert calibration.probability("bolt", middle)[0] > 0.6 > 0.1 > calibration.probability("nut", middle)[0]


def test_a_step_of_few_detections_is_drawn_to_the_pooled_curve() -> None:
    many = rows(np.linspace(0, 1, 1000), np.linspace(0, 1, 1000) > 0.5, name="bolt")
    # One lucky detection at 0.2 in an otherwise wrong low range.
    scores = np.concatenate([np.linspace(0, 0.19, 60), [0.2]])
    calibration = Calibration.fit([*many, *rows(scores, scores == 0.2, name="nut")])
    assert calibration.probability("nut", np.array([0.2]))[0] < 0.2


def test_a_few_right_detections_make_none_certain() -> None:
    calibration = Calibration.fit(rows(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])))
    assert calibration.probability("bolt", np.array([0.0, 1.0])).tolist() == [0.25, 0.75]


def test_only_validation_counts() -> None:
    with pytest.raises(UserError, match="nothing on the validation split"):
        Calibration.fit(rows(*drawn(100, seed=1), split="test"))
