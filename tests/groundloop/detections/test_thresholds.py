from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.matching import match_detections, pool_detections
from groundloop.detections.thresholds import ThresholdRule, Thresholds, choose_thresholds
from groundloop.errors import UserError

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]
HERE, THERE, AWAY, NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10), (70, 70, 80, 80)
CLASSES = ("nut", "bolt", "washer")


def _choose(image: ScoredImage, rule: ThresholdRule | None = None) -> Thresholds:
    return choose_thresholds(match_detections(pool_detections([image], len(CLASSES))), CLASSES, rule or ThresholdRule())


def test_the_threshold_of_the_best_f1(make_image: MakeImage) -> None:
    found = [(0, 0.9, *HERE), (1, 0.6, *THERE), (0, 0.5, *NOWHERE), (1, 0.4, *NOWHERE)]
    thresholds = _choose(make_image([(0, *HERE), (1, *THERE)], found))
    assert thresholds.overall == 0.6
    assert thresholds.by_class.tolist() == [0.6, 0.6, 0.6]
    assert thresholds.description == "best F1 on validation, over all classes"


def test_a_threshold_lets_all_of_its_score_through(make_image: MakeImage) -> None:
    """With the three at 0.5, F1 is 2*2/(4+2) = 0.67, as much as with the first alone: 2*1/(1+2)."""
    found = [(0, 0.9, *HERE), (0, 0.5, *THERE), (0, 0.5, *NOWHERE), (0, 0.5, *AWAY)]
    assert _choose(make_image([(0, *HERE), (0, *THERE)], found)).overall == 0.9


def test_of_equally_good_thresholds_the_highest(make_image: MakeImage) -> None:
    """F1 is 2*1/(1+2) = 2/3 after the first and 2*2/(4+2) = 2/3 after the fourth."""
    found = [(0, 0.9, *HERE), (0, 0.8, *NOWHERE), (0, 0.7, *NOWHERE), (0, 0.6, *THERE)]
    assert _choose(make_image([(0, *HERE), (0, *THERE)], found)).overall == 0.9


@pytest.fixture
def three_of_five(make_image: MakeImage) -> ScoredImage:
    """Precision after each: 1, 1/2, 2/3, 3/4, 3/5; recall: 1/4, 1/4, 2/4, 3/4, 3/4."""
    truth = [(0, *HERE), (0, *THERE), (0, *AWAY), (0, 90, 0, 99, 10)]
    found = [(0, 0.9, *HERE), (0, 0.8, *NOWHERE), (0, 0.7, *THERE), (0, 0.6, *AWAY), (0, 0.5, *NOWHERE)]
    return make_image(truth, found)


@pytest.mark.parametrize(
    ("kind", "value", "threshold"),
    [
        pytest.param("precision", 1.0, 0.9, id="precision that only the first has"),
        pytest.param("precision", 0.75, 0.6, id="exactly reached precision, beyond a dip under it"),
        pytest.param("precision", 0.6, 0.5, id="precision that all have together"),
        pytest.param("recall", 0.25, 0.9, id="exactly reached recall"),
        pytest.param("recall", 0.3, 0.7, id="recall between two steps"),
        pytest.param("recall", 0.75, 0.6, id="the highest recall there is, not lower than needed"),
    ],
)
def test_a_wanted_precision_or_recall(three_of_five: ScoredImage, kind: Any, value: float, threshold: float) -> None:
    chosen = _choose(three_of_five, ThresholdRule(kind, value))
    assert chosen.overall == threshold
    assert chosen.description == f"{kind} of at least {value:g} on validation, over all classes"


def test_what_is_out_of_reach_falls_back_to_the_best_f1_and_says_so(three_of_five: ScoredImage) -> None:
    chosen = _choose(three_of_five, ThresholdRule("recall", 0.9))
    assert chosen.overall == _choose(three_of_five).overall == 0.6
    assert chosen.description == (
        "recall of at least 0.9 on validation, over all classes; "
        "out of reach over all classes together: best F1 instead"
    )


def test_per_class_each_has_its_own_and_a_class_that_cannot_choose_the_overall_one(make_image: MakeImage) -> None:
    truth = [(0, *HERE), (1, *THERE), (1, *AWAY)]
    found = [(0, 0.9, *HERE), (1, 0.4, *THERE), (1, 0.3, *AWAY), (2, 0.8, *NOWHERE)]
    chosen = _choose(make_image(truth, found), ThresholdRule(per_class=True))
    assert chosen.overall == 0.3
    assert chosen.by_class.tolist() == [0.9, 0.3, 0.3]
    assert chosen.description == (
        "best F1 on validation, per class; no match on validation for washer: the threshold over all classes instead"
    )


def test_per_class_a_class_out_of_reach_takes_its_best_f1_and_is_named(make_image: MakeImage) -> None:
    truth = [(0, *HERE), (1, *THERE)]
    found = [(0, 0.9, *HERE), (1, 0.5, *NOWHERE), (1, 0.4, *THERE), (1, 0.1, *AWAY)]
    chosen = _choose(make_image(truth, found), ThresholdRule("precision", 0.9, per_class=True))
    assert chosen.by_class.tolist() == [0.9, 0.4, 0.9]
    assert "out of reach for bolt: best F1 instead" in chosen.description
    assert "no match on validation for washer" in chosen.description


@pytest.mark.parametrize("per_class", [False, True])
@pytest.mark.parametrize(
    "found",
    [
        pytest.param([], id="nothing detected"),
        pytest.param([(0, 0.9, *NOWHERE)], id="nothing where something is"),
        pytest.param([(1, 0.9, *HERE)], id="only another class there"),
    ],
)
def test_without_any_match_it_is_one(make_image: MakeImage, found: list[tuple[float, ...]], per_class: bool) -> None:
    chosen = _choose(make_image([(0, *HERE)], found), ThresholdRule(per_class=per_class))
    assert chosen.overall == 1
    assert chosen.by_class.tolist() == [1, 1, 1]
    assert "no detection on validation matches a ground-truth box" in chosen.description


@pytest.mark.parametrize("seed", range(10))
def test_no_other_threshold_is_better(seed: int, random_images: RandomImages) -> None:
    matches = match_detections(pool_detections(random_images(seed), 3))
    scores, marks, truths = matches.pool.scores, matches.truth[0] >= 0, len(matches.pool.true_ids)
    at: dict[float, tuple[float, float]] = {}
    for cut in np.unique(scores).tolist():
        true, detected = int(marks[scores >= cut].sum()), int((scores >= cut).sum())
        at[cut] = (true / detected, true / truths)
    f1 = {cut: 2 * p * r / (p + r) if p + r else 0 for cut, (p, r) in at.items()}
    assert f1[choose_thresholds(matches, CLASSES, ThresholdRule()).overall] == pytest.approx(max(f1.values()))
    wanted = sorted(precision for precision, _ in at.values())[len(at) // 2]
    reaching = [cut for cut, (precision, _) in at.items() if precision >= wanted]
    assert choose_thresholds(matches, CLASSES, ThresholdRule("precision", wanted)).overall == min(reaching)
    wanted = sorted(recall for _, recall in at.values())[len(at) // 2]
    reaching = [cut for cut, (_, recall) in at.items() if recall >= wanted]
    assert choose_thresholds(matches, CLASSES, ThresholdRule("recall", wanted)).overall == max(reaching)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        pytest.param("f2", None, "'f2' is unknown: use best_f1, precision or recall", id="unknown"),
        pytest.param("best_f1", 0.5, "best_f1 takes no value, but 0.5 was given", id="a value for best_f1"),
        pytest.param(
            "precision", None, "needs the precision to reach, over 0 and up to 1; none was given", id="no value"
        ),
        pytest.param("recall", 0.0, "over 0 and up to 1; 0.0 is given", id="nothing wanted"),
        pytest.param("recall", 90.0, "over 0 and up to 1; 90.0 is given", id="percent"),
        pytest.param("precision", float("nan"), "nan is given", id="not a number"),
    ],
)
def test_rules_that_make_no_sense(kind: Any, value: float | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        ThresholdRule(kind, value)
