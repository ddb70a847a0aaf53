"""A window of captured requests, measured one image after the other."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from groundloop.detections.arrays import Floats
from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.comparison import deviations
from groundloop.detections.drift.sample import Sample, row_of
from groundloop.detections.drift.statistics import (
    DetectionStatistics,
    ImageStatistics,
    Statistic,
    detection_statistics,
    image_statistics,
)
from groundloop.detections.predictions import Detections
from groundloop.images.access import UnusableImageError

#: Pictures in the report, those most unlike the baseline.
PICTURES = 12
# From here a statistic of an image is worth mentioning, in standard deviations of the baseline.
_UNUSUAL = 2.0
_MAX_REASONS = 3


@dataclass(frozen=True, slots=True)
class Distance:
    """How unlike the baseline's images an image is.

    Attributes:
        value: of its most unusual statistic, from the baseline's mean, in standard deviations of the baseline.
        reasons: the unusual statistics, such as `brightness 31 (usually 118 ± 12)`, the most unusual first.
    """

    value: float
    reasons: tuple[str, ...]


class DistanceScale:
    """Measures how unlike the images of a baseline an image is."""

    def __init__(self, baseline: Baseline) -> None:
        self._statistics: tuple[Statistic, ...] = baseline.sample.statistics
        values = baseline.sample.values
        self._means = np.array(
            [column[np.isfinite(column)].mean() if np.isfinite(column).any() else np.nan for column in values.T]
        )
        self._deviations = deviations(values, self._statistics)

    def distance(self, image: ImageStatistics | None, detections: DetectionStatistics | None) -> Distance:
        """Return the distance of an image; a statistic that is not defined does not count.

        Args:
            image: its own statistics; None if they are not known.
            detections: statistics of its detections; None if they are not known.
        """
        row = np.array(row_of(image, detections, len(self._statistics)), dtype=np.float64)
        scores: Floats = np.nan_to_num(np.abs(row - self._means) / self._deviations)
        order = [int(k) for k in np.argsort(-scores, kind="stable") if scores[k] >= _UNUSUAL]
        reasons = [
            f"{self._statistics[k].words} {row[k]:.3g} (usually {self._means[k]:.3g} \u00b1 {self._deviations[k]:.2g})"
            for k in order[:_MAX_REASONS]
        ]
        return Distance(float(scores.max(initial=0.0)), tuple(reasons))


@dataclass(frozen=True, slots=True)
class StrangeImage:
    """An image most unlike the baseline's.

    Attributes:
        name: of the request: file and line.
        image: the encoded image.
        detections: those that count at the thresholds; None where no answer was captured.
        distance: how unlike it is.
    """

    name: str
    image: bytes
    detections: Detections | None
    distance: Distance


@dataclass(slots=True)
class Window:
    """Measures the images of a window; of them it keeps only those most unlike the baseline's.

    Attributes:
        baseline: of the model that answered.
        pictures: how many images it keeps.
        unreadable: by name, why an image can't be decoded.
    """

    baseline: Baseline
    pictures: int = PICTURES
    unreadable: dict[str, str] = field(default_factory=dict)
    _rows: list[tuple[ImageStatistics | None, DetectionStatistics | None]] = field(default_factory=list)
    _strangest: list[tuple[float, int, StrangeImage]] = field(default_factory=list)
    _scale: DistanceScale | None = None

    def add(self, name: str, image: bytes, detections: Detections | None) -> Distance:
        """Measure an image and the detections that the endpoint answered.

        Args:
            name: of the request, for the report.
            image: the encoded image.
            detections: those under the threshold too; None where no answer was captured.

        Returns:
            How unlike the baseline's images it is.
        """
        if self._scale is None:
            self._scale = DistanceScale(self.baseline)
        try:
            measured: ImageStatistics | None = image_statistics(image)
        except UnusableImageError as error:
            measured, self.unreadable[name] = None, str(error)
        thresholds = self.baseline.thresholds
        answered = None if detections is None else detection_statistics(detections, thresholds)
        self._rows.append((measured, answered))
        distance = self._scale.distance(measured, answered)
        # Of equally strange ones the first is kept.
        key = (distance.value, -len(self._rows))
        if (
            measured is not None
            and self.pictures
            and (len(self._strangest) < self.pictures or key > self._strangest[0][:2])
        ):
            kept = None if detections is None else detections.filter(thresholds)
            entry = (*key, StrangeImage(name, image, kept, distance))
            push = heapq.heappush if len(self._strangest) < self.pictures else heapq.heapreplace
            push(self._strangest, entry)
        return distance

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def sample(self) -> Sample:
        """The statistics of the images so far."""
        return Sample.of(self._rows, self.baseline.classes, self.baseline.thresholds)

    @property
    def strangest(self) -> list[StrangeImage]:
        """The images most unlike the baseline's, the strangest first."""
        return [entry[-1] for entry in sorted(self._strangest, key=lambda entry: entry[:2], reverse=True)]
