"""Answers that people gave in another tool, and their way into the queue: each is stored once."""

from __future__ import annotations

import math
import sys
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from groundloop.review.answers import InvalidAnswerError
from groundloop.review.queue import NewTask, Queue
from groundloop.review.shown_boxes import pixel_box
from groundloop.review.wire import Answer, AnsweredBox, Outcome

_NAMESPACE = uuid.UUID("5c1d8a0e-6f0d-4c55-9a0d-2f9b1d1c7e21")


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box as somebody drew it in another tool, in pixels of the image as stored.

    Attributes:
        corners: left, top, right and bottom before any rotation; they may leave the image.
        shown: place of the shown box that it was made from; None where that isn't known.
    """

    class_id: int
    corners: tuple[float, float, float, float]
    shown: int | None = None


@dataclass(frozen=True, slots=True)
class PulledAnswer:
    """One person's work on one image.

    Attributes:
        task: id in the queue.
        reviewer: tool and person, such as `cvat:ann`.
        submitted: when it was finished.
        seconds: of work, 0 where the tool doesn't say.
    """

    task: int
    reviewer: str
    outcome: Outcome
    boxes: tuple[DrawnBox, ...]
    submitted: datetime
    seconds: float = 0.0


@dataclass(slots=True)
class RemoteWork:
    """What a tool has of a queue.

    Attributes:
        images: of the queue that are there.
        answers: finished work.
        unfinished: tasks without finished work, or with somebody at work.
        left_out: why finished work of a task can't be taken; nothing is deleted while there is some.
        notes: what was changed on the way.
        foreign: images there that are not of the queue.
    """

    images: int = 0
    answers: list[PulledAnswer] = field(default_factory=list)
    unfinished: set[int] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Pulled:
    """The result of a pull.

    Attributes:
        images: of the queue that are in the tool.
        finished: of them, how many have finished work.
        new: answers that were stored now; `known` ones were stored before.
        negatives: images whose newest work has no box.
        skipped: images that were skipped there.
        deleted: whether the work was deleted in the tool.
    """

    images: int
    finished: int
    new: int
    known: int
    negatives: int
    skipped: int
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    deleted: bool = False


@dataclass(slots=True)
class Storing:
    """What became of pulled answers.

    Attributes:
        new: were stored; `known` ones were there before.
        rejected: why the queue rejects others.
    """

    new: int = 0
    known: int = 0
    rejected: list[str] = field(default_factory=list)


def store_answers(queue: Queue, answers: Iterable[PulledAnswer]) -> Storing:
    """Store pulled answers, the oldest first.

    An answer is there before if the same person's last one to that task says the same. The `client_id` is made from
    what an answer says and how many that person gave before it, so that an interrupted pull can be repeated.
    """
    last: dict[tuple[int, str], tuple[int, Answer]] = {}
    for stored in queue.answers.stored():
        count, _ = last.get((stored.task, stored.reviewer), (0, None))
        last[stored.task, stored.reviewer] = count + 1, stored.answer
    tasks = dict(queue.tasks())
    result = Storing()
    for pulled in sorted(answers, key=lambda one: (one.submitted, one.task, one.reviewer)):
        boxes = answered_boxes(pulled.boxes, tasks[pulled.task])
        count, before = last.get((pulled.task, pulled.reviewer), (0, None))
        if before is not None and (before.outcome, _places(before.boxes)) == (pulled.outcome, _places(boxes)):
            result.known += 1
            continue
        answer = Answer(
            client_id=str(
                uuid.uuid5(_NAMESPACE, repr((pulled.task, pulled.reviewer, count, pulled.outcome, _places(boxes))))
            ),
            task=pulled.task,
            lease="",
            outcome=pulled.outcome,
            boxes=boxes,
            accepted_at=_iso(pulled.submitted - timedelta(seconds=pulled.seconds)),
            submitted_at=_iso(pulled.submitted),
            seconds=pulled.seconds,
        )
        try:
            queue.answers.add(pulled.reviewer, answer)
        except InvalidAnswerError as error:
            result.rejected.append(f"{tasks[pulled.task].source_ref}: {error}")
            continue
        last[pulled.task, pulled.reviewer] = count + 1, answer
        result.new += 1
    return result


def answered_boxes(drawn: Sequence[DrawnBox], task: NewTask) -> tuple[AnsweredBox, ...]:
    """Return drawn boxes on whole pixels and inside of the image."""
    boxes = []
    # A size that is not known limits nothing.
    width, height = task.width or sys.maxsize, task.height or sys.maxsize
    for one in drawn:
        box = pixel_box(one.class_id, one.corners, width, height, score=None)
        boxes.append(
            AnsweredBox(
                class_id=box.class_id, left=box.left, top=box.top, width=box.width, height=box.height, from_=one.shown
            )
        )
    return tuple(boxes)


def enclosing(
    corners: tuple[float, float, float, float], pivot: tuple[float, float], degrees: float
) -> tuple[float, float, float, float]:
    """Return the upright box around a box that is turned clockwise about a point.

    Args:
        corners: left, top, right, bottom.
        pivot: the point, x and y.
        degrees: of the turn.

    Example:
        >>> enclosing((10, 10, 30, 20), (20, 15), 90)
        (15.0, 5.0, 25.0, 25.0)
    """
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    left, top, right, bottom = corners
    turned = [
        (
            pivot[0] + (x - pivot[0]) * cosine - (y - pivot[1]) * sine,
            pivot[1] + (x - pivot[0]) * sine + (y - pivot[1]) * cosine,
        )
        for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))
    ]
    columns, rows = [round(x, 6) for x, _ in turned], [round(y, 6) for _, y in turned]
    return min(columns), min(rows), max(columns), max(rows)


def _places(boxes: Sequence[AnsweredBox]) -> list[tuple[int, ...]]:
    return sorted((box.class_id, box.left, box.top, box.width, box.height) for box in boxes)


def _iso(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
