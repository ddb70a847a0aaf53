"""The expected number of mistakes agrees with the number that is made."""

from __future__ import annotations

import numpy as np
import pytest

from groundloop.detections.calibration import Calibration, IsotonicCurve
from groundloop.detections.expected_mistakes import ImageDetections, doubt

#: Scores that are probabilities.
IDENTITY = IsotonicCurve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([1.0, 1.0]))
CALIBRATION = Calibration(IDENTITY, {}, 100)
THRESHOLDS = {"bolt": 0.5, "nut": 0.5}


def detections(*scores: float, names: tuple[str, ...] = (), boxes: object = None) -> ImageDetections:
    """Return detections far from each other, bolts unless named."""
    placed = [(100.0 * number, 0, 100 * number + 10, 10) for number in range(len(scores))]
    corners = np.array(placed if boxes is None else boxes, dtype=np.float64).reshape(-1, 4)
    return ImageDetections(names or ("bolt",) * len(scores), np.array(scores, dtype=np.float64), corners)


@pytest.mark.parametrize(
    ("scores", "mistakes"),
    [
        pytest.param((), 0, id="no detection"),
        pytest.param((0.9,), 0.1, id="a likely one that counts may be false"),
        pytest.param((0.1,), 0.1, id="an unlikely one that doesn't count may be a missed object"),
        pytest.param((0.9, 0.6, 0.4, 0.1), 1.0, id="they add up"),
        pytest.param((0.5,), 0.5, id="at the threshold"),
    ],
)
def test_mistakes_are_the_probabilities_of_being_treated_wrongly(scores: tuple[float, ...], mistakes: float) -> None:
    assert doubt(detections(*scores), CALIBRATION, THRESHOLDS).mistakes == pytest.approx(mistakes)


def test_the_thresholds_are_those_of_the_classes() -> None:
    found = doubt(detections(0.4, 0.4, names=("bolt", "nut")), CALIBRATION, {"bolt": 0.3, "nut": 0.5})
    assert found.counted.tolist() == [True, False]
    assert found.doubts.tolist() == pytest.approx([0.6, 0.4])


@pytest.mark.parametrize(
    ("names", "scores", "crossed"),
    [
        pytest.param(("bolt", "nut"), (0.6, 0.5), 1, id="two classes on one place"),
        pytest.param(("bolt", "bolt"), (0.6, 0.5), 0, id="one class twice"),
        pytest.param(("bolt", "nut"), (0.6, 0.1), 0, id="one is unlikely"),
    ],
)
def test_crossed_classes_are_counted(names: tuple[str, ...], scores: tuple[float, ...], crossed: int) -> None:
    same_place = [(0, 0, 10, 10), (0, 0, 10, 11)]
    found = doubt(detections(*scores, names=names, boxes=same_place), CALIBRATION, THRESHOLDS)
    assert found.crossed == crossed


def test_the_expected_total_is_the_true_one_where_scores_are_calibrated() -> None:
    random = np.random.default_rng(1)
    expected = made = 0.0
    for _ in range(300):
        scores = random.random(8)
        right = random.random(8) < scores
        expected += doubt(detections(*scores), CALIBRATION, THRESHOLDS).mistakes
        made += float((right != (scores >= 0.5)).sum())
    assert expected == pytest.approx(made, rel=0.1)
