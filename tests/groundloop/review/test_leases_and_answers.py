"""Tasks go to one reviewer at a time, and no answer is ever refused for its time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from groundloop.review.queue import Queue
from groundloop.review.wire import Answer, NextRequest, Outcome
from tests.groundloop.review.conftest import Clock, answer


def add(queue: Queue, reviewer: str, task: int, **changes: Any) -> bool:
    """Answer a task; return whether the answer is late."""
    return queue.answers.add(reviewer, msgspec.convert(answer(task, **changes), Answer))


def given(queue: Queue, reviewer: str, count: int = 24) -> list[int]:
    """Return the ids of the tasks that a reviewer is given next."""
    return [task.id for task in queue.leases.next(reviewer, NextRequest(count=count))]


def test_a_task_goes_back_into_the_queue_when_its_reviewer_is_not_heard_of(queue: Queue, clock: Clock) -> None:
    assert given(queue, "ann", 2) == [1, 2]
    assert given(queue, "bob", 1) == [3]
    clock.now += 901
    assert given(queue, "bob", 3) == [1, 2, 3]


def test_renewing_keeps_a_task(queue: Queue, clock: Clock) -> None:
    given(queue, "ann", 2)
    clock.now += 800
    queue.leases.renew("ann", [1])
    clock.now += 800
    assert given(queue, "bob", 1) == [2]


def test_an_answer_after_the_lease_has_run_out_is_in_time_while_nobody_else_has_the_task(
    queue: Queue, clock: Clock
) -> None:
    given(queue, "ann", 1)
    clock.now += 5000
    assert not add(queue, "ann", 1)


def test_an_answer_is_late_and_kept_when_another_reviewer_has_the_task(queue: Queue, clock: Clock) -> None:
    given(queue, "ann", 1)
    clock.now += 901
    given(queue, "bob", 1)
    assert add(queue, "ann", 1, boxes=[])
    assert not add(queue, "bob", 1)
    (counted,) = queue.answers.counted()
    assert (counted.reviewers, counted.late, counted.answers) == (("bob",), False, 2)
    assert queue.answers.late() == 1


def test_an_answer_is_late_when_another_reviewer_has_answered(queue: Queue, clock: Clock) -> None:
    given(queue, "ann", 1)
    clock.now += 901
    given(queue, "bob", 1)
    add(queue, "bob", 1)
    assert add(queue, "ann", 1)
    (counted,) = queue.answers.counted()
    assert counted.reviewers == ("bob",)


def test_a_late_answer_counts_when_the_other_reviewer_never_answers(queue: Queue, clock: Clock) -> None:
    given(queue, "ann", 1)
    clock.now += 901
    given(queue, "bob", 1)
    assert add(queue, "ann", 1)
    (counted,) = queue.answers.counted()
    assert counted.reviewers == ("ann",)
    assert queue.progress("ann").answered == 1


def test_the_last_answer_of_a_reviewer_who_changes_their_mind_counts(queue: Queue) -> None:
    add(queue, "ann", 1)
    assert not add(queue, "ann", 1, boxes=[])
    (counted,) = queue.answers.counted()
    assert (counted.answer.boxes, counted.answers) == ((), 2)
    assert queue.progress("ann").mine == 1


@pytest.mark.parametrize("outcome", [Outcome.UNSURE, Outcome.SKIP])
def test_unsure_and_skipped_images_go_to_another_reviewer_after_all_others(queue: Queue, outcome: Outcome) -> None:
    add(queue, "ann", 1, outcome=outcome.value, boxes=[])
    assert 1 not in given(queue, "ann")
    queue.leases.release_all("ann")
    assert given(queue, "bob") == [2, 3, 4, 5, 6, 1]
    assert queue.progress("ann").left == 5
    assert queue.progress("bob").left == 6
    assert not add(queue, "bob", 1)
    assert queue.progress("bob").left == 5


@pytest.mark.parametrize("statement", ["UPDATE answer SET late = 1", "DELETE FROM answer"])
def test_answers_are_never_changed_nor_deleted(queue: Queue, statement: str) -> None:
    add(queue, "ann", 1)
    with pytest.raises(sqlite3.IntegrityError, match="never"), queue.database.writing() as connection:
        connection.execute(statement)
    assert len(list(queue.answers.counted())) == 1


def test_revoking_a_reviewer_ends_the_sessions_and_keeps_the_answers(queue: Queue) -> None:
    token = queue.reviewers.invite("bob")
    signed_in = queue.reviewers.sign_in(token)
    assert signed_in is not None
    add(queue, "bob", 1)
    given(queue, "bob", 2)
    assert queue.reviewers.revoke("bob")
    assert queue.reviewers.of_session(signed_in[1]) is None
    assert queue.reviewers.sign_in(token) is None
    assert [counted.reviewers for counted in queue.answers.counted()] == [("bob",)]
    assert given(queue, "ann", 1) == [2]


def test_tokens_are_kept_as_hashes_only(queue: Queue) -> None:
    token = queue.reviewers.invite("ann")
    signed_in = queue.reviewers.sign_in(token)
    assert signed_in is not None
    with queue.database.reading() as connection:
        dump = "\n".join(connection.iterdump())
    assert token not in dump
    assert signed_in[1] not in dump


def test_the_pace_is_the_median_of_the_reviewers_own_answers(new_queue: Callable[..., Queue]) -> None:
    queue = new_queue()
    for task, seconds in enumerate((2.0, 4.0, 60.0), start=1):
        add(queue, "ann", task, seconds=seconds)
    add(queue, "bob", 4, seconds=500)
    assert queue.progress("ann").median_seconds == 4.0
