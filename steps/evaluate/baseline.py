"""The baseline of a version: what its evaluation's images and detections are like, for comparison with requests.

Of at most 1,000 validation and test images. Without a network the images can't be read: then it is of the detections
alone, and the monitor pipeline compares nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from groundloop.detections.drift.baseline import FILE_NAME, Baseline
from groundloop.detections.drift.sample import Sample, choose
from groundloop.detections.drift.statistics import ImageStatistics, detection_statistics, image_statistics
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.images.access import MAX_THREADS, UnusableImageError
from groundloop.images.s3 import S3Images

if TYPE_CHECKING:
    from groundloop.detections.dataset import ScoredImage
    from groundloop.images.access import Images
    from groundloop.labels.records import Record

_SEED = 1


def write_baseline(
    folder: Path,
    truth: Mapping[str, Sequence[Record]],
    scored: Mapping[str, Sequence[ScoredImage]],
    thresholds: Mapping[str, float],
    *,
    model: str,
    images: Callable[[], Images] | None = S3Images,
) -> str:
    """Write `baseline.json`, and return a line that says what it is of.

    Args:
        folder: of the evaluation.
        truth: the labelled images by split.
        scored: the same images with their detections.
        thresholds: score from which a detection counts, by class in id order.
        model: what the baseline is of.
        images: opens the place of the images; None: they are not read.
    """
    sizes = {record.source_ref: (record.width, record.height) for records in truth.values() for record in records}
    every = [one for split in scored.values() for one in split]
    chosen = choose(every, _SEED)
    measured, message = _measured([one.source_ref for one in chosen], images)
    classes = tuple(thresholds)
    rows = [
        (measured.get(one.source_ref), detection_statistics(_detections(one, classes, sizes), thresholds))
        for one in chosen
    ]
    sample = Sample.of(rows, classes, thresholds)
    (folder / FILE_NAME).write_bytes(Baseline(sample, model, len(every), _SEED).to_json())
    return message


def _measured(names: Sequence[str], images: Callable[[], Images] | None) -> tuple[dict[str, ImageStatistics], str]:
    """Return the statistics of the images that can be read, several at a time, and a line that says so."""
    if images is None or not names:
        return {}, "baseline: of the detections alone, since the images are not read"
    try:
        place = images()
        first = _statistics(place, names[0])  # whether the place can be reached at all
    except UserError as error:
        return {}, f"baseline: of the detections alone: {error}"

    def measure(name: str) -> ImageStatistics | None:
        """Measure an image; return None for one that can't be read."""
        try:
            return _statistics(place, name)
        except UserError:
            return None

    with ThreadPoolExecutor(MAX_THREADS) as pool:
        found = dict(zip(names, [first, *pool.map(measure, names[1:])], strict=True))
    missing = sum(one is None for one in found.values())
    message = f"baseline: {len(names)} images" + (f", of which {missing} can't be read" if missing else "")
    return {name: one for name, one in found.items() if one is not None}, message


def _statistics(place: Images, name: str) -> ImageStatistics | None:
    try:
        return image_statistics(place.body(name))
    except UnusableImageError:
        return None


def _detections(one: ScoredImage, classes: tuple[str, ...], sizes: Mapping[str, tuple[int, int]]) -> Detections:
    width, height = sizes[one.source_ref]
    sides = np.array([width, height, width, height], dtype=np.float64)
    return Detections(classes, one.class_ids, one.scores, one.boxes / sides, (width, height))
