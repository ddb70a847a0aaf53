"""Average precision of ranked detections, in the three ways in use.

All start from `curve`: recall and precision after each detection, best score first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

#: The recall levels of the COCO API (`cocoeval.py`, `Params`): 0, 0.01, ... 1.
RECALLS: Curve = np.linspace(0.0, 1.0, 101)


def curve(truths: int, is_true_positive: NDArray[np.bool_]) -> tuple[Curve, Curve]:
    """Compute recall and precision after each detection, best score first.

    Args:
        truths: number of ground-truth boxes, at least 1.
        is_true_positive: (n,) whether each detection is true.
    """
    true = np.cumsum(is_true_positive)
    return true / truths, true / np.arange(1, len(is_true_positive) + 1)


def precision_at_recalls(recall: Curve, precision: Curve) -> Curve:
    """Return (101,) the best precision at RECALLS or more, 0 where none is reached; its mean is COCO's AP."""
    reached = np.searchsorted(recall, RECALLS)
    return np.append(_monotone_precision(precision), 0.0)[reached]


def area_ap(recall: Curve, precision: Curve) -> float:
    """Compute the area under the curve with precision made non-increasing (VOC2010 development kit, `VOCap.m`)."""
    return float(np.sum(np.diff(recall, prepend=0.0) * _monotone_precision(precision)))


def eleven_point_ap(recall: Curve, precision: Curve) -> float:
    """Compute the mean over recall 0, 0.1, ... 1 of the best precision at that recall or more (VOC2007)."""
    # Tenths as the devkit's 0:0.1:1 gives them; the tolerance keeps a recall of 3/10 on its level.
    levels = np.arange(11) / 10
    return float(np.mean([np.max(precision[recall >= level - 1e-12], initial=0.0) for level in levels]))


def _monotone_precision(precision: Curve) -> Curve:
    return np.maximum.accumulate(precision[::-1])[::-1]
