"""The evaluation of a detector: thresholds from validation, every metric from test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from groundloop.detections.bootstrap import Resampling, intervals
from groundloop.detections.coco import coco_scores
from groundloop.detections.confusion import confusion
from groundloop.detections.counting import count_errors, counts_per_image
from groundloop.detections.curves import class_curves, mean_curves
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluation import ClassMetrics, Evaluation
from groundloop.detections.matching import match_detections, pool_detections
from groundloop.detections.operating_point import at_thresholds, sum_over_classes
from groundloop.detections.slices import slice_intervals, slice_metrics
from groundloop.detections.thresholds import ThresholdRule, Thresholds, choose_thresholds
from groundloop.detections.voc import voc_scores
from groundloop.errors import UserError
from groundloop.labels.slices import SliceValues


def evaluate(
    validation: Sequence[ScoredImage],
    test: Sequence[ScoredImage],
    classes: Sequence[str],
    rule: ThresholdRule,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 1,
    chosen_on: str = "validation",
    slices: SliceValues = MappingProxyType({}),
) -> Evaluation:
    """Evaluate a detector.

    Args:
        classes: names in id order.
        rule: how the thresholds are chosen on validation.
        resamples, level, seed: of the bootstrap intervals (:mod:`detections.bootstrap`).
        chosen_on: what the images of `validation` are called in the description of the threshold.
        slices: value of each test image by key and URI, see `labels.slices`; metrics are computed for each value too.

    Raises:
        UserError: a split without ground-truth boxes.
    """
    for split, images in (("validation", validation), ("test", test)):
        if not any(len(image.true_ids) for image in images):
            raise UserError(f"the {split} split holds no ground-truth box, so nothing is measured: run Prepare again")
    matches = match_detections(pool_detections(validation, len(classes)))
    thresholds = choose_thresholds(matches, classes, rule, chosen_on)
    return _scored(test, classes, thresholds, len(validation), Resampling(resamples, level, seed), slices)


def evaluate_at(images: Sequence[ScoredImage], classes: Sequence[str], thresholds: Mapping[str, float]) -> Evaluation:
    """Score detections at thresholds that were chosen before, without intervals.

    What cannot be measured for want of ground-truth boxes is None. The highest of the thresholds stands for the overall
    one.

    Args:
        images: at least one.
        thresholds: of each class, by name.
    """
    by_class = np.array([thresholds[name] for name in classes], dtype=np.float64)
    chosen = Thresholds(float(by_class.max()), by_class, "as given")
    return _scored(images, classes, chosen, 0, Resampling(resamples=0), {})


def _scored(
    images: Sequence[ScoredImage],
    classes: Sequence[str],
    thresholds: Thresholds,
    validation_images: int,
    resampling: Resampling,
    slices: SliceValues,
) -> Evaluation:
    matches = match_detections(pool_detections(images, len(classes)))
    coco, voc = coco_scores(matches), voc_scores(matches)
    counts = counts_per_image(matches.pool, thresholds.by_class)
    count, count_by_class = count_errors(counts)
    at_threshold = at_thresholds(matches, thresholds.by_class)
    curves = [class_curves(matches, class_id) for class_id in range(len(classes))]
    truths = matches.pool.truths_by_class().tolist()
    by_slice = slice_metrics(matches, images, slices, thresholds.by_class, resampling)
    return Evaluation(
        classes=tuple(classes),
        validation_images=validation_images,
        test_images=len(images),
        metrics={**coco.metrics, "voc_map": voc.mean_ap, "voc_map_07": voc.mean_ap_07},
        per_class=tuple(
            ClassMetrics(
                name=name,
                boxes=truths[k],
                ap=coco.ap_by_class[k],
                ap_50=coco.ap_50_by_class[k],
                ap_75=coco.ap_75_by_class[k],
                voc_ap=voc.ap_by_class[k],
                voc_ap_07=voc.ap_07_by_class[k],
                threshold=float(thresholds.by_class[k]),
                at_threshold=at_threshold[k],
                count=count_by_class[k],
                curves=curves[k],
            )
            for k, name in enumerate(classes)
        ),
        threshold=thresholds.overall,
        threshold_rule=thresholds.description,
        at_threshold=sum_over_classes(at_threshold),
        count=count,
        confusion=confusion(matches, thresholds.by_class),
        counts=counts,
        intervals={**intervals(matches, thresholds.by_class, resampling), **slice_intervals(by_slice)},
        interval_level=resampling.level,
        interval_resamples=resampling.resamples,
        curves=mean_curves([curve for curve in curves if curve is not None]),
        slices=by_slice,
    )
