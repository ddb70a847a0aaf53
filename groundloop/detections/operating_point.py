"""True and false detections and missed boxes at the operating thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundloop.detections.arrays import Floats
from groundloop.detections.evaluation import AtThreshold
from groundloop.detections.matching import Matches


def at_thresholds(matches: Matches, thresholds: Floats) -> list[AtThreshold]:
    """Count true and false detections and missed boxes at each class's threshold, in id order."""
    pool, true = matches.pool, matches.truth[0] >= 0
    kept = pool.scores >= thresholds[pool.class_ids]
    right = np.bincount(pool.class_ids[kept & true], minlength=pool.classes)
    wrong = np.bincount(pool.class_ids[kept & ~true], minlength=pool.classes)
    missed = pool.truths_by_class() - right
    return [AtThreshold(*numbers) for numbers in zip(right.tolist(), wrong.tolist(), missed.tolist(), strict=True)]


def sum_over_classes(parts: Sequence[AtThreshold]) -> AtThreshold:
    """Add up the counts of all classes."""
    return AtThreshold(
        sum(part.true_positives for part in parts),
        sum(part.false_positives for part in parts),
        sum(part.false_negatives for part in parts),
    )
