"""The statistics of many images: of a baseline, or of a window of captured requests."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from groundloop.detections.arrays import Floats
from groundloop.detections.drift.statistics import (
    STATISTICS,
    DetectionStatistics,
    ImageFormat,
    ImageStatistics,
    Statistic,
    statistics_of,
)

Item = TypeVar("Item")
#: More images make a baseline larger, and its distributions hardly more exact.
MAX_IMAGES = 1000
_INPUTS = sum(statistic.group == "input" for statistic in STATISTICS)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The statistics of images, one row each.

    Attributes:
        classes: of the model that answered, in id order.
        thresholds: score from which a detection counts, by class.
        values: (images, statistics) in the order of `statistics`; NaN where one is not defined.
        formats: how many images have each format.
    """

    classes: tuple[str, ...]
    thresholds: Mapping[str, float]
    values: Floats
    formats: Mapping[ImageFormat, int]

    @classmethod
    def of(
        cls,
        rows: Iterable[tuple[ImageStatistics | None, DetectionStatistics | None]],
        classes: Sequence[str],
        thresholds: Mapping[str, float],
    ) -> Sample:
        """Collect the statistics of images.

        Args:
            rows: of each image; None for an image that can't be decoded, or for one without a captured answer.
            classes: names in id order.
            thresholds: with which the detections were measured, by class.
        """
        width = len(statistics_of(classes))
        values: list[tuple[float, ...]] = []
        formats: Counter[ImageFormat] = Counter()
        for image, detections in rows:
            values.append(row_of(image, detections, width))
            if image is not None:
                formats[image.image_format] += 1
        table = np.array(values, dtype=np.float64).reshape(-1, width)
        return cls(tuple(classes), {name: float(thresholds[name]) for name in classes}, table, formats)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistics, in the order of the columns."""
        return statistics_of(self.classes)

    def column(self, name: str) -> Floats:
        """Return the defined values of a statistic."""
        names = [statistic.name for statistic in self.statistics]
        values = self.values[:, names.index(name)]
        return values[np.isfinite(values)]

    def group(self, group: str) -> tuple[tuple[Statistic, ...], Floats]:
        """Return the statistics of a group, and their values on the images on which the group was measured."""
        columns = [index for index, statistic in enumerate(self.statistics) if statistic.group == group]
        values = self.values[:, columns]
        # The first of each group is defined wherever the group was measured.
        return tuple(self.statistics[index] for index in columns), values[np.isfinite(values[:, 0])]


def row_of(image: ImageStatistics | None, detections: DetectionStatistics | None, width: int) -> tuple[float, ...]:
    """Return the row of an image; `width` is the number of statistics."""
    nan = float("nan")
    inputs = (nan,) * _INPUTS if image is None else image.values
    return inputs + ((nan,) * (width - _INPUTS) if detections is None else detections.values)


def choose(items: Sequence[Item], seed: int = 1, maximum: int = MAX_IMAGES) -> list[Item]:
    """Choose up to `maximum` items at random, in their order; the same seed chooses the same.

    Example:
        >>> choose(["a", "b", "c"], maximum=2) == choose(["a", "b", "c"], maximum=2)
        True
    """
    if len(items) <= maximum:
        return list(items)
    chosen = random.Random(seed).sample(range(len(items)), maximum)  # noqa: S311 - a sample, not a secret
    return [items[index] for index in sorted(chosen)]
