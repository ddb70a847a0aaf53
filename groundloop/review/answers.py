"""The answers of a queue: only ever added, each stored once however often it is sent, and none refused for its time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from groundloop.review.database import Database
from groundloop.review.states import State, state_after
from groundloop.review.wire import Answer, Outcome, answer_problem


class UnknownTaskError(Exception):
    """There is no such task in the queue."""


class InvalidAnswerError(Exception):
    """An answer that can't be right; the text says why."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The answer of a task that counts.

    Attributes:
        answers: how many the task got in all.
        received: when the server got it, seconds since 1970.
    """

    task: int
    reviewer: str
    answer: Answer
    late: bool
    answers: int
    received: float


class Answers:
    """The answers of a queue.

    Args:
        database: the queue's file.
        classes: how many classes there are.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, classes: int, clock: Callable[[], float]) -> None:
        self._database = database
        self._classes = classes
        self._clock = clock

    def add(self, reviewer: str, answer: Answer) -> bool:
        """Store an answer; one with a known client_id is stored already.

        Returns:
            Whether it is late: another reviewer holds the task or has answered it. Late answers are kept too.

        Raises:
            UnknownTaskError: there is no such task.
            InvalidAnswerError: the answer can't be right.
        """
        with self._database.writing() as connection:
            known = connection.execute("SELECT late FROM answer WHERE client_id = ?", (answer.client_id,)).fetchone()
            if known:
                return bool(known[0])
            task = connection.execute("SELECT width, height, state FROM task WHERE id = ?", (answer.task,)).fetchone()
            if task is None:
                raise UnknownTaskError(f"the queue has no task {answer.task}: reload the page")
            width, height, state = task
            problem = answer_problem(answer, width, height, self._classes)
            if problem:
                raise InvalidAnswerError(problem)
            now = self._clock()
            late = _is_late(connection, reviewer, answer, State(state), now)
            connection.execute(
                "INSERT INTO answer (client_id, task, reviewer, outcome, late, seconds, received, content)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(answer.client_id, answer.task, reviewer, answer.outcome.value),
                    *(late, answer.seconds, now, msgspec.json.encode(answer)),
                ),
            )
            if not late:
                connection.execute("UPDATE task SET state = ? WHERE id = ?", (state_after(answer.outcome), answer.task))
                connection.execute("DELETE FROM lease WHERE task = ? AND reviewer = ?", (answer.task, reviewer))
            elif state == State.OPEN:
                # Should the one who holds the task never answer, this answer counts.
                connection.execute("UPDATE task SET state = ? WHERE id = ?", (State.SECOND_OPINION, answer.task))
            return late

    def counted(self) -> Iterator[Counted]:
        """Yield the answer that counts for each answered task: the newest that isn't late, else the newest."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT task, reviewer, content, late, received, COUNT(*) OVER (PARTITION BY task),"
                " ROW_NUMBER() OVER (PARTITION BY task ORDER BY late, id DESC) FROM answer ORDER BY task"
            ).fetchall()
        for task, reviewer, content, late, received, count, place in rows:
            if place == 1:
                answer = msgspec.json.decode(content, type=Answer)
                yield Counted(task, reviewer, answer, bool(late), count, received)

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
        """Count the tasks by the outcome of the answer that counts."""
        counts = dict.fromkeys(Outcome, 0)
        for counted in self.counted():
            counts[counted.answer.outcome] += 1
        return counts


def _is_late(connection: sqlite3.Connection, reviewer: str, answer: Answer, state: State, now: float) -> bool:
    """Return whether the task is another reviewer's by now.

    A second opinion isn't late, and neither is the change of one's own answer.
    """
    lease = connection.execute("SELECT reviewer, expires FROM lease WHERE task = ?", (answer.task,)).fetchone()
    if lease and lease[0] != reviewer and lease[1] > now:
        return True
    if state != State.DONE:
        return False
    last = connection.execute(
        "SELECT reviewer FROM answer WHERE task = ? AND NOT late ORDER BY id DESC LIMIT 1", (answer.task,)
    ).fetchone()
    return bool(last and last[0] != reviewer)
