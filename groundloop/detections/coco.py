"""COCO average precision and recall: the numbers of pycocotools (equal in tests) at a fraction of its CPU time.

The measure is that of cocoapi's `COCOeval` for boxes. AP is the mean over IoU 0.50 to 0.95 (step 0.05) of precision at
101 recall levels, with at most 100 detections per image and class. A class without ground-truth boxes has no AP and is
left out of means. For a range of areas, ground-truth boxes outside it are ignored: a detection takes one only if no
other is left, and neither it nor an unmatched detection outside the range counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundloop.detections.arrays import Bools, Floats, Ints
from groundloop.detections.average_precision import RECALLS, precision_at_recalls
from groundloop.detections.curves import MAX_DETECTIONS
from groundloop.detections.matching import IOUS, Matches, match_greedily

_IOU_50, _IOU_75 = 0, 5  # positions in IOUS
# The areas of `COCOeval`'s `Params`, in square pixels; both ends belong to a range.
_ANY = (0.0, 1e10)
_SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}


@dataclass(frozen=True, slots=True)
class CocoScores:
    """AP and AR in [0, 1]; None where there is no ground-truth box, of a class or of a size.

    Attributes:
        metrics: the twelve statistics in the COCO API's order: map, map_50, map_75, map_small, map_medium, map_large,
            ar_1, ar_10, ar_100, ar_small, ar_medium, ar_large.
        ap_by_class, ap_50_by_class, ap_75_by_class: in id order.
    """

    metrics: dict[str, float | None]
    ap_by_class: tuple[float | None, ...]
    ap_50_by_class: tuple[float | None, ...]
    ap_75_by_class: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """What counts within a range of areas.

    Attributes:
        truths: (classes,) ground-truth boxes.
        true, false: (10, n) whether a detection is, at each of IOUS; those that are ignored are neither.
    """

    truths: Ints
    true: Bools
    false: Bools


def coco_scores(matches: Matches) -> CocoScores:
    """Score matched detections."""
    every = _outcomes(matches, _ANY)
    sized = {name: _outcomes(matches, area) for name, area in _SIZES.items()}
    precision = _precision(matches, every)
    metrics = {
        **_means(precision),
        **{f"map_{name}": _mean(_precision(matches, outcomes)) for name, outcomes in sized.items()},
        **{f"ar_{limit}": _mean(_recall(matches, every, limit)) for limit in (1, 10, MAX_DETECTIONS)},
        **{f"ar_{name}": _mean(_recall(matches, outcomes)) for name, outcomes in sized.items()},
    }
    each = range(matches.pool.classes)
    return CocoScores(
        metrics=metrics,
        ap_by_class=tuple(_mean(precision[:, :, k]) for k in each),
        ap_50_by_class=tuple(_mean(precision[_IOU_50, :, k]) for k in each),
        ap_75_by_class=tuple(_mean(precision[_IOU_75, :, k]) for k in each),
    )


def mean_average_precisions(matches: Matches) -> dict[str, float | None]:
    """Compute map, map_50 and map_75 alone, in a fraction of the time that all twelve statistics take."""
    return _means(_precision(matches, _outcomes(matches, _ANY)))


def _means(precision: Floats) -> dict[str, float | None]:
    """Average the precision of `_precision` over all classes that have one."""
    return {"map": _mean(precision), "map_50": _mean(precision[_IOU_50]), "map_75": _mean(precision[_IOU_75])}


def _outcomes(matches: Matches, area: tuple[float, float]) -> _Outcomes:
    pool = matches.pool
    ignored, outside = _outside(pool.true_boxes, area), _outside(pool.boxes, area)
    taken = matches.truth
    if ignored.any():
        taken = match_greedily(matches.pairs, pool.ranks, len(ignored), IOUS, ignored)
    matched = taken >= 0
    # A position of -1 is the last ground-truth box, which doesn't matter: nothing is matched there.
    counts = matched & ~ignored[taken] if len(ignored) else matched
    return _Outcomes(
        truths=np.bincount(pool.true_ids[~ignored], minlength=pool.classes), true=counts, false=~matched & ~outside
    )


def _outside(boxes: Floats, area: tuple[float, float]) -> Bools:
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return (areas < area[0]) | (areas > area[1])


def _precision(matches: Matches, outcomes: _Outcomes) -> Floats:
    """Return (10, 101, classes) the precision at RECALLS; NaN for a class without ground-truth boxes."""
    pool = matches.pool
    result = np.full((len(IOUS), len(RECALLS), pool.classes), np.nan)
    for class_id in np.flatnonzero(outcomes.truths).tolist():
        ranking = pool.ranking(class_id)
        seen = ranking[pool.ranks[ranking] < MAX_DETECTIONS]
        true, false = (np.cumsum(of_all[:, seen], axis=1) for of_all in (outcomes.true, outcomes.false))
        recall, precision = true / outcomes.truths[class_id], true / np.maximum(true + false, 1)
        for index in range(len(IOUS)):
            result[index, :, class_id] = precision_at_recalls(recall[index], precision[index])
    return result


def _recall(matches: Matches, outcomes: _Outcomes, limit: int = MAX_DETECTIONS) -> Floats:
    """Return (10, classes) the recall of the best detections of each image and class; NaN where there is none."""
    pool, truths = matches.pool, outcomes.truths
    found = outcomes.true & (pool.ranks < limit)
    numbers = np.array([np.bincount(pool.class_ids[at_iou], minlength=pool.classes) for at_iou in found])
    return np.divide(numbers, truths, out=np.full(numbers.shape, np.nan), where=truths > 0)


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None
