"""VOC mean average precision as MXNet's SSD example computes it, from which the built-in algorithm descends."""

from __future__ import annotations

import numpy as np

from groundloop.boxes import iou_matrix
from groundloop.local.detector.boxes import Boxes, Detections, Floats


def voc07_map(truth: list[Boxes], found: list[Detections], num_classes: int, *, overlap_threshold: float) -> float:
    """Compute the mean over the classes that occur in `truth` of the 11-point average precision (VOC 2007).

    A detection is right when its best-overlapping box of that class has an intersection over union *strictly above*
    the threshold and no better detection took it already. 0 when there is no box at all.
    """
    precisions = []
    for class_id in range(num_classes):
        boxes = [b.corners[b.classes == class_id] for b in truth]
        total = sum(len(b) for b in boxes)
        if total:
            precisions.append(_average_precision(*_match(class_id, boxes, found, overlap_threshold), total))
    return float(np.mean(precisions)) if precisions else 0.0


def _match(
    class_id: int, boxes: list[Floats], found: list[Detections], overlap_threshold: float
) -> tuple[Floats, Floats]:
    """Return the scores of this class's detections over all images, and 1 where one is correct, 0 where not."""
    scores: list[float] = []
    right: list[float] = []
    for corners, detections in zip(boxes, found, strict=True):
        taken = np.zeros(len(corners), bool)
        # Best first within the image, so a box goes to the best detection that overlaps it most.
        of_class = np.flatnonzero(detections.classes == class_id)
        for i, overlaps in zip(of_class, iou_matrix(detections.corners[of_class], corners), strict=True):
            scores.append(float(detections.scores[i]))
            best = int(np.argmax(overlaps)) if len(overlaps) else -1
            hit = best >= 0 and overlaps[best] > overlap_threshold and not taken[best]
            right.append(float(hit))
            if hit:
                taken[best] = True
    return np.array(scores), np.array(right)


def _average_precision(scores: Floats, right: Floats, total: int) -> float:
    """Average the best precision at recall 0, 0.1, ... 1 or beyond."""
    right = right[np.argsort(-scores, kind="stable")]
    hits = np.cumsum(right)
    recall, precision = hits / total, hits / np.arange(1, len(right) + 1)
    best = [precision[recall >= level - 1e-9].max(initial=0) for level in np.linspace(0, 1, 11)]
    return float(np.mean(best))
