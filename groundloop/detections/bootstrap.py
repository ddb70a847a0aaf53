"""Confidence intervals of the metrics: percentiles over resampled test images.

The bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13): as many images as there are
are drawn with replacement, every metric is computed again, and this many times. Images are drawn, not boxes, since the
boxes of one image are alike. Matching is per image and done once; a resample is a weight for each image, the number of
times it was drawn, and changes only how detections add up. Average precision is computed at the true detections alone,
which are few; that makes all ten IoUs of `map` affordable for every resample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundloop.detections.arrays import Bools, Floats, Ints
from groundloop.detections.average_precision import RECALLS
from groundloop.detections.counting import counts_per_image
from groundloop.detections.curves import MAX_DETECTIONS
from groundloop.detections.matching import IOUS, Matches
from groundloop.errors import UserError

Weights = NDArray[np.int32]

# Boxes times resamples that are worked on at once, so that they stay near the processor: 1 MB.
_CELLS_TOGETHER = 2**18


@dataclass(frozen=True, slots=True)
class Resampling:
    """How many resamples, what share of them lies in an interval, and the seed of their random numbers.

    Raises:
        UserError: a number of resamples or a seed is negative, or the level is not between 0 and 1.
    """

    resamples: int = 1000
    level: float = 0.95
    seed: int = 1

    def __post_init__(self) -> None:
        if self.resamples < 0 or self.seed < 0:
            raise UserError(
                f"intervals cannot be made of {self.resamples} resamples with the seed {self.seed}: give 0 or more"
            )
        if not 0 < self.level < 1:
            raise UserError(f"intervals at a level of {self.level} make no sense: give a share such as 0.95")


def intervals(matches: Matches, thresholds: Floats, resampling: Resampling) -> dict[str, tuple[float, float]]:
    """Compute the lower and upper bound of each headline metric, by dotted name.

    There are none for fewer than two images. A resample in which a metric is undefined (no ground-truth box of any
    class, nothing detected) is left out of that metric's interval; a class of which it holds no ground-truth box, out
    of its means.
    """
    images = matches.pool.images
    if images < 2 or not resampling.resamples:
        return {}
    weights = resample_weights(images, resampling)
    tail = (1 - resampling.level) / 2
    bounds: dict[str, tuple[float, float]] = {}
    for name, values in resampled_metrics(matches, thresholds, weights).items():
        known = values[~np.isnan(values)]
        if len(known):
            low, high = np.quantile(known, [tail, 1 - tail])
            bounds[name] = (float(low), float(high))
    return bounds


def resample_weights(images: int, resampling: Resampling) -> Ints:
    """Draw the resamples; return (images, resamples), how often each image was drawn."""
    random = np.random.default_rng(resampling.seed)
    return random.multinomial(images, np.full(images, 1 / images), size=resampling.resamples).T


def resampled_metrics(matches: Matches, thresholds: Floats, weights: Ints) -> dict[str, Floats]:
    """Compute each metric for each resample; NaN where undefined. Weights of 1 give the metrics themselves.

    Args:
        weights: (images, resamples) how often each image was drawn.
    """
    # Small integers: there are many of them to add up.
    return {
        **_average_precisions(matches, np.ascontiguousarray(weights.T, dtype=np.int32)),
        **_at_threshold(matches, thresholds, weights),
        **_counts(matches, thresholds, weights),
    }


def _at_threshold(matches: Matches, thresholds: Floats, weights: Ints) -> dict[str, Floats]:
    pool, true = matches.pool, matches.truth[0] >= 0
    kept = pool.scores >= thresholds[pool.class_ids]
    numbers = [pool.image[kept & true], pool.image[kept], pool.true_images]
    right, detected, truths = (np.bincount(images, minlength=pool.images) @ weights for images in numbers)
    return {
        "at_threshold.precision": _ratio(right, detected),
        "at_threshold.recall": _ratio(right, truths),
        "at_threshold.f1": _ratio(2 * right, detected + truths),
    }


def _counts(matches: Matches, thresholds: Floats, weights: Ints) -> dict[str, Floats]:
    counts = counts_per_image(matches.pool, thresholds)
    difference = counts[:, :, 1] - counts[:, :, 0]
    total, drawn_images = difference.sum(axis=1), weights.sum(axis=0)
    return {
        "count.mae": np.abs(total) @ weights / drawn_images,
        "count.bias": total @ weights / drawn_images,
        "count.exact_share": (difference == 0).all(axis=1).astype(np.int64) @ weights / drawn_images,
    }


def _average_precisions(matches: Matches, weights: Weights) -> dict[str, Floats]:
    """Average over the classes of which a resample holds ground-truth boxes; (resamples,) each.

    Args:
        weights: (resamples, images)
    """
    pool, resamples = matches.pool, len(weights)
    coco, voc = np.empty((pool.classes, len(IOUS), resamples)), np.empty((pool.classes, resamples))
    for class_id in range(pool.classes):
        true_images = pool.true_images[pool.true_ids == class_id]
        ranking = pool.ranking(class_id)
        seen = ranking[pool.ranks[ranking] < MAX_DETECTIONS]
        of_iou = [_runs(matches.truth[index, seen] >= 0) for index in range(len(IOUS))]
        of_voc = _runs(matches.voc[ranking])
        rows = max(1, _CELLS_TOGETHER // max(len(ranking), len(true_images), len(RECALLS)))
        for start in range(0, resamples, rows):
            part = slice(start, start + rows)
            truths = weights[part].take(true_images, axis=1).sum(axis=1)
            levels = _levels(truths)
            detected = _detected(weights[part], pool.image[ranking])
            detected_seen = detected if len(seen) == len(ranking) else _detected(weights[part], pool.image[seen])
            for index, runs in enumerate(of_iou):
                coco[class_id, index, part] = _coco_ap(*_precision_of_runs(runs, detected_seen), truths, levels)
            voc[class_id, part] = _voc_ap(*_precision_of_runs(of_voc, detected), truths)
    return {"map": _mean(coco.mean(axis=1)), "map_50": _mean(coco[:, 0]), "voc_map": _mean(voc)}


def _runs(is_true_positive: Bools) -> Ints:
    """Return (2, runs): where each run of true detections in a ranking begins, and the position after its end."""
    edges = np.flatnonzero(np.diff(is_true_positive, prepend=False, append=False))
    return edges.reshape(-1, 2).T


def _detected(weights: Weights, images: Ints) -> Weights:
    """Count the detections before each position of a ranking, and all of them; (resamples, n + 1).

    Args:
        weights: (resamples, images)
        images: (n,) image of each detection.
    """
    detected = np.zeros((len(weights), len(images) + 1), dtype=weights.dtype)
    np.cumsum(weights.take(images, axis=1), axis=1, out=detected[:, 1:])
    return detected


def _precision_of_runs(runs: Ints, detected: Weights) -> tuple[Weights, Floats]:
    """Return the true detections up to the end of each run, and the best precision from there on.

    Only there does it matter: within a run precision rises, and from its end to the next run it falls.

    Args:
        runs: (2, runs) as `_runs` returns them.
        detected: (resamples, n + 1) as `_detected` returns it.

    Returns:
        (resamples, runs) each.
    """
    at_end = detected.take(runs[1], axis=1)
    found = np.cumsum(at_end - detected.take(runs[0], axis=1), axis=1, dtype=detected.dtype)
    precision = found / np.maximum(at_end, 1)
    # Numbers that aren't negative are ordered as their bits are, and whole numbers compare several times faster.
    bits = precision.view(np.int64)[:, ::-1]
    return found, np.maximum.accumulate(bits, axis=1)[:, ::-1].view(np.float64)


def _levels(truths: Ints) -> Ints:
    """Return how many true detections reach each of RECALLS, at least 1; (resamples, 101)."""
    whole = np.maximum(truths, 1)[:, None]
    count = np.ceil(RECALLS * whole).astype(np.int64)
    # To the bit as by division: rounding may have put the product on the other side of a whole number.
    count -= (count - 1) / whole >= RECALLS
    count += count / whole < RECALLS
    return np.maximum(count, 1)


def _coco_ap(found: Weights, precision: Floats, truths: Ints, levels: Ints) -> Floats:
    """Compute the mean precision at the recall levels; (resamples,), NaN without ground-truth boxes."""
    resamples, runs = found.shape
    if not runs:
        return np.where(truths > 0, 0.0, np.nan)
    # One search for all resamples: the numbers of each lie above those of the one before.
    above = np.arange(resamples)[:, None] * (max(int(levels.max()), int(found[:, -1].max())) + 1)
    reached_at = np.searchsorted((found + above).ravel(), (levels + above).ravel()).reshape(levels.shape)
    at_levels = np.where(levels <= found[:, -1:], precision.ravel().take(reached_at, mode="clip"), 0)
    return np.where(truths > 0, at_levels.sum(axis=1) / len(RECALLS), np.nan)


def _voc_ap(found: Weights, precision: Floats, truths: Ints) -> Floats:
    """Compute the area under the curve; (resamples,), NaN without ground-truth boxes."""
    return _ratio((np.diff(found, axis=1, prepend=0) * precision).sum(axis=1), truths)


def _mean(by_class: Floats) -> Floats:
    """Average over the classes that are not NaN; NaN where all are."""
    known = ~np.isnan(by_class)
    return _ratio(np.where(known, by_class, 0).sum(axis=0), known.sum(axis=0))


def _ratio(part: Floats | Ints, whole: Ints) -> Floats:
    """Divide; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
