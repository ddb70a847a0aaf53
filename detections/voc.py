"""Pascal VOC average precision at IoU 0.5, as VOC2010 and later measure it and as VOC2007 did.

Matching follows the devkit (`VOCevaldet.m`): a detection goes to its best true box of the class, and a second one on
the same true box is false. Box areas are continuous (see `detections.boxes`); no box is "difficult".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detections.boxes import Rule, match
from detections.dataset import ScoredImage

LEAST_IOU = 0.5

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VocScores:
    """Means over the classes that have true boxes; per class None where a class has none.

    Attributes:
        mean_ap: area under the curve (VOC2010 and later).
        mean_ap_07: mean of 11 points (VOC2007).
        ap_by_class: of the area kind.
    """

    mean_ap: float
    mean_ap_07: float
    ap_by_class: tuple[float | None, ...]


def voc_scores(images: Sequence[ScoredImage], num_classes: int) -> VocScores:
    """Score the detections of all images against their true boxes."""
    areas: list[float | None] = []
    points: list[float] = []
    for class_id in range(num_classes):
        truths, marks = ranked_marks(images, class_id)
        if not truths:
            areas.append(None)
            continue
        recall, precision = curve(truths, marks)
        areas.append(area_ap(recall, precision))
        points.append(eleven_point_ap(recall, precision))
    known = [area for area in areas if area is not None]
    mean_ap = sum(known) / len(known) if known else 0.0
    mean_ap_07 = sum(points) / len(points) if points else 0.0
    return VocScores(mean_ap, mean_ap_07, tuple(areas))


def ranked_marks(images: Sequence[ScoredImage], class_id: int) -> tuple[int, NDArray[np.bool_]]:
    """The number of true boxes of a class, and for each detection of it, best score first, whether it is true.

    Equal scores keep the order of images and, within one, of detections.
    """
    truths = 0
    scores, marks = [np.empty(0)], [np.empty(0, dtype=bool)]
    for image in images:
        true_boxes = image.true_boxes[image.true_ids == class_id]
        chosen = image.class_ids == class_id
        truths += len(true_boxes)
        scores.append(image.scores[chosen])
        marks.append(match(true_boxes, image.boxes[chosen], image.scores[chosen], Rule.BEST, LEAST_IOU) >= 0)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return truths, np.concatenate(marks)[order]


def curve(truths: int, marks: NDArray[np.bool_]) -> tuple[Curve, Curve]:
    """Recall and precision after each detection, best score first."""
    true = np.cumsum(marks)
    return true / truths, true / np.arange(1, len(marks) + 1)


def area_ap(recall: Curve, precision: Curve) -> float:
    """Area under the curve with precision made non-increasing (VOC2010 development kit, `VOCap.m`)."""
    steps = np.concatenate([[0.0], recall, [1.0]])
    heights = np.concatenate([[0.0], precision, [0.0]])
    envelope = np.maximum.accumulate(heights[::-1])[::-1]
    return float(np.sum(np.diff(steps) * envelope[1:]))


def eleven_point_ap(recall: Curve, precision: Curve) -> float:
    """Mean over recall 0, 0.1, ... 1 of the best precision at that recall or more (VOC2007)."""
    # Tenths as the devkit's 0:0.1:1 gives them; the tolerance keeps a recall of 3/10 on its level.
    levels = np.arange(11) / 10
    return float(np.mean([np.max(precision[recall >= level - 1e-12], initial=0.0) for level in levels]))
