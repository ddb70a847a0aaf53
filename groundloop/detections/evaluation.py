"""The results of an evaluation: every metric that the gate, the registry and the report show.

All metrics are of the test split, at IoU 0.5 where a single IoU is needed, except the thresholds, which are chosen on
validation. Fractions are in [0, 1]. None stands for a metric that the data does not define, such as the AP of a class
without ground-truth boxes or the precision of no detections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
#: The lower and the upper bound of a metric.
Interval: TypeAlias = "tuple[float, float]"


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """Detections with a score of at least the threshold: true, false and missed ones, matched greedily."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP); None when nothing was detected."""
        detected = self.true_positives + self.false_positives
        return self.true_positives / detected if detected else None

    @property
    def recall(self) -> float | None:
        """TP / (TP + FN); None when there is nothing to find."""
        truths = self.true_positives + self.false_negatives
        return self.true_positives / truths if truths else None

    @property
    def f1(self) -> float | None:
        """2 TP / (2 TP + FP + FN); None when there is nothing to find and nothing was found."""
        total = 2 * self.true_positives + self.false_positives + self.false_negatives
        return 2 * self.true_positives / total if total else None


@dataclass(frozen=True, slots=True)
class CountErrors:
    """Errors of counts over images.

    Attributes:
        mae: mean absolute error, objects per image.
        rmse: root mean square error, objects per image.
        bias: mean of detected minus true, objects per image; positive means too many.
        exact_share: share of images counted exactly.
    """

    mae: float
    rmse: float
    bias: float
    exact_share: float


@dataclass(frozen=True, slots=True)
class Curves:
    """The points of the curves of one class, or of the mean over classes, at IoU 0.5.

    Attributes:
        precision_at_recall: (101,) interpolated precision at recall 0, 0.01, ... 1.
        precision, recall, f1: (1001,) each at score thresholds 0, 0.001, ... 1.
    """

    precision_at_recall: Curve
    precision: Curve
    recall: Curve
    f1: Curve


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """The metrics of one class.

    Attributes:
        boxes: ground-truth boxes in the test split.
        threshold: the score from which its detections count.
        curves: None where the class has no ground-truth box.
    """

    name: str
    boxes: int
    ap: float | None
    ap_50: float | None
    ap_75: float | None
    voc_ap: float | None
    voc_ap_07: float | None
    threshold: float
    at_threshold: AtThreshold
    count: CountErrors
    curves: Curves | None


@dataclass(frozen=True, slots=True)
class SliceMetrics:
    """The metrics of the test images that have one value of a key.

    Attributes:
        images, boxes: how many, of the test split.
        metrics: map, map_50, map_75 (COCO), voc_map.
        at_threshold, count: as those of `Evaluation`.
        intervals: low and high end by name, such as `map_50`, `recall` or `count.mae`.
    """

    images: int
    boxes: int
    metrics: Mapping[str, float | None]
    at_threshold: AtThreshold
    count: CountErrors
    intervals: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The evaluation of a detector.

    Attributes:
        classes: names in id order.
        validation_images, test_images: how many images of each split were scored.
        metrics: headline metrics by name, in the order they are shown: map, map_50, map_75, map_small, map_medium,
            map_large, ar_1, ar_10, ar_100, ar_small, ar_medium, ar_large (COCO), voc_map, voc_map_07 (VOC).
        per_class: in id order.
        threshold: the operating threshold over all classes together.
        threshold_rule: how it was chosen, in words.
        at_threshold: over all classes, each at its own threshold (`ClassMetrics.threshold`).
        count: of the objects of all classes together; an image is exact when every class is.
        confusion: (classes + 1, classes + 1) counts at the threshold; rows are true, columns detected, the last of
            each is the background: a missed object, a false positive.
        counts: (images, classes, 2): true and detected number of objects in each test image.
        intervals: low and high end by dotted metric name, such as `map_50`, `count.mae` or `slices.camera.A.recall`.
        interval_level, interval_resamples: what share of resampled data sets lies in an interval, of how many.
        curves: means over classes with ground-truth boxes.
        slices: by key and value.
    """

    classes: tuple[str, ...]
    validation_images: int
    test_images: int
    metrics: dict[str, float | None]
    per_class: tuple[ClassMetrics, ...]
    threshold: float
    threshold_rule: str
    at_threshold: AtThreshold
    count: CountErrors
    confusion: NDArray[np.int64]
    counts: NDArray[np.int64]
    intervals: dict[str, Interval]
    interval_level: float
    interval_resamples: int
    curves: Curves
    slices: Mapping[str, Mapping[str, SliceMetrics]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One row of the table of detections: a detection with what it matched, or a ground-truth box that was missed.

    Attributes:
        split: validation or test.
        source_ref: the image.
        outcome: TP, FP or FN at the class's threshold; "" for a detection under it.
        class_name: of the detection; for FN of the ground-truth box.
        score: of the detection; None for FN.
        box: xmin, ymin, xmax, ymax in pixels of the detection; None for FN.
        iou: with the ground-truth box it matched or, where it matched none, the best of its class; 0 without any.
        true_box: the ground-truth box it matched, or that was missed; else None.
    """

    split: str
    source_ref: str
    outcome: str
    class_name: str
    score: float | None
    box: tuple[float, float, float, float] | None
    iou: float
    true_box: tuple[float, float, float, float] | None
