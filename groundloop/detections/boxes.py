"""The greedy matching of detections to true boxes."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from groundloop.boxes import Boxes, iou_matrix


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
