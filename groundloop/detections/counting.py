"""Errors of counts: true against detected numbers of objects in each image."""

from __future__ import annotations

import numpy as np

from groundloop.detections.arrays import Bools, Floats, Ints
from groundloop.detections.evaluation import CountErrors
from groundloop.detections.matching import PooledDetections


def counts_per_image(pool: PooledDetections, thresholds: Floats) -> Ints:
    """Return (images, classes, 2): numbers of ground-truth boxes, and of detections at or over the thresholds."""
    kept = pool.scores >= thresholds[pool.class_ids]
    cells = pool.images * pool.classes
    counts = [np.bincount(groups, minlength=cells) for groups in (pool.true_groups, pool.groups[kept])]
    return np.stack(counts, axis=-1).reshape(pool.images, pool.classes, 2)


def count_errors(counts: Ints) -> tuple[CountErrors, tuple[CountErrors, ...]]:
    """Compute the errors of counts: overall, and per class.

    Overall, errors are of the objects of all classes together; an image is exact when every class is.

    Args:
        counts: (images, classes, 2), at least one image.
    """
    difference = counts[:, :, 1] - counts[:, :, 0]
    overall = _errors(difference.sum(axis=1), (difference == 0).all(axis=1))
    return overall, tuple(_errors(column, column == 0) for column in difference.T)


def _errors(difference: Ints, exact: Bools) -> CountErrors:
    return CountErrors(
        mae=float(np.abs(difference).mean()),
        rmse=float(np.sqrt(np.square(difference).mean())),
        bias=float(difference.mean()),
        exact_share=float(exact.mean()),
    )
