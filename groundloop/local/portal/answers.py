"""What people have answered on the page, as labelling jobs and human loops count it.

A worker of Ground Truth or A2I submits a task or declines it. On the page, boxes (also none) are a submission; skip and
unsure decline, and so does a bad image.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from groundloop.labels.worker_answers import WorkerAnswer
from groundloop.review.queue import NewTask, Queue
from groundloop.review.wire import Answer, Outcome
from groundloop.review.worker_answers import worker_answer


@dataclass(frozen=True, slots=True)
class Given:
    """The last answer of one person to one task."""

    reviewer: str
    answer: Answer
    late: bool

    @property
    def is_submission(self) -> bool:
        """Whether it is a submission; else the task was declined."""
        return self.answer.outcome is Outcome.BOXES


def newest_answer(queue: Queue) -> int:
    """Return the id of the newest answer; 0 where there is none."""
    with queue.database.reading() as connection:
        return int(connection.execute("SELECT COALESCE(MAX(id), 0) FROM answer").fetchone()[0])


def given_answers(queue: Queue) -> dict[int, list[Given]]:
    """Return the last answer of every person by task, those that came in time first."""
    with queue.database.reading() as connection:
        rows = connection.execute("SELECT task, reviewer, content, late FROM answer ORDER BY id").fetchall()
    found: dict[int, dict[str, Given]] = defaultdict(dict)
    for task, reviewer, content, late in rows:
        found[task][reviewer] = Given(reviewer, msgspec.json.decode(content, type=Answer), bool(late))
    return {task: sorted(people.values(), key=lambda one: one.late) for task, people in found.items()}


def worker_id(region: str, account: str, member: str) -> str:
    """Return the id of a person of a private workforce, as Ground Truth makes them; the same in all jobs."""
    digest = hashlib.sha256(f"{account}\0{member}".encode()).digest()
    return f"private.{region}.{base64.b32encode(digest).decode()[:26]}"


def as_worker_answers(
    task: NewTask, given: Sequence[Given], classes: Sequence[str], region: str, account: str
) -> list[WorkerAnswer]:
    """Return submissions to a task as Ground Truth's and A2I's writers take them, in the order of submission."""
    answers = [worker_answer(task, worker_id(region, account, one.reviewer), one.answer, classes) for one in given]
    return sorted(answers, key=lambda one: (one.submitted is None, one.submitted))
