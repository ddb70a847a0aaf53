"""One person's answer to one image, wherever it was given: on the page of a queue, in Ground Truth, or in A2I."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from groundloop.labels.records import Box

#: The most boxes of an answer; answers are compared box with box.
MAX_BOXES = 1000


class Outcome(str, Enum):
    """What a worker says of an image; `boxes` without any box is a negative."""

    BOXES = "boxes"
    SKIP = "skip"
    BAD_IMAGE = "bad-image"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """One answer of one person.

    Attributes:
        image: S3 URI, or the file's name.
        worker: the id under which the source knows the person.
        boxes: pixels of the image as it is stored.
        width, height: of the image, pixels; 0 where the source does not say.
        accepted: when the worker got the image.
        submitted: when the answer was given.
        seconds: of active work; None where the source does not say, as Ground Truth did not before 2020.
        shown: the boxes that the worker was shown at first and that count unless changed; None when nothing was
            shown, or nobody knows.
        comment: the worker's own words.
        late: whether another worker had the image by then.
        adjudicates: whether it was given with the boxes of all other workers in view.
        blind: whether the image was drawn at random and shown without boxes, to see how people label unaided.
    """

    image: str
    worker: str
    boxes: tuple[Box, ...]
    outcome: Outcome = Outcome.BOXES
    width: int = 0
    height: int = 0
    accepted: datetime | None = None
    submitted: datetime | None = None
    seconds: float | None = None
    shown: tuple[Box, ...] | None = None
    comment: str = ""
    late: bool = False
    adjudicates: bool = False
    blind: bool = False

    @property
    def elapsed(self) -> float | None:
        """Return the seconds from getting the image to giving the answer; None where one of the times is missing."""
        if self.accepted is None or self.submitted is None:
            return None
        return (self.submitted - self.accepted).total_seconds()


@dataclass(frozen=True, slots=True)
class AnswerFinding:
    """A file of answers, or a part of it, that can't be used.

    Attributes:
        file: where it is.
        message: what is wrong and what to do, one line that names the file.
    """

    file: str
    message: str


@dataclass(frozen=True, slots=True)
class WorkerAnswers:
    """The answers of a source, in its order, and what could not be read."""

    answers: tuple[WorkerAnswer, ...]
    findings: tuple[AnswerFinding, ...] = ()


def newest_answers(answers: Iterable[WorkerAnswer]) -> tuple[WorkerAnswer, ...]:
    """Return one answer of each worker to each image, the newest.

    Args:
        answers: oldest first.

    Example:
        >>> first = WorkerAnswer("a.jpg", "ann", ())
        >>> changed = WorkerAnswer("a.jpg", "ann", (Box("nut", 0, 0, 9, 9),))
        >>> newest_answers([first, changed]) == (changed,)
        True
    """
    return tuple({(answer.image, answer.worker): answer for answer in answers}.values())
