from __future__ import annotations

import numpy as np
import pytest

from groundloop.detections.boxes import Rule, match


def _boxes(*rows: tuple[float, float, float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def test_the_better_score_takes_the_true_box() -> None:
    truth = _boxes((0, 0, 10, 10))
    detected = _boxes((0, 0, 10, 9), (0, 0, 10, 10))
    assert match(truth, detected, np.array([0.9, 0.8]), Rule.BEST_FREE).tolist() == [0, -1]
    assert match(truth, detected, np.array([0.8, 0.9]), Rule.BEST_FREE).tolist() == [-1, 0]


def test_an_iou_of_exactly_the_least_matches() -> None:
    truth, detected = _boxes((0, 0, 10, 10)), _boxes((0, 0, 10, 5))
    assert match(truth, detected, np.array([0.9]), Rule.BEST).tolist() == [0]
    assert match(truth, detected, np.array([0.9]), Rule.BEST, iou_threshold=0.51).tolist() == [-1]


def test_the_two_rules_differ_when_the_best_true_box_is_taken() -> None:
    truth = _boxes((0, 0, 10, 10), (2, 0, 12, 10))
    detected = _boxes((0, 0, 10, 10), (0.5, 0, 10.5, 10))
    scores = np.array([0.9, 0.8])
    assert match(truth, detected, scores, Rule.BEST_FREE).tolist() == [0, 1]
    assert match(truth, detected, scores, Rule.BEST).tolist() == [0, -1]


def test_of_equally_near_true_boxes_coco_takes_the_last_and_voc_the_first() -> None:
    truth, detected = _boxes((0, 0, 10, 10), (0, 0, 10, 10)), _boxes((0, 0, 10, 10))
    assert match(truth, detected, np.array([0.9]), Rule.BEST_FREE).tolist() == [1]
    assert match(truth, detected, np.array([0.9]), Rule.BEST).tolist() == [0]


@pytest.mark.parametrize("rule", Rule)
def test_nothing_to_match(rule: Rule) -> None:
    assert match(_boxes(), _boxes((0, 0, 1, 1)), np.array([0.9]), rule).tolist() == [-1]
    assert match(_boxes((0, 0, 1, 1)), _boxes(), np.empty(0), rule).tolist() == []
