from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from groundloop.detections.coco import coco_scores
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate, evaluate_at
from groundloop.detections.evaluation import AtThreshold, CountErrors, Evaluation
from groundloop.detections.matching import match_detections, pool_detections
from groundloop.detections.thresholds import ThresholdRule
from groundloop.detections.voc import voc_scores
from groundloop.errors import UserError

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]
HERE, THERE, NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)
CLASSES = ("nut", "bolt", "washer")


@pytest.fixture
def evaluation(random_images: RandomImages) -> Evaluation:
    return evaluate(random_images(0), random_images(1), CLASSES, ThresholdRule(per_class=True), resamples=50)


def test_scores_are_of_test(evaluation: Evaluation, random_images: RandomImages) -> None:
    test = random_images(1)
    matches = match_detections(pool_detections(test, 3))
    coco, voc = coco_scores(matches), voc_scores(matches)
    assert evaluation.metrics == {**coco.metrics, "voc_map": voc.mean_ap, "voc_map_07": voc.mean_ap_07}
    for k, metrics in enumerate(evaluation.per_class):
        assert metrics.name == CLASSES[k]
        assert [metrics.ap, metrics.ap_50] == [coco.ap_by_class[k], coco.ap_50_by_class[k]]
        assert metrics.ap_75 == coco.ap_75_by_class[k]
        assert (metrics.voc_ap, metrics.voc_ap_07) == (voc.ap_by_class[k], voc.ap_07_by_class[k])
        assert metrics.boxes == sum(int((image.true_ids == k).sum()) for image in test)


def test_parts_agree_with_each_other(evaluation: Evaluation) -> None:
    total = evaluation.at_threshold
    parts = [metrics.at_threshold for metrics in evaluation.per_class]
    assert total.true_positives == sum(part.true_positives for part in parts) == np.trace(evaluation.confusion)
    assert total.false_positives == sum(part.false_positives for part in parts)
    assert total.false_negatives == sum(part.false_negatives for part in parts)
    for k, (metrics, part) in enumerate(zip(evaluation.per_class, parts, strict=True)):
        true, detected = evaluation.counts[:, k].sum(axis=0).tolist()
        assert true == metrics.boxes == part.true_positives + part.false_negatives == evaluation.confusion[k].sum()
        assert detected == part.true_positives + part.false_positives == evaluation.confusion[:, k].sum()
    assert evaluation.counts.shape == (evaluation.test_images, 3, 2)
    assert (evaluation.validation_images, evaluation.test_images) == (12, 12)
    assert evaluation.per_class[2].curves is None
    assert evaluation.intervals.keys() >= {"map", "map_50", "voc_map", "count.mae"}


def test_the_threshold_comes_from_validation_and_counts_from_test(make_image: MakeImage) -> None:
    validation = make_image([(0, *HERE)], [(0, 0.6, *HERE), (0, 0.5, *NOWHERE)])
    test = make_image([(0, *HERE), (0, *THERE)], [(0, 0.9, *HERE), (0, 0.55, *THERE), (0, 0.65, *NOWHERE)])
    evaluation = evaluate([validation], [test], ("nut",), ThresholdRule())
    assert evaluation.threshold == evaluation.per_class[0].threshold == 0.6
    assert evaluation.at_threshold == AtThreshold(1, 1, 1)
    assert evaluation.count == CountErrors(0, 0, 0, 1)
    assert evaluation.intervals == {}  # of one image


def test_each_class_counts_from_its_own_threshold(make_image: MakeImage) -> None:
    validation = make_image([(0, *HERE), (1, *THERE)], [(0, 0.9, *HERE), (0, 0.5, *NOWHERE), (1, 0.2, *THERE)])
    evaluation = evaluate([validation], [validation], ("nut", "bolt"), ThresholdRule(per_class=True))
    assert [metrics.threshold for metrics in evaluation.per_class] == [0.9, 0.2]
    assert evaluation.threshold == 0.2
    assert evaluation.at_threshold == AtThreshold(2, 0, 0)
    assert evaluation.count.exact_share == 1


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_split_without_true_boxes(split: str, make_image: MakeImage) -> None:
    image, empty = make_image([(0, *HERE)], []), make_image([], [(0, 0.9, *HERE)])
    splits = {"validation": [image], "test": [image], split: [empty]}
    with pytest.raises(UserError, match=f"the {split} split holds no ground-truth box"):
        evaluate(splits["validation"], splits["test"], ("nut",), ThresholdRule())


def test_given_thresholds_give_the_metrics_again(evaluation: Evaluation, random_images: RandomImages) -> None:
    thresholds = {metrics.name: metrics.threshold for metrics in evaluation.per_class}
    again = evaluate_at(random_images(1), CLASSES, thresholds)
    assert again.metrics == evaluation.metrics
    assert (again.at_threshold, again.count) == (evaluation.at_threshold, evaluation.count)
    assert again.intervals == {}


def test_at_given_thresholds_images_need_no_true_box(make_image: MakeImage) -> None:
    evaluation = evaluate_at([make_image([], [(0, 0.9, *HERE)])], ("nut",), {"nut": 0.5})
    assert set(evaluation.metrics.values()) == {None}
    assert evaluation.at_threshold == AtThreshold(0, 1, 0)
    assert evaluation.count.bias == 1
