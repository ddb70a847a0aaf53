"""Giving tasks to reviewers: each to one at a time, and back into the queue when a reviewer isn't heard of."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from groundloop.review.adjudication import adjudicated_boxes, people_of
from groundloop.review.answers import stored_answers
from groundloop.review.database import Database
from groundloop.review.states import IS_FOR_REVIEWER, State
from groundloop.review.wire import Answer, NextRequest, Shown, ShownBox, Task

#: The most tasks that a page is given at once.
MAX_TASKS = 24
#: Images with fewer expected mistakes may be accepted among many.
GRID_MISTAKES = 0.3
AUDIT = "audit"

_COLUMNS = "id, source_ref, width, height, shown, boxes, why, expected_mistakes, selected_by, missing"


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

        A task goes to as many reviewers at a time as answers are missing. What the reviewer holds already keeps its
        token, so that an answer given before a restart still fits.
        """
        count = max(0, min(request.count, MAX_TASKS))
        have = set(request.have)
        now = self._clock()
        grid = "AND state != :adjudication AND expected_mistakes < :mistakes AND selected_by != :audit"
        with self._database.writing() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM task WHERE state < :done {grid if request.grid else ''}"  # noqa: S608
                " AND missing > (SELECT COUNT(*) FROM lease"
                " WHERE task = task.id AND reviewer != :reviewer AND expires > :now)"
                f" AND {IS_FOR_REVIEWER} ORDER BY state, id LIMIT :limit",
                {
                    "done": State.DONE,
                    "adjudication": State.ADJUDICATION,
                    "mistakes": GRID_MISTAKES,
                    "audit": AUDIT,
                    "reviewer": reviewer,
                    "now": now,
                    "limit": count + len(have),
                },
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
        """Return a task with its token: "" when others hold it."""
        task_id, source_ref, width, height, shown, boxes, why, expected_mistakes, selected_by, missing = row
        token = self._token(connection, reviewer, task_id, missing, now)
        is_adjudicator = self._adjudicates(connection, reviewer, task_id)
        own = connection.execute(
            "SELECT content FROM answer WHERE task = ? AND reviewer = ? AND adjudicates = ? ORDER BY id DESC LIMIT 1",
            (task_id, reviewer, is_adjudicator),
        ).fetchone()
        is_easy = expected_mistakes is not None and expected_mistakes < GRID_MISTAKES and selected_by != AUDIT
        task = Task(
            id=task_id,
            name=source_ref.rpartition("/")[2],
            width=width,
            height=height,
            lease=token,
            shown=Shown(shown),
            why=msgspec.json.decode(why, type=tuple[str, ...]),
            expected_mistakes=expected_mistakes,
            boxes=msgspec.json.decode(boxes, type=tuple[ShownBox, ...]),
            grid=is_easy and not is_adjudicator,
            answer=msgspec.json.decode(own[0], type=Answer) if own else None,
        )
        if not is_adjudicator:
            return task
        stored = stored_answers(connection, task_id)
        people, bad_image = people_of(stored)
        return msgspec.structs.replace(
            task, boxes=adjudicated_boxes(stored, width, height), people=people, bad_image=bad_image
        )

    def _token(self, connection: sqlite3.Connection, reviewer: str, task_id: int, missing: int, now: float) -> str:
        """Lease a task, unless as many others hold it as answers are missing; return the lease's token or ""."""
        (others,) = connection.execute(
            "SELECT COUNT(*) FROM lease WHERE task = ? AND reviewer != ? AND expires > ?", (task_id, reviewer, now)
        ).fetchone()
        if others >= max(missing, 1):
            return ""
        connection.execute(
            "DELETE FROM lease WHERE task = ? AND reviewer != ? AND expires <= ?", (task_id, reviewer, now)
        )
        (token,) = connection.execute(
            "INSERT INTO lease (task, reviewer, token, expires) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET expires = excluded.expires RETURNING token",
            (task_id, reviewer, secrets.token_urlsafe(12), now + self._seconds),
        ).fetchone()
        return str(token)

    def _adjudicates(self, connection: sqlite3.Connection, reviewer: str, task_id: int) -> bool:
        """Return whether the reviewer decides between the answers of others, or has done so."""
        found = connection.execute(
            f"SELECT 1 FROM task WHERE id = :task AND (state = :adjudication AND {IS_FOR_REVIEWER}"  # noqa: S608
            " OR EXISTS (SELECT 1 FROM answer WHERE task = task.id AND reviewer = :reviewer AND adjudicates))",
            {"task": task_id, "reviewer": reviewer, "adjudication": State.ADJUDICATION},
        ).fetchone()
        return found is not None
