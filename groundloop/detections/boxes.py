"""Box geometry and the greedy matching of detections to true boxes.

Convention: boxes are continuous and half-open, `area = (xmax - xmin) * (ymax - ymin)`, as in the COCO API
(cocoapi, `maskApi.c`, `bbIou`) and as Ground Truth draws them. The original VOC devkit counts pixels inclusively
(`+ 1` in width and height), which changes the IoU of small boxes a little.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


def iou_matrix(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over union of every pair.

    Args:
        first: (n, 4) xmin, ymin, xmax, ymax.
        second: (m, 4), same unit.

    Returns:
        (n, m); 0 where both areas are 0.
    """
    return paired_iou(first[:, None, :], second[None, :, :])


def paired_iou(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over union of boxes side by side; (..., 4) each, of shapes that broadcast.

    To the last bit what the COCO API computes from xmin, ymin, width and height (`bbIou`), so that an IoU on a
    threshold falls on the same side of it.
    """
    size, other_size = first[..., 2:] - first[..., :2], second[..., 2:] - second[..., :2]
    high = np.minimum(first[..., :2] + size, second[..., :2] + other_size)
    overlap = np.maximum(high - np.maximum(first[..., :2], second[..., :2]), 0)
    intersection: NDArray[np.float64] = overlap[..., 0] * overlap[..., 1]
    union = size[..., 0] * size[..., 1] + other_size[..., 0] * other_size[..., 1] - intersection
    ratio: NDArray[np.float64] = np.zeros_like(intersection)
    np.divide(intersection, union, out=ratio, where=union > 0)
    return ratio


class Rule(str, Enum):
    """Which true box a detection may take.

    BEST_FREE: the best of those not taken yet (COCO API, `COCOeval.evaluateImg`).
    BEST: the best of all; if that one is taken, the detection is false, a duplicate (VOC devkit, `VOCevaldet.m`).
    """

    BEST_FREE = "best free"
    BEST = "best"


def match(
    truth: Boxes, detected: Boxes, scores: NDArray[np.float64], rule: Rule, iou_threshold: float = 0.5
) -> NDArray[np.int64]:
    """Give each detection of one image and class, highest score first, a true box or none.

    Args:
        truth: (m, 4) boxes; detected: (n, 4) boxes; scores: (n,), equal scores keep their order.
        iou_threshold: an IoU of exactly this much matches.

    Returns:
        (n,) the index of the true box, or -1 for a false detection.
    """
    matched = np.full(len(detected), -1, dtype=np.int64)
    if not len(truth) or not len(detected):
        return matched
    overlaps = iou_matrix(detected, truth)
    taken = np.zeros(len(truth), dtype=bool)
    for index in np.argsort(-scores, kind="stable"):
        candidates = np.where(taken, -1.0, overlaps[index]) if rule is Rule.BEST_FREE else overlaps[index]
        # Of equal ones the COCO API takes the last, the devkit the first.
        last = rule is Rule.BEST_FREE
        best = len(truth) - 1 - int(np.argmax(candidates[::-1])) if last else int(np.argmax(candidates))
        if candidates[best] >= iou_threshold and not taken[best]:
            matched[index] = best
            taken[best] = True
    return matched
