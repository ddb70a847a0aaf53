from __future__ import annotations

import numpy as np
import pytest

from groundloop.detections.average_precision import area_ap, curve, eleven_point_ap, precision_at_recalls


@pytest.mark.parametrize(
    ("truths", "is_true_positive", "area", "points"),
    [
        pytest.param(4, [], 0, 0, id="nothing detected"),
        pytest.param(4, [False, False], 0, 0, id="all false"),
        pytest.param(2, [True, True], 1, 1, id="all true"),
        pytest.param(10, [True] * 3, 0.3, 4 / 11, id="recall of exactly three tenths reaches its level"),
        pytest.param(1, [False, True], 0.5, 0.5, id="true after false"),
        pytest.param(2, [False, True, True], 2 / 3, 2 / 3, id="a dip is filled from the right"),
    ],
)
def test_area_and_eleven_points(truths: int, is_true_positive: list[bool], area: float, points: float) -> None:
    recall, precision = curve(truths, np.array(is_true_positive, dtype=bool))
    assert area_ap(recall, precision) == pytest.approx(area)
    assert eleven_point_ap(recall, precision) == pytest.approx(points)


def test_precision_at_recalls() -> None:
    """Of four ground-truth boxes the first, third and fourth detection find one each: recall 0.25, 0.5, 0.75."""
    found = precision_at_recalls(*curve(4, np.array([True, False, True, True])))
    assert found.shape == (101,)
    assert found[[0, 25, 26, 50, 51, 75, 76, 100]].tolist() == pytest.approx([1, 1, 0.75, 0.75, 0.75, 0.75, 0, 0])
    assert precision_at_recalls(*curve(4, np.array([], dtype=bool))).tolist() == [0] * 101
