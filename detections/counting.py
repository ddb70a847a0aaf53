"""The operating threshold, and how well objects are counted at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detections.boxes import Rule, match
from detections.dataset import ScoredImage, detected_counts, true_counts

LEAST_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Threshold:
    """A score from which detections count, and the F1 it was chosen for."""

    score: float
    f1: float


@dataclass(frozen=True, slots=True)
class CountErrors:
    """Errors of counts over images.

    Attributes:
        mae: mean absolute error, objects an image.
        bias: mean of detected minus true, objects an image; positive means too many.
        exact_share: share of images counted exactly.
    """

    mae: float
    bias: float
    exact_share: float


def best_f1(images: Sequence[ScoredImage], num_classes: int) -> Threshold | None:
    """The score threshold with the highest F1 over all classes together, matching greedily at IoU 0.5.

    Detections with a score of at least the threshold count. Of equally good thresholds the highest is taken: it lets
    the least through.

    Returns:
        None when no detection matches any true box, so that no threshold is better than another.
    """
    scores, marks, truths = [np.empty(0)], [np.empty(0, dtype=bool)], 0
    for image in images:
        truths += len(image.true_ids)
        for class_id in range(num_classes):
            chosen = image.class_ids == class_id
            true_boxes = image.true_boxes[image.true_ids == class_id]
            matched = match(true_boxes, image.boxes[chosen], image.scores[chosen], Rule.BEST_FREE, LEAST_IOU)
            scores.append(image.scores[chosen])
            marks.append(matched >= 0)
    ranked, true = _ranked(np.concatenate(scores), np.concatenate(marks))
    if not true.any():
        return None
    counted = np.arange(1, len(ranked) + 1)
    # F1 = 2 TP / (detections + truths)
    f1 = 2 * np.cumsum(true) / (counted + truths)
    # A threshold lets all detections of its score through: only the last of equal scores is a possible cut.
    f1[:-1][ranked[:-1] == ranked[1:]] = -1
    best = int(np.argmax(f1))
    return Threshold(float(ranked[best]), float(f1[best]))


def count_errors(
    images: Sequence[ScoredImage], num_classes: int, threshold: float
) -> tuple[CountErrors, list[CountErrors]]:
    """Errors of the counts at a threshold: overall, and per class.

    Overall, error and bias are of the objects of all classes together; an image is exact when every class is.
    """
    difference = detected_counts(images, num_classes, threshold) - true_counts(images, num_classes)
    overall = _errors(difference.sum(axis=1), (difference == 0).all(axis=1))
    return overall, [_errors(column, column == 0) for column in difference.T]


def _errors(difference: NDArray[np.int64], exact: NDArray[np.bool_]) -> CountErrors:
    return CountErrors(float(np.abs(difference).mean()), float(difference.mean()), float(exact.mean()))


def _ranked(scores: NDArray[np.float64], marks: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    order = np.argsort(-scores, kind="stable")
    return scores[order], marks[order]
