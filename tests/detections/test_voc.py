from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from detections.dataset import ScoredImage
from detections.voc import area_ap, curve, eleven_point_ap, ranked_marks, voc_scores

MakeImage = Callable[..., ScoredImage]


@pytest.fixture
def worked(make_image: MakeImage) -> list[ScoredImage]:
    """Five true boxes in two images; by falling score: true, true, duplicate, false, true, false.

    Worked by hand: true positives 1 2 2 2 3 3, so
    recall    0.2  0.4  0.4  0.4  0.6  0.6
    precision 1    1    2/3  1/2  3/5  1/2
    Area: 0.4 x 1 + 0.2 x 0.6 = 0.52. Eleven points: recall 0 to 0.4 (five levels) best precision 1, recall 0.5 and
    0.6 best 0.6, the other four 0: (5 + 1.2) / 11.
    """
    first = make_image(
        [(0, 0, 0, 10, 10), (0, 20, 0, 30, 10), (0, 40, 0, 50, 10)],
        [(0, 0.95, 0, 0, 10, 10), (0, 0.8, 0, 0, 10, 9), (0, 0.7, 60, 60, 70, 70)],
        name="first",
    )
    second = make_image(
        [(0, 0, 0, 10, 10), (0, 20, 0, 30, 10)],
        [(0, 0.5, 0, 50, 10, 60), (0, 0.6, 20, 0, 30, 9), (0, 0.9, 0, 0, 10, 8)],
        name="second",
    )
    return [first, second]


def test_marks_of_the_worked_example(worked: list[ScoredImage]) -> None:
    truths, marks = ranked_marks(worked, 0)
    assert truths == 5
    assert marks.tolist() == [True, True, False, False, True, False]


def test_area_and_eleven_points_of_the_worked_example(worked: list[ScoredImage]) -> None:
    scores = voc_scores(worked, num_classes=2)
    assert scores.mean_ap == pytest.approx(0.52)
    assert scores.mean_ap_07 == pytest.approx(6.2 / 11)
    assert scores.ap_by_class == (pytest.approx(0.52), None)


def test_the_mean_is_over_classes_with_true_boxes(make_image: MakeImage) -> None:
    image = make_image([(0, 0, 0, 10, 10), (2, 50, 50, 60, 60)], [(0, 0.9, 0, 0, 10, 10), (1, 0.9, 0, 0, 10, 10)])
    scores = voc_scores([image], num_classes=3)
    assert scores.ap_by_class == (pytest.approx(1), None, 0)
    assert (scores.mean_ap, scores.mean_ap_07) == (pytest.approx(0.5), pytest.approx(0.5))


@pytest.mark.parametrize(
    ("truths", "marks", "area", "points"),
    [
        pytest.param(4, [], 0, 0, id="nothing detected"),
        pytest.param(4, [False, False], 0, 0, id="all false"),
        pytest.param(2, [True, True], 1, 1, id="all true"),
        pytest.param(10, [True] * 3, 0.3, 4 / 11, id="recall of exactly three tenths reaches its level"),
        pytest.param(1, [False, True], 0.5, 0.5, id="true after false"),
    ],
)
def test_curves(truths: int, marks: list[bool], area: float, points: float) -> None:
    recall, precision = curve(truths, np.array(marks, dtype=bool))
    assert area_ap(recall, precision) == pytest.approx(area)
    assert eleven_point_ap(recall, precision) == pytest.approx(points)
