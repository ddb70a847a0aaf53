"""What people have answered on the page, as labelling jobs and human loops count it.

A worker of Ground Truth or A2I submits a task or declines it. On the page, boxes (also none) are a submission; skip and
unsure decline, and so does a bad image.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Sequence

from groundloop.labels.worker_answers import WorkerAnswer
from groundloop.review.decisions import StoredAnswer
from groundloop.review.queue import NewTask, Queue
from groundloop.review.wire import Outcome
from groundloop.review.worker_answers import worker_answer


def is_submission(given: StoredAnswer) -> bool:
    """Return whether an answer is a submission; else the task was declined."""
    return given.answer.outcome is Outcome.BOXES


def newest_answer(queue: Queue, known: int) -> int:
    """Return the id of the newest answer, at least that of the newest one known."""
    return max((one.id for one in queue.answers.stored(after=known)), default=known)


def given_answers(queue: Queue) -> dict[int, list[StoredAnswer]]:
    """Return the last answer of every person by task, those that came in time first."""
    found: dict[int, dict[str, StoredAnswer]] = defaultdict(dict)
    for one in queue.answers.stored():
        found[one.task][one.reviewer] = one
    return {task: sorted(people.values(), key=lambda one: one.late) for task, people in found.items()}


def worker_id(region: str, account: str, member: str) -> str:
    """Return the id of a person of a private workforce, as Ground Truth makes them; the same in all jobs."""
    digest = hashlib.sha256(f"{account}\0{member}".encode()).digest()
    return f"private.{region}.{base64.b32encode(digest).decode()[:26]}"


def as_worker_answers(
    task: NewTask, given: Sequence[StoredAnswer], classes: Sequence[str], region: str, account: str
) -> list[WorkerAnswer]:
    """Return submissions to a task as Ground Truth's and A2I's writers take them, in the order of submission."""
    answers = [worker_answer(task, worker_id(region, account, one.reviewer), one.answer, classes) for one in given]
    return sorted(answers, key=lambda one: (one.submitted is None, one.submitted))
