"""What the answers to a task amount to: whether more are needed, and which boxes count. Pure functions.

- One answer wanted: the newest that was not late counts, else the newest.
- Several wanted: the last one of each person is consolidated (`groundloop.labels.consolidation`). While a majority is
  neither for nor against a box or a class, one more person is asked, up to a maximum; then somebody adjudicates, who
  sees all boxes.
- The answer of an adjudicator counts alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundloop.labels.box_groups import WorkerBoxes
from groundloop.labels.consolidation import Consolidated, consolidated
from groundloop.labels.records import Box
from groundloop.review.states import State
from groundloop.review.wire import Answer, Outcome

_DECIDED_OUTCOMES = (Outcome.BOXES, Outcome.BAD_IMAGE)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as the queue keeps it.

    Attributes:
        id: the higher, the newer.
        late: whether another reviewer had the task.
        received: when the server got it, seconds since 1970.
    """

    id: int
    task: int
    reviewer: str
    answer: Answer
    late: bool
    received: float


@dataclass(frozen=True, slots=True)
class Demand:
    """How many people a task asks.

    Attributes:
        wanted: answers of different people.
        most: people asked while they disagree.
        adjudicated: whether somebody decides when they still do; else what the majority agrees on counts.
    """

    wanted: int = 1
    most: int = 1
    adjudicated: bool = True


@dataclass(frozen=True, slots=True)
class CountedBox:
    """A box of the label; sides are integers from one person, floats when several were consolidated.

    Attributes:
        confidence: from 0 to 1; 0 from one person.
    """

    class_id: int
    left: float
    top: float
    width: float
    height: float
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts of the answers to a task.

    Attributes:
        boxes: none for other outcomes, and where the answers disagree.
        reviewers: whose answers count, in the order in which they came.
        answer: the newest of these answers; the only one from one person.
        answers: how many the task got in all.
        late: whether the answers that count came late.
        received: when the newest came, seconds since 1970.
        adjudicated: whether somebody decided between the others.
        disputed: whether the answers disagree, so that none counts until one more person answers or adjudicates.
    """

    task: int
    outcome: Outcome
    boxes: tuple[CountedBox, ...]
    reviewers: tuple[str, ...]
    answer: Answer
    answers: int
    late: bool
    received: float
    adjudicated: bool = False
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class _Verdict:
    outcome: Outcome
    result: Consolidated | None
    decided: bool


def opinions(stored: Sequence[StoredAnswer], *, late: bool = False) -> list[StoredAnswer]:
    """Return the last independent answer of each person who said what is on the image, the newest last.

    Args:
        stored: answers to one task, the newest last.
        late: whether late ones count too.
    """
    last: dict[str, StoredAnswer] = {}
    for one in stored:
        if not one.answer.adjudicates and (late or not one.late):
            last.pop(one.reviewer, None)
            last[one.reviewer] = one
    return [one for one in last.values() if one.answer.outcome in _DECIDED_OUTCOMES]


def adjudication_of(stored: Sequence[StoredAnswer]) -> StoredAnswer | None:
    """Return the newest answer that decides between the others, if there is one."""
    return next((one for one in reversed(stored) if one.answer.adjudicates and not one.late), None)


def state_of(stored: Sequence[StoredAnswer], demand: Demand) -> tuple[State, int]:
    """Return the state of a task after some answers, and how many more people are asked.

    Args:
        stored: its answers, the newest last.
        demand: how many people it asks.
    """
    if not stored:
        return State.OPEN, demand.wanted
    adjudication = adjudication_of(stored)
    if adjudication and adjudication.answer.outcome in _DECIDED_OUTCOMES:
        return State.DONE, 0
    if adjudication:
        return State.ADJUDICATION, 1
    given = opinions(stored)
    if len(given) < demand.wanted:
        return State.WAITING, demand.wanted - len(given)
    if demand.wanted == 1 or not demand.adjudicated or _verdict(given).decided:
        return State.DONE, 0
    return (State.WAITING, 1) if len(given) < demand.most else (State.ADJUDICATION, 1)


def counted_of(stored: Sequence[StoredAnswer], demand: Demand) -> Counted:
    """Return what counts of the answers to a task.

    Args:
        stored: its answers, at least one, the newest last.
        demand: how many people it asks.
    """
    in_time = [one for one in stored if not one.late]
    newest = (in_time or stored)[-1]
    adjudication = adjudication_of(stored)
    if adjudication and adjudication.answer.outcome in _DECIDED_OUTCOMES:
        return _of_one(adjudication, stored, adjudicated=True)
    if demand.wanted == 1:
        return _of_one(newest, stored)
    given = opinions(stored)
    if len(given) < demand.wanted:
        # Whoever held the task has not answered: the late answers of others fill the place.
        people = {one.reviewer for one in given}
        others = [one for one in opinions(stored, late=True) if one.reviewer not in people]
        given = sorted([*given, *others[::-1][: demand.wanted - len(given)]], key=lambda one: one.id)
    if len(given) < 2:
        return _of_one(given[0] if given else newest, stored)
    verdict = _verdict(given)
    disputed = demand.adjudicated and not verdict.decided
    boxes = () if disputed or verdict.result is None else verdict.result.boxes
    return Counted(
        task=newest.task,
        outcome=verdict.outcome,
        boxes=tuple(
            CountedBox(
                int(one.box.class_name), one.box.left, one.box.top, one.box.width, one.box.height, one.confidence
            )
            for one in boxes
        ),
        reviewers=tuple(one.reviewer for one in given),
        answer=given[-1].answer,
        answers=len(stored),
        late=all(one.late for one in given),
        received=given[-1].received,
        disputed=disputed,
    )


def consolidated_answers(given: Sequence[StoredAnswer]) -> Consolidated:
    """Consolidate the boxes of people; their classes are named by their ids.

    Args:
        given: at most one answer of each person.
    """
    return consolidated(
        [
            WorkerBoxes(
                one.reviewer,
                tuple(Box(str(box.class_id), box.left, box.top, box.width, box.height) for box in one.answer.boxes),
            )
            for one in given
        ]
    )


def _verdict(given: Sequence[StoredAnswer]) -> _Verdict:
    """Return what several people's answers amount to."""
    marked = [one for one in given if one.answer.outcome is Outcome.BOXES]
    if 2 * len(marked) < len(given):
        return _Verdict(Outcome.BAD_IMAGE, None, decided=True)
    result = consolidated_answers(marked)
    return _Verdict(Outcome.BOXES, result, decided=result.decided and 2 * len(marked) > len(given))


def _of_one(one: StoredAnswer, stored: Sequence[StoredAnswer], *, adjudicated: bool = False) -> Counted:
    people = opinions(stored) if adjudicated else []
    return Counted(
        task=one.task,
        outcome=one.answer.outcome,
        boxes=tuple(CountedBox(box.class_id, box.left, box.top, box.width, box.height) for box in one.answer.boxes),
        reviewers=tuple(dict.fromkeys([*(other.reviewer for other in people), one.reviewer])),
        answer=one.answer,
        answers=len(stored),
        late=one.late,
        received=one.received,
        adjudicated=adjudicated,
    )
