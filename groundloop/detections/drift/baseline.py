"""The baseline of a model: the statistics of the images that it was evaluated on, as a versioned JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from groundloop.detections.arrays import Floats
from groundloop.detections.drift.sample import MAX_IMAGES, Sample
from groundloop.detections.drift.statistics import ImageFormat, statistics_of
from groundloop.errors import UserError

CONTENT_TYPE = "application/json"
#: Name of the file among the results of an evaluation.
FILE_NAME = "baseline.json"
VERSION = 1
_REMEDY = "evaluate the model again, which writes another baseline"
_SAME_THRESHOLD = 1e-9


class _Format(msgspec.Struct, frozen=True):
    width: int
    height: int
    mode: str
    orientation: int
    images: int


class _Document(msgspec.Struct, frozen=True):
    """The file. Columns hold one value an image, null where it is not defined."""

    drift_baseline: int
    model: str
    seed: int
    sampled_from: int
    images: int
    classes: list[str]
    thresholds: dict[str, float]
    statistics: dict[str, list[float | None]]
    formats: list[_Format]


class _Version(msgspec.Struct, frozen=True):
    drift_baseline: int


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What a window of captured requests is compared with.

    Attributes:
        sample: statistics of at most 1,000 images.
        model: what it describes: ARN of a training job or package, or a file.
        sampled_from: the number of images that they were chosen from.
        seed: of that choice.
    """

    sample: Sample
    model: str = ""
    sampled_from: int = 0
    seed: int = 1

    @property
    def classes(self) -> tuple[str, ...]:
        """Class list of the model, in id order."""
        return self.sample.classes

    @property
    def thresholds(self) -> dict[str, float]:
        """Score from which a detection counts, by class."""
        return dict(self.sample.thresholds)

    def to_json(self) -> bytes:
        """Return the document; equal baselines give equal bytes."""
        sample = self.sample
        columns = {
            statistic.name: [None if np.isnan(value) else float(f"{value:.6g}") for value in column]
            for statistic, column in zip(sample.statistics, sample.values.T.tolist(), strict=True)
        }
        document = _Document(
            drift_baseline=VERSION,
            model=self.model,
            seed=self.seed,
            sampled_from=max(self.sampled_from, len(sample)),
            images=len(sample),
            classes=list(sample.classes),
            thresholds=dict(sample.thresholds),
            statistics=columns,
            formats=[_Format(*key, images) for key, images in sorted(sample.formats.items())],
        )
        return msgspec.json.encode(document) + b"\n"

    @classmethod
    def read(cls, body: bytes, name: str = "the baseline") -> Baseline:
        """Read and check a document.

        Args:
            body: its bytes.
            name: file or URI, for error messages.

        Raises:
            UserError: it is no baseline, of another version, or its parts contradict each other.
        """
        try:
            version = msgspec.json.decode(body, type=_Version).drift_baseline
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UserError(f"{name} is not a drift baseline: {error}; {_REMEDY}") from None
        if version != VERSION:
            raise UserError(
                f"{name} is a drift baseline of version {version}, but this release reads version {VERSION}: {_REMEDY}"
            )
        try:
            document = msgspec.json.decode(body, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UserError(f"{name} is damaged: {error}; {_REMEDY}") from None
        problem = _problem(document)
        if problem:
            raise UserError(f"{name} is damaged: {problem}; {_REMEDY}")
        formats: Counter[ImageFormat] = Counter()
        for item in document.formats:
            formats[ImageFormat(item.width, item.height, item.mode, item.orientation)] += item.images
        sample = Sample(tuple(document.classes), document.thresholds, _table(document), formats)
        return cls(sample, document.model, document.sampled_from, document.seed)

    def check(self, classes: Sequence[str], thresholds: Mapping[str, float], name: str = "the baseline") -> None:
        """Check that it is of a model with these classes and operating thresholds.

        Args:
            classes: names in id order.
            thresholds: by class.
            name: file or URI, for error messages.

        Raises:
            UserError: it is of others; the text says which, and what to do.
        """
        if tuple(classes) != self.classes:
            raise UserError(
                f"{name} has the classes {', '.join(self.classes)}, but the model has {', '.join(classes)}: "
                "give the baseline of that model"
            )
        for class_name, threshold in self.sample.thresholds.items():
            if abs(threshold - thresholds[class_name]) > _SAME_THRESHOLD:
                raise UserError(
                    f"{name} counts {class_name} from a score of {threshold:g}, but the model's threshold is "
                    f"{thresholds[class_name]:g}: {_REMEDY}"
                )


def _problem(document: _Document) -> str:
    """Return what is wrong with a document, in one clause; "" if nothing is."""
    images, classes = document.images, document.classes
    if not 1 <= images <= MAX_IMAGES:
        return f"it has {images} images instead of 1 to {MAX_IMAGES}"
    if not classes or len(set(classes)) != len(classes):
        return "its class list is empty or names a class twice"
    if set(document.thresholds) != set(classes):
        return "its thresholds are not those of its classes"
    if not all(0 <= threshold <= 1 for threshold in document.thresholds.values()):
        return "a threshold lies outside 0 to 1"
    expected = [statistic.name for statistic in statistics_of(classes)]
    for name in expected:
        if name not in document.statistics:
            return f"the statistic {name} is missing"
        if len(document.statistics[name]) != images:
            return f"the statistic {name} has {len(document.statistics[name])} values for {images} images"
    unknown = sorted(set(document.statistics) - set(expected))
    if unknown:
        return f"the statistic {unknown[0]} is unknown"
    if sum(item.images for item in document.formats) > images or any(item.images < 1 for item in document.formats):
        return "its formats count more images than it has, or none"
    return ""


def _table(document: _Document) -> Floats:
    names = [statistic.name for statistic in statistics_of(document.classes)]
    columns = [np.array(document.statistics[name], dtype=np.float64) for name in names]
    return np.stack(columns, axis=1)
