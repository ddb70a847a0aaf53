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

from groundloop.detections.average_precision import RECALLS
from groundloop.detections.counting import counts_per_image
from groundloop.detections.curves import MAX_DETECTIONS
from groundloop.detections.matching import IOUS, Bools, Floats, Ints, Matches
from groundloop.errors import UserError

Weights = NDArray[np.int32]

# Rows and columns of the pieces that are worked on, so that one stays near the processor: 1 MB.
_DETECTIONS_TOGETHER = 2048
_RESAMPLES_TOGETHER = 128


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
        **_average_precisions(matches, weights.astype(np.int32)),
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
    """Average over the classes of which a resample holds ground-truth boxes; (resamples,) each."""
    pool, resamples = matches.pool, weights.shape[1]
    coco, voc = np.empty((pool.classes, len(IOUS), resamples)), np.empty((pool.classes, resamples))
    for class_id in range(pool.classes):
        true_images = np.bincount(pool.true_images[pool.true_ids == class_id], minlength=pool.images)
        ranking = pool.ranking(class_id)
        seen = ranking[pool.ranks[ranking] < MAX_DETECTIONS]
        images, images_seen = pool.image[ranking], pool.image[seen]
        is_true_positive, is_true_positive_seen = matches.voc[ranking], matches.truth[:, seen] >= 0
        for start in range(0, resamples, _RESAMPLES_TOGETHER):
            part = slice(start, start + _RESAMPLES_TOGETHER)
            of_part = np.ascontiguousarray(weights[:, part])
            truths = true_images @ of_part
            coco[class_id, :, part] = _coco_ap(images_seen, is_true_positive_seen, truths, of_part)
            voc[class_id, part] = _voc_ap(images, is_true_positive, truths, of_part)
    return {"map": _mean(coco.mean(axis=1)), "map_50": _mean(coco[:, 0]), "voc_map": _mean(voc)}


def _coco_ap(images: Ints, is_true_positive: Bools, truths: Ints, weights: Weights) -> Floats:
    """Compute the average precision of one class at each IoU; (t, resamples).

    Args:
        images: (n,) image of each detection, best score first.
        is_true_positive: (t, n) whether it is true at an IoU.
        truths: (resamples,) ground-truth boxes; without any, the result is NaN.
        weights: (images, resamples)
    """
    candidate_positions = np.flatnonzero(is_true_positive.any(axis=0))
    detected = _detected(images, candidate_positions, weights)
    result = np.zeros((len(is_true_positive), weights.shape[1]))
    for index, true in enumerate(is_true_positive[:, candidate_positions]):
        found = np.cumsum(weights[images[candidate_positions[true]]], axis=0, dtype=weights.dtype)
        # Every recall level counts for the detection that reaches it: level 0 for the first true one.
        reached = np.where(found > 0, np.searchsorted(RECALLS, found / np.maximum(truths, 1), side="right"), 0)
        result[index] = (np.diff(reached, axis=0, prepend=0) * _monotone_precision(found, detected[true])).sum(axis=0)
    return np.where(truths > 0, result / len(RECALLS), np.nan)


def _voc_ap(images: Ints, is_true_positive: Bools, truths: Ints, weights: Weights) -> Floats:
    """Compute the area under the curve of one class; (resamples,). Arguments as above, `is_true_positive` (n,)."""
    candidate_positions = np.flatnonzero(is_true_positive)
    gained = weights[images[candidate_positions]]
    precision = _monotone_precision(
        np.cumsum(gained, axis=0, dtype=weights.dtype), _detected(images, candidate_positions, weights)
    )
    return _ratio((gained * precision).sum(axis=0), truths)


def _detected(images: Ints, candidate_positions: Ints, weights: Weights) -> Weights:
    """Count the detections up to each position of the ranking, that one included; (positions, resamples)."""
    result = np.empty((len(candidate_positions), weights.shape[1]), dtype=weights.dtype)
    before = np.zeros(weights.shape[1], dtype=weights.dtype)
    done = start = 0
    while done < len(candidate_positions):
        counts = np.cumsum(weights[images[start : start + _DETECTIONS_TOGETHER]], axis=0, dtype=weights.dtype)
        end = int(np.searchsorted(candidate_positions, start + _DETECTIONS_TOGETHER))
        result[done:end] = before + counts[candidate_positions[done:end] - start]
        before, done, start = before + counts[-1], end, start + _DETECTIONS_TOGETHER
    return result


def _monotone_precision(found: Weights, detected: Weights) -> Floats:
    """Compute the precision at each true detection, made non-increasing.

    Only there does it matter: between true detections precision falls, and recall stands still. The same goes for
    copies of one true detection, of which the last has the highest precision.
    """
    precision = found / np.maximum(detected, 1)
    return np.maximum.accumulate(precision[::-1], axis=0)[::-1]


def _mean(by_class: Floats) -> Floats:
    """Average over the classes that are not NaN; NaN where all are."""
    known = ~np.isnan(by_class)
    return _ratio(np.where(known, by_class, 0).sum(axis=0), known.sum(axis=0))


def _ratio(part: Floats | Ints, whole: Ints) -> Floats:
    """Divide; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
