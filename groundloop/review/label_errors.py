"""Review tasks of images whose labels look wrong, most suspicious first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from groundloop.detections.calibration import Calibration
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.label_errors import LabelErrorKind, SuspectedError, suspected_errors
from groundloop.detections.matching import pool_detections
from groundloop.detections.objectlab import objectlab_scores
from groundloop.review.queue import NewTask
from groundloop.review.shown_boxes import pixel_box
from groundloop.review.wire import Shown

#: What such a task says it was selected by.
LABEL_ERROR = "label-error"
_MAX_REASONS = 5


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """A labelled image with detections of a model that was not trained on it.

    Attributes:
        split: validation or test.
        scored: its labels and detections.
        width, height: pixels as stored.
        line: its manifest line.
    """

    split: str
    scored: ScoredImage
    width: int
    height: int
    line: bytes


@dataclass(frozen=True, slots=True)
class SuspiciousImage:
    """An image whose labels may be wrong.

    Attributes:
        suspicion: sum over its labels and detections; the higher, the sooner it is reviewed.
        errors: those that are named, most suspicious first.
        objectlab: ObjectLab's scores by kind, from 0 (likely wrong) to 1; `image` is that of the image.
    """

    image: LabelledImage
    suspicion: float
    errors: tuple[SuspectedError, ...]
    objectlab: dict[str, float]

    def task(self, classes: Sequence[str], *, blind: bool) -> NewTask:
        """Return the review task of the image.

        Args:
            classes: names in id order.
            blind: whether neither labels nor reasons are shown.
        """
        scored, width, height = self.image.scored, self.image.width, self.image.height
        labels = zip(scored.true_ids.tolist(), scored.true_boxes.tolist(), strict=True)
        boxes = (pixel_box(class_id, corners, width, height, score=None) for class_id, corners in labels)
        # Whoever looks without labels should not know what the model thinks of them either.
        return NewTask(
            source_ref=scored.source_ref,
            width=width,
            height=height,
            shown=Shown.NOTHING if blind else Shown.LABELS,
            boxes=() if blind else tuple(boxes),
            why=("shown without boxes",) if blind else tuple(self._reasons()),
            selected_by=LABEL_ERROR,
            line=self.image.line,
        )

    def as_json(self, *, blind: bool) -> dict[str, Any]:
        """Return all that is known of the image, which blind reviewers aren't shown."""
        return {
            "source-ref": self.image.scored.source_ref,
            "split": self.image.split,
            "shown": (Shown.NOTHING if blind else Shown.LABELS).value,
            "suspicion": self.suspicion,
            "objectlab": self.objectlab,
            "errors": [{**asdict(error), "kind": error.kind.value} for error in self.errors],
        }

    def _reasons(self) -> list[str]:
        more = len(self.errors) - _MAX_REASONS
        return [
            *map(str, self.errors[:_MAX_REASONS]),
            *([f"and {more} more"] if more > 0 else []),
            f"suspicion {self.suspicion:.2f}, ObjectLab {self.objectlab['image']:.2f}",
        ]


def suspicious_images(
    images: Sequence[LabelledImage], classes: Sequence[str], calibration: Calibration
) -> list[SuspiciousImage]:
    """Return the images on which an error is named, most suspicious first.

    Args:
        images: with detections under the threshold too.
        classes: names in id order.
        calibration: of the model's scores.
    """
    pool = pool_detections([image.scored for image in images], len(classes))
    objectlab = {name: scores.tolist() for name, scores in asdict(objectlab_scores(pool)).items()}
    suspicious = [
        SuspiciousImage(image, found.suspicion, found.errors, {name: objectlab[name][index] for name in objectlab})
        for index, (image, found) in enumerate(zip(images, suspected_errors(pool, classes, calibration), strict=True))
        if found.errors
    ]
    return sorted(suspicious, key=lambda image: -image.suspicion)


def errors_by_kind(suspicious: Iterable[SuspiciousImage]) -> dict[str, int]:
    """Return how many errors of each kind are named."""
    counts = Counter(error.kind for image in suspicious for error in image.errors)
    return {kind.value: counts[kind] for kind in LabelErrorKind}
