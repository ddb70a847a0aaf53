"""Giving tasks to reviewers: each to one at a time, and back into the queue when a reviewer isn't heard of."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from groundloop.review.database import Database
from groundloop.review.states import State
from groundloop.review.wire import Answer, NextRequest, Shown, ShownBox, Task

#: The most tasks that a page is given at once.
MAX_TASKS = 24
#: Images with fewer expected mistakes may be accepted among many.
GRID_MISTAKES = 0.3
AUDIT = "audit"

_COLUMNS = "id, source_ref, width, height, shown, boxes, why, expected_mistakes, selected_by"


class Leases:
    """The leases of a queue.

    Args:
        database: the queue's file.
        seconds: how long a lease lasts unless renewed.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, seconds: float, clock: Callable[[], float]) -> None:
        self._database = database
        self._seconds = seconds
        self._clock = clock

    def next(self, reviewer: str, request: NextRequest) -> tuple[Task, ...]:
        """Lease the next tasks to a reviewer, in the queue's order, those without any answer first.

        What the reviewer holds already keeps its token, so that an answer given before a restart still fits.
        """
        count = max(0, min(request.count, MAX_TASKS))
        have = set(request.have)
        now = self._clock()
        grid = "AND expected_mistakes < ? AND selected_by != ?" if request.grid else ""
        grid_values = (GRID_MISTAKES, AUDIT) if request.grid else ()
        with self._database.writing() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM task WHERE state != ? {grid}"  # noqa: S608 (constants only)
                " AND NOT EXISTS (SELECT 1 FROM lease WHERE task = task.id AND reviewer != ? AND expires > ?)"
                " AND (state = ? OR NOT EXISTS (SELECT 1 FROM answer WHERE task = task.id AND reviewer = ?))"
                " ORDER BY state, id LIMIT ?",
                (State.DONE, *grid_values, reviewer, now, State.OPEN, reviewer, count + len(have)),
            ).fetchall()
            free = [row for row in rows if row[0] not in have][:count]
            for task_id in have:
                self._renew(connection, reviewer, task_id, now)
            return tuple(self._leased(connection, reviewer, row, now) for row in free)

    def task(self, reviewer: str, task_id: int) -> Task | None:
        """Return one task, leased to the reviewer unless another one holds it; None where there is no such task."""
        with self._database.writing() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM task WHERE id = ?",  # noqa: S608 (a constant)
                (task_id,),
            ).fetchone()
            return None if row is None else self._leased(connection, reviewer, row, self._clock())

    def renew(self, reviewer: str, task_ids: Sequence[int]) -> None:
        """Renew the reviewer's leases on some tasks."""
        with self._database.writing() as connection:
            for task_id in task_ids:
                self._renew(connection, reviewer, task_id, self._clock())

    def release(self, reviewer: str, task_ids: Sequence[int]) -> None:
        """Give tasks back, so that others get them at once."""
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM lease WHERE task = ? AND reviewer = ?", ((task_id, reviewer) for task_id in task_ids)
            )

    def release_all(self, reviewer: str) -> int:
        """Give all of a reviewer's tasks back; return how many there were."""
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM lease WHERE reviewer = ?", (reviewer,)).rowcount

    def held(self) -> dict[str, int]:
        """Count the tasks that each reviewer holds."""
        with self._database.reading() as connection:
            return dict(
                connection.execute(
                    "SELECT reviewer, COUNT(*) FROM lease WHERE expires > ? GROUP BY reviewer", (self._clock(),)
                ).fetchall()
            )

    def _renew(self, connection: sqlite3.Connection, reviewer: str, task_id: int, now: float) -> None:
        connection.execute(
            "UPDATE lease SET expires = ? WHERE task = ? AND reviewer = ?", (now + self._seconds, task_id, reviewer)
        )

    def _leased(self, connection: sqlite3.Connection, reviewer: str, row: Sequence[Any], now: float) -> Task:
        """Return a task with its token: "" when another reviewer holds it."""
        task_id, source_ref, width, height, shown, boxes, why, expected_mistakes, selected_by = row
        lease = connection.execute("SELECT reviewer, token, expires FROM lease WHERE task = ?", (task_id,)).fetchone()
        if lease and lease[0] != reviewer and lease[2] > now:
            token = ""
        else:
            token = lease[1] if lease and lease[0] == reviewer else secrets.token_urlsafe(12)
            connection.execute(
                "INSERT OR REPLACE INTO lease (task, reviewer, token, expires) VALUES (?, ?, ?, ?)",
                (task_id, reviewer, token, now + self._seconds),
            )
        own = connection.execute(
            "SELECT content FROM answer WHERE task = ? AND reviewer = ? ORDER BY id DESC LIMIT 1", (task_id, reviewer)
        ).fetchone()
        accepted_in_grid = expected_mistakes is not None and expected_mistakes < GRID_MISTAKES and selected_by != AUDIT
        return Task(
            id=task_id,
            name=source_ref.rpartition("/")[2],
            width=width,
            height=height,
            lease=token,
            shown=Shown(shown),
            why=msgspec.json.decode(why, type=tuple[str, ...]),
            expected_mistakes=expected_mistakes,
            boxes=msgspec.json.decode(boxes, type=tuple[ShownBox, ...]),
            grid=accepted_in_grid,
            answer=msgspec.json.decode(own[0], type=Answer) if own else None,
        )
