"""Metrics of slices: of the test images that have one value of a key, such as those of one camera.

Detections are matched once, for all images; a slice takes its part of the matches. Its metrics and intervals equal
those of an evaluation of its images alone, at the same thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from groundloop.detections.arrays import Floats, Ints
from groundloop.detections.bootstrap import Resampling, intervals
from groundloop.detections.coco import mean_average_precisions
from groundloop.detections.counting import count_errors, counts_per_image
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluation import Interval, SliceMetrics
from groundloop.detections.matching import CandidatePairs, Matches, PooledDetections
from groundloop.detections.operating_point import at_thresholds, sum_over_classes
from groundloop.detections.voc import voc_scores
from groundloop.labels.slices import NO_VALUE, SliceValues, slice_order


def slice_metrics(
    matches: Matches, images: Sequence[ScoredImage], slices: SliceValues, thresholds: Floats, resampling: Resampling
) -> dict[str, dict[str, SliceMetrics]]:
    """Compute the metrics of every slice, by key and value.

    Args:
        matches: of the images.
        images: in the order of the matches.
        slices: value of each image by key and URI; an image that is not named has none.
        thresholds: (classes,) score from which the detections of a class count.
        resampling: of the intervals.
    """
    return {
        key: {
            value: _metrics(select_images(matches, chosen), thresholds, resampling)
            for value, chosen in _positions([values.get(image.source_ref, NO_VALUE) for image in images])
        }
        for key, values in slices.items()
    }


def slice_intervals(slices: dict[str, dict[str, SliceMetrics]]) -> dict[str, Interval]:
    """Return the intervals of all slices by dotted name, such as `slices.camera.A.recall`."""
    return {
        f"slices.{key}.{value}.{name}": bounds
        for key, by_value in slices.items()
        for value, metrics in by_value.items()
        for name, bounds in metrics.intervals.items()
    }


def select_images(matches: Matches, chosen: Ints) -> Matches:
    """Return the matches of some images, as matching these alone would find them.

    Args:
        matches: of all images.
        chosen: (k,) positions of the images, ascending.
    """
    pool, pairs = matches.pool, matches.pairs
    image = _renumbered(pool.images, chosen)
    truths, detections = (np.flatnonzero(image[of] >= 0) for of in (pool.true_images, pool.image))
    truth, detection = _renumbered(len(pool.true_ids), truths), _renumbered(len(pool.scores), detections)
    near = detection[pairs.detection] >= 0
    return Matches(
        pool=PooledDetections(
            images=len(chosen),
            classes=pool.classes,
            true_images=image[pool.true_images[truths]],
            true_ids=pool.true_ids[truths],
            true_boxes=pool.true_boxes[truths],
            image=image[pool.image[detections]],
            class_ids=pool.class_ids[detections],
            scores=pool.scores[detections],
            boxes=pool.boxes[detections],
            ranks=pool.ranks[detections],
        ),
        truth=truth[matches.truth[:, detections]],
        voc=matches.voc[detections],
        pairs=CandidatePairs(
            detection=detection[pairs.detection[near]],
            truth=truth[pairs.truth[near]],
            iou=pairs.iou[near],
            nearest=pairs.nearest[detections],
        ),
    )


def _renumbered(count: int, kept: Ints) -> Ints:
    """Return (count + 1,) the new position of each that is kept, -1 for the others and at position -1."""
    positions = np.full(count + 1, -1, dtype=np.int64)
    positions[kept] = np.arange(len(kept))
    return positions


def _positions(values: Sequence[str]) -> Iterator[tuple[str, Ints]]:
    """Yield each value with the positions of its images."""
    positions: dict[str, list[int]] = {}
    for position, value in enumerate(values):
        positions.setdefault(value, []).append(position)
    for value in sorted(positions, key=slice_order):
        yield value, np.array(positions[value], dtype=np.int64)


def _metrics(matches: Matches, thresholds: Floats, resampling: Resampling) -> SliceMetrics:
    bounds = intervals(matches, thresholds, resampling)
    return SliceMetrics(
        images=matches.pool.images,
        boxes=len(matches.pool.true_ids),
        metrics={**mean_average_precisions(matches), "voc_map": voc_scores(matches).mean_ap},
        at_threshold=sum_over_classes(at_thresholds(matches, thresholds)),
        count=count_errors(counts_per_image(matches.pool, thresholds))[0],
        intervals={name.removeprefix("at_threshold."): ends for name, ends in bounds.items()},
    )
