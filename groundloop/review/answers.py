"""The answers of a queue: only ever added, each stored once however often it is sent, and none refused for its time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import msgspec

from groundloop.review.database import Database
from groundloop.review.decisions import Counted, Demand, StoredAnswer, adjudication_of, counted_of, opinions, state_of
from groundloop.review.problems import Problem, ProblemError
from groundloop.review.states import IS_FOR_REVIEWER, State
from groundloop.review.wire import Answer, Outcome, answer_problem

_COLUMNS = "id, task, reviewer, content, late, received"


class UnknownTaskError(ProblemError):
    """There is no such task in the queue."""


class InvalidAnswerError(ProblemError):
    """An answer that can't be right; the text says why."""


class Answers:
    """The answers of a queue.

    Args:
        database: the queue's file.
        classes: how many classes there are.
        demand: returns how many people are asked for a task that wants so many answers.
        clock: seconds since 1970.
    """

    def __init__(
        self, database: Database, classes: int, demand: Callable[[int], Demand], clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._classes = classes
        self._demand = demand
        self._clock = clock

    def add(self, reviewer: str, answer: Answer, *, late: bool | None = None, received: float | None = None) -> bool:
        """Store an answer; one with a known client_id is stored already.

        Args:
            reviewer: who answered.
            answer: what the page sent.
            late: whether it came late, where that is known already; None finds out.
            received: when it came, seconds since 1970, where that is known already; None is now.

        Returns:
            Whether it is late: others have the task or have answered it. Late answers are kept too.

        Raises:
            UnknownTaskError: there is no such task.
            InvalidAnswerError: the answer can't be right.
        """
        with self._database.writing() as connection:
            known = connection.execute("SELECT late FROM answer WHERE client_id = ?", (answer.client_id,)).fetchone()
            if known:
                return bool(known[0])
            task = connection.execute(
                "SELECT width, height, state, missing, answers_wanted FROM task WHERE id = ?", (answer.task,)
            ).fetchone()
            if task is None:
                raise UnknownTaskError(404, Problem("task_unknown", {"task": answer.task}))
            width, height, state, missing, wanted = task
            problem = answer_problem(answer, width, height, self._classes)
            if problem:
                raise InvalidAnswerError(422, problem)
            now = self._clock()
            if late is None:
                late = self._is_late(connection, reviewer, answer, State(state), missing, now)
            connection.execute(
                "INSERT INTO answer (client_id, task, reviewer, outcome, late, adjudicates, seconds, received, content)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(answer.client_id, answer.task, reviewer, answer.outcome.value, late, answer.adjudicates),
                    *(answer.seconds, now if received is None else received, msgspec.json.encode(answer)),
                ),
            )
            connection.execute("DELETE FROM lease WHERE task = ? AND reviewer = ?", (answer.task, reviewer))
            if state != State.WITHDRAWN:
                connection.execute(
                    "UPDATE task SET state = ?, missing = ? WHERE id = ?",
                    (*state_of(stored_answers(connection, answer.task), self._demand(wanted)), answer.task),
                )
            return late

    def stored(self, task: int | None = None, after: int = 0) -> Iterator[StoredAnswer]:
        """Yield the answers as they came, those too in whose place the same person gave another one.

        Args:
            task: of this task only.
            after: only those with a higher id.
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM answer WHERE id > ? AND (? IS NULL OR task = ?) ORDER BY id",  # noqa: S608
                (after, task, task),
            ).fetchall()
        yield from map(_stored, rows)

    def counted(self) -> Iterator[Counted]:
        """Yield what counts for each answered task."""
        with self._database.reading() as connection:
            wanted = dict(connection.execute("SELECT id, answers_wanted FROM task").fetchall())
            rows = connection.execute(f"SELECT {_COLUMNS} FROM answer ORDER BY task, id").fetchall()  # noqa: S608
        for task, of_task in groupby(rows, key=lambda row: int(row[1])):
            yield counted_of([_stored(row) for row in of_task], self._demand(wanted[task]))

    def by_reviewer(self) -> dict[str, int]:
        """Count the tasks that each reviewer has answered."""
        with self._database.reading() as connection:
            return dict(
                connection.execute("SELECT reviewer, COUNT(DISTINCT task) FROM answer GROUP BY reviewer").fetchall()
            )

    def late(self) -> int:
        """Count the late answers."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM answer WHERE late").fetchone()[0])

    def by_outcome(self) -> dict[Outcome, int]:
        """Count the tasks by the outcome that counts; those whose answers disagree have none."""
        counts = dict.fromkeys(Outcome, 0)
        for counted in self.counted():
            counts[counted.outcome] += not counted.disputed
        return counts

    def _is_late(
        self, connection: sqlite3.Connection, reviewer: str, answer: Answer, state: State, missing: int, now: float
    ) -> bool:
        """Return whether others have the task by now.

        A second opinion isn't late, and neither is the change of one's own answer.
        """
        if state == State.WITHDRAWN:
            return True
        stored = stored_answers(connection, answer.task)
        if answer.adjudicates:
            last = adjudication_of(stored)
            if last is not None and last.reviewer == reviewer:
                return False
            is_theirs = connection.execute(
                f"SELECT 1 FROM task WHERE id = :task AND {IS_FOR_REVIEWER}",  # noqa: S608 (a constant)
                {"task": answer.task, "reviewer": reviewer},
            ).fetchone()
            if state != State.ADJUDICATION or not is_theirs:
                return True
        elif any(one.reviewer == reviewer for one in opinions(stored)):
            return False
        elif state == State.DONE:
            return True
        (others,) = connection.execute(
            "SELECT COUNT(*) FROM lease WHERE task = ? AND reviewer != ? AND expires > ?",
            (answer.task, reviewer, now),
        ).fetchone()
        return bool(others >= max(missing, 1))


def stored_answers(connection: sqlite3.Connection, task: int) -> list[StoredAnswer]:
    """Return the answers to a task, the newest last."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM answer WHERE task = ? ORDER BY id", (task,))  # noqa: S608
    return [_stored(row) for row in rows.fetchall()]


def _stored(row: tuple[Any, ...]) -> StoredAnswer:
    number, task, reviewer, content, late, received = row
    return StoredAnswer(number, task, reviewer, msgspec.json.decode(content, type=Answer), bool(late), received)
