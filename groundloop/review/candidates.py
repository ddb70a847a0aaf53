"""The images that a queue is chosen from, and how each becomes a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundloop.detections.expected_mistakes import Doubt, ImageDetections
from groundloop.review.queue import NewTask
from groundloop.review.shown_boxes import shown_boxes
from groundloop.review.wire import Shown


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that may be reviewed.

    Attributes:
        source_ref: S3 URI, or the file's name below the folder of images.
        width, height: pixels as stored.
        detections: of the model, those under the threshold too.
        group: images of one group look alike, such as frames of one video; "" for an image of its own.
        line: its manifest line, if it has one.
        blind: whether it is shown without boxes however it was chosen.
    """

    source_ref: str
    width: int
    height: int
    detections: ImageDetections
    group: str = ""
    line: bytes | None = None
    blind: bool = False


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """A candidate with what can be expected of it.

    Attributes:
        key: pseudo-random number that is always the same for the same image.
        rank: the higher, the sooner the image is chosen.
    """

    candidate: Candidate
    doubt: Doubt
    key: int
    rank: float

    @property
    def source_ref(self) -> str:
        """The image's name."""
        return self.candidate.source_ref


@dataclass(frozen=True, slots=True)
class TaskMaker:
    """Makes tasks of candidates.

    Attributes:
        classes: names in id order.
        thresholds: score from which a detection counts, by class.
    """

    classes: Sequence[str]
    thresholds: Mapping[str, float]

    def task(
        self,
        ranked: RankedCandidate,
        selected_by: str,
        why: Sequence[str],
        *,
        split: str | None = None,
        blind: bool = False,
    ) -> NewTask:
        """Return the task of an image.

        Args:
            ranked: the image.
            selected_by: what it was chosen by.
            why: reasons besides those that its detections give.
            split: to which the image is kept; None leaves it to Prepare.
            blind: whether it is shown without boxes.
        """
        candidate, found = ranked.candidate, ranked.doubt
        blind = blind or candidate.blind
        # Whoever looks without boxes should not know either what the model thinks.
        reasons = [*why, "shown without boxes"] if blind else [*why, *self._reasons(candidate, found)]
        size = candidate.width, candidate.height
        return NewTask(
            source_ref=candidate.source_ref,
            width=candidate.width,
            height=candidate.height,
            shown=Shown.NOTHING if blind else Shown.MODEL,
            boxes=() if blind else shown_boxes(candidate.detections, found, self.classes, *size),
            why=tuple(reasons),
            expected_mistakes=found.mistakes,
            selected_by=selected_by,
            split=split,
            line=candidate.line,
        )

    def _reasons(self, candidate: Candidate, found: Doubt) -> list[str]:
        reasons = [f"about {found.mistakes:.1f} mistakes expected"]
        if found.crossed:
            reasons.append("two classes on one object")
        if len(candidate.detections):
            index = int(found.doubts.argmax())
            name, score = candidate.detections.names[index], float(candidate.detections.scores[index])
            reasons.append(f"most doubtful: {name} {score:.2f}, threshold {self.thresholds[name]:.2f}")
        return reasons
