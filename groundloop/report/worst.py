"""The images with the most errors, each box marked with its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from groundloop.detections.arrays import Bools, Floats
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluation import Evaluation
from groundloop.detections.matching import PooledDetections, match_detections, pool_detections


class BoxOutcome(str, Enum):
    """The outcome of a box at its class's threshold; of an image without ground truth all are `DETECTED`."""

    FOUND = "ground-truth box, found"
    MISSED = "ground-truth box, missed"
    RIGHT = "detection, right"
    FALSE = "detection, false"
    DETECTED = "detection"


@dataclass(frozen=True, slots=True)
class Mark:
    """A box to draw: xmin, ymin, xmax, ymax in pixels of the image as labelled; a ground-truth box has no score."""

    outcome: BoxOutcome
    class_name: str
    box: tuple[float, float, float, float]
    score: float | None = None


@dataclass(frozen=True, slots=True)
class WorstChoice:
    """An image of the gallery, with all its ground-truth boxes and its detections at the thresholds."""

    source_ref: str
    marks: tuple[Mark, ...]

    def count(self, *outcomes: BoxOutcome) -> int:
        """Return how many boxes have one of the outcomes."""
        return sum(mark.outcome in outcomes for mark in self.marks)

    @property
    def errors(self) -> int:
        """False detections and missed boxes."""
        return self.count(BoxOutcome.FALSE, BoxOutcome.MISSED)


@dataclass(frozen=True, slots=True)
class WorstImage:
    """A chosen image with its file.

    Attributes:
        content: the bytes of the image file; None where there are none.
        missing: why there are none, one clause for the reader, such as "the folder has no such image".
    """

    choice: WorstChoice
    content: bytes | None = None
    missing: str = ""


def worst_images(test: Sequence[ScoredImage], evaluation: Evaluation, count: int = 12) -> list[WorstChoice]:
    """Choose the images with most errors: false detections and missed boxes at each class's threshold.

    Detections are matched as for the metrics at the threshold: greedily by score, per class, at IoU 0.5.

    Args:
        test: the images that were scored.
        evaluation: their evaluation, which holds the thresholds.
        count: the maximum number of images. Images without errors are not chosen.

    Returns:
        The worst first; equally bad images are in the order of their URIs.
    """
    if not test:
        return []
    matches = match_detections(pool_detections(test, len(evaluation.classes)))
    pool, taken = matches.pool, matches.truth[0]
    thresholds = np.array([row.threshold for row in evaluation.per_class])
    kept = pool.scores >= thresholds[pool.class_ids]
    # Better detections are matched first, so those under the threshold change nothing for those over it.
    right = kept & (taken >= 0)
    found = np.zeros(len(pool.true_ids), dtype=bool)
    found[taken[right]] = True
    errors = np.bincount(pool.image[kept & ~right], minlength=pool.images)
    errors += np.bincount(pool.true_images[~found], minlength=pool.images)
    worst = sorted(np.flatnonzero(errors).tolist(), key=lambda index: (-errors[index], test[index].source_ref, index))
    return [
        WorstChoice(test[index].source_ref, tuple(_marks(pool, index, evaluation.classes, found, kept, right)))
        for index in worst[:count]
    ]


def _marks(
    pool: PooledDetections, image: int, classes: Sequence[str], found: Bools, kept: Bools, right: Bools
) -> Iterator[Mark]:
    """Yield the boxes of an image by class: the true ones, then the detections over the threshold."""
    truths, detections = np.flatnonzero(pool.true_images == image), np.flatnonzero((pool.image == image) & kept)
    for class_id, name in enumerate(classes):
        for index in truths[pool.true_ids[truths] == class_id]:
            outcome = BoxOutcome.FOUND if found[index] else BoxOutcome.MISSED
            yield Mark(outcome, name, _corners(pool.true_boxes[index]))
        for index in detections[pool.class_ids[detections] == class_id]:
            outcome = BoxOutcome.RIGHT if right[index] else BoxOutcome.FALSE
            yield Mark(outcome, name, _corners(pool.boxes[index]), float(pool.scores[index]))


def _corners(box: Floats) -> tuple[float, float, float, float]:
    xmin, ymin, xmax, ymax = box.tolist()
    return xmin, ymin, xmax, ymax
