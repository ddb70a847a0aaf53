"""Many reviewers at once, some of whom vanish with their tasks: is every task answered, and who does one twice?"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.review.client import Reviewer, answer_to, make_queue
from groundloop.review.queue import Queue
from groundloop.review.serve import Address, serving


@dataclass(frozen=True)
class CrowdResult:
    """What became of the tasks.

    Attributes:
        answered: tasks with an answer, of so many `tasks`.
        answers: in all.
        second_in_time: tasks with answers of more than one reviewer that are not late.
        seconds: how long it took.
    """

    tasks: int
    answered: int
    answers: int
    second_in_time: int
    seconds: float


def run(folder: Path, tasks: int, reviewers: int, lease_seconds: float, vanishing: float, seed: int = 1) -> CrowdResult:
    """Let reviewers answer all tasks.

    Args:
        folder: an empty one, for the queue.
        tasks: how many.
        reviewers: who work at the same time.
        lease_seconds: short, so that vanished reviewers' tasks come back.
        vanishing: share of the rounds after which a reviewer disappears without an answer, and one comes anew; half of
            them send their answers after all, when others have the tasks.
        seed: of who vanishes.
    """
    make_queue(folder, tasks, lease_seconds)
    begun = time.perf_counter()
    with contextlib.closing(Queue.open(folder)) as queue, serving(queue, Address()) as url:
        names = [f"reviewer {number}" for number in range(reviewers)]
        tokens = [queue.reviewers.invite(name) for name in names]
        with ThreadPoolExecutor(reviewers) as pool:
            list(
                pool.map(
                    lambda place: _work(url, tokens[place], lease_seconds, vanishing, seed + place), range(reviewers)
                )
            )
        seconds = time.perf_counter() - begun
        with queue.database.reading() as connection:
            (answered,) = connection.execute("SELECT COUNT(DISTINCT task) FROM answer").fetchone()
            (answers,) = connection.execute("SELECT COUNT(*) FROM answer").fetchone()
            (second,) = connection.execute(
                "SELECT COUNT(*) FROM"
                " (SELECT task FROM answer WHERE NOT late GROUP BY task HAVING COUNT(DISTINCT reviewer) > 1)"
            ).fetchone()
    return CrowdResult(tasks, answered, answers, second, seconds)


def _work(url: str, token: str, lease_seconds: float, vanishing: float, seed: int) -> None:
    """Answer until nothing is left."""
    chance = random.Random(seed)  # noqa: S311 (who vanishes)
    reviewer = Reviewer(url, token)
    belated: Sequence[dict[str, object]] = ()
    while True:
        tasks = reviewer.next(2)
        if not tasks:
            if reviewer.post("/next", {"have": [], "count": 0})["progress"]["left"] == 0:
                break
            time.sleep(lease_seconds / 10)  # others hold the rest
            continue
        if chance.random() < vanishing:
            # Gone with the tasks; the lease has to run out before anybody gets them.
            belated = tasks if chance.random() < 0.5 else ()
            time.sleep(lease_seconds * 1.5)
            continue
        for task in [*tasks, *belated]:
            reviewer.post("/answers", answer_to(task))
        belated = ()
    reviewer.close()
