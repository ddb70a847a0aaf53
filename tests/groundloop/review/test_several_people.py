"""Several people answer one image: each on their own, until a majority decides or somebody adjudicates."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from groundloop.errors import UserError
from groundloop.review.finish import Finished, finished
from groundloop.review.queue import NewTask, Queue
from groundloop.review.reviewers import pseudonym
from groundloop.review.states import State
from groundloop.review.wire import Answer, NextRequest, Shown, ShownBox, Task
from tests.groundloop.review.conftest import Clock, answer

PREFIX = "s3://bucket/images/"
NUT: dict[str, Any] = {"class_id": 1, "left": 4, "top": 4, "width": 10, "height": 10}
NEAR: dict[str, Any] = {**NUT, "left": 5}
BOLT: dict[str, Any] = {**NUT, "class_id": 0}
FAR: dict[str, Any] = {**NUT, "left": 24}


def add(queue: Queue, reviewer: str, *boxes: dict[str, Any], **changes: Any) -> bool:
    """Answer the first task; return whether the answer is late."""
    sent = {**answer(1, boxes=list(boxes)), **changes}
    return queue.answers.add(reviewer, msgspec.convert(sent, Answer))


def given(queue: Queue, reviewer: str) -> list[Task]:
    """Return the tasks that a reviewer is given next."""
    return list(queue.leases.next(reviewer, NextRequest(count=24)))


def state(queue: Queue) -> tuple[State, int]:
    """Return the state of the first task, and how many more people it asks."""
    with queue.database.reading() as connection:
        found, missing = connection.execute("SELECT state, missing FROM task WHERE id = 1").fetchone()
    return State(found), missing


def result(queue: Queue) -> Finished:
    """Return the labels."""
    return finished(queue, PREFIX)


@pytest.fixture
def one_image(new_queue: Callable[..., Queue]) -> Callable[..., Queue]:
    """Make a queue of one image with a shown box that wants two answers; keywords change its description."""

    def make(**info: Any) -> Queue:
        shown = (ShownBox(**NUT),)
        task = NewTask(source_ref="0.png", width=40, height=30, shown=Shown.MODEL, boxes=shown)
        return new_queue([task], **{"answers": 2, **info})

    return make


def test_as_many_people_as_are_wanted_have_an_image_at_a_time(one_image: Callable[..., Queue]) -> None:
    queue = one_image()
    assert [[task.id for task in given(queue, name)] for name in ("ann", "bob", "cid")] == [[1], [1], []]


def test_nobody_is_asked_twice_nor_shown_the_answers_of_others(one_image: Callable[..., Queue]) -> None:
    queue = one_image()
    add(queue, "ann", FAR)
    assert state(queue) == (State.WAITING, 1)
    assert given(queue, "ann") == []
    (task,) = given(queue, "bob")
    assert task.boxes == (ShownBox(**NUT),)
    assert task.people == 0
    assert (queue.progress("ann").left, queue.progress("bob").left, queue.progress("ann").waiting) == (0, 1, 1)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([[NUT]], (State.WAITING, 1), id="one of two"),
        pytest.param([[NUT], [NEAR]], (State.DONE, 0), id="two who agree"),
        pytest.param([[], []], (State.DONE, 0), id="both saw nothing"),
        pytest.param([[NUT], [BOLT]], (State.WAITING, 1), id="another class: one more"),
        pytest.param([[NUT], [NUT, FAR]], (State.WAITING, 1), id="a box more: one more"),
        pytest.param([[NUT], [NUT, FAR], [NUT]], (State.DONE, 0), id="the third decides"),
        pytest.param([[NUT], [BOLT], [FAR]], (State.ADJUDICATION, 1), id="three disagree: somebody decides"),
    ],
)
def test_more_people_are_asked_while_no_majority_decides(
    one_image: Callable[..., Queue], answers: list[list[dict[str, Any]]], expected: tuple[State, int]
) -> None:
    queue = one_image()
    for name, boxes in zip(("ann", "bob", "cid"), answers, strict=False):
        assert not add(queue, name, *boxes)
    assert state(queue) == expected


def test_max_answers_says_how_many_are_asked(one_image: Callable[..., Queue]) -> None:
    queue = one_image(max_answers=2)
    add(queue, "ann", NUT)
    add(queue, "bob", FAR)
    assert state(queue) == (State.ADJUDICATION, 1)


def test_without_adjudication_the_majority_counts_after_the_answers_wanted(one_image: Callable[..., Queue]) -> None:
    queue = one_image(adjudication=False)
    add(queue, "ann", NUT, FAR)
    add(queue, "bob", NEAR)
    assert state(queue) == (State.DONE, 0)
    assert result(queue).boxes == 1


@pytest.mark.parametrize("outcome", ["skip", "unsure"])
def test_who_skips_or_is_unsure_does_not_count_as_an_answer(one_image: Callable[..., Queue], outcome: str) -> None:
    queue = one_image()
    add(queue, "ann", outcome=outcome)
    assert state(queue) == (State.WAITING, 2)
    add(queue, "bob", NUT)
    add(queue, "cid", NUT)
    assert state(queue) == (State.DONE, 0)


def test_a_majority_can_call_an_image_bad(one_image: Callable[..., Queue]) -> None:
    queue = one_image()
    add(queue, "ann", NUT)
    add(queue, "bob", outcome="bad-image")
    assert state(queue) == (State.WAITING, 1)
    add(queue, "cid", outcome="bad-image")
    assert state(queue) == (State.DONE, 0)
    assert result(queue).lines == ()


def test_audit_images_want_answers_of_their_own(new_queue: Callable[..., Queue]) -> None:
    tasks = [
        NewTask(source_ref=f"{chosen}.png", width=40, height=30, selected_by=chosen) for chosen in ("audit", "person")
    ]
    queue = new_queue([*tasks, NewTask(source_ref="own.png", width=40, height=30, answers_wanted=3)], audit_answers=2)
    assert [task.answers_wanted for _, task in queue.tasks()] == [2, 1, 3]


def test_a_late_answer_counts_where_others_never_answer(one_image: Callable[..., Queue], clock: Clock) -> None:
    queue = one_image()
    given(queue, "ann")
    clock.now += 901
    given(queue, "bob")
    given(queue, "cid")
    assert add(queue, "ann", NUT)
    assert not add(queue, "bob", NEAR)
    assert state(queue) == (State.WAITING, 1)
    (counted,) = queue.answers.counted()
    assert counted.reviewers == ("ann", "bob")
    add(queue, "cid", NEAR)
    (counted,) = queue.answers.counted()
    assert counted.reviewers == ("bob", "cid")


def test_changing_ones_mind_can_settle_or_reopen_an_image(one_image: Callable[..., Queue]) -> None:
    queue = one_image()
    add(queue, "ann", NUT)
    add(queue, "bob", FAR)
    assert not add(queue, "bob", NUT)
    assert state(queue) == (State.DONE, 0)
    assert not add(queue, "ann", FAR)
    assert state(queue) == (State.WAITING, 1)


# What is written


def test_a_consolidated_line_has_floats_a_confidence_and_names_all_workers(one_image: Callable[..., Queue]) -> None:
    queue = one_image()
    add(queue, "ann", NUT)
    add(queue, "bob", NEAR)
    (raw,) = result(queue).lines
    line = json.loads(raw)
    assert line["bounding-box"]["annotations"] == [
        {"class_id": 1, "left": 4.5, "top": 4.0, "width": 10.0, "height": 10.0}
    ]
    # The mean box overlaps each by 9.5 of 10.5.
    assert line["bounding-box-metadata"]["objects"] == [{"confidence": round(9.5 / 10.5, 4)}]
    assert line["groundloop-review"]["answers"] == 2
    assert line["groundloop-review"]["workers"] == [pseudonym("week-47", "ann"), pseudonym("week-47", "bob")]
    assert result(queue).consolidated == 1


def test_one_of_two_answers_counts_alone_until_the_other_comes(one_image: Callable[..., Queue]) -> None:
    queue = one_image()
    add(queue, "ann", NUT)
    (raw,) = result(queue).lines
    line = json.loads(raw)
    assert line["bounding-box"]["annotations"] == [NUT]
    assert line["bounding-box-metadata"]["objects"] == [{"confidence": 0}]


def test_an_image_whose_answers_disagree_has_no_line(one_image: Callable[..., Queue]) -> None:
    queue = one_image()
    add(queue, "ann", NUT)
    add(queue, "bob", FAR)
    found = result(queue)
    assert (found.lines, found.disputed, found.unanswered) == ((), 1, 0)


@pytest.mark.parametrize(("boxes", "status"), [([NUT], "unadjusted"), ([NEAR], "adjusted")])
def test_consolidated_boxes_are_adjusted_where_they_differ_from_those_shown(
    one_image: Callable[..., Queue], boxes: list[dict[str, Any]], status: str
) -> None:
    queue = one_image()
    for name in ("ann", "bob"):
        add(queue, name, *boxes)
    assert json.loads(result(queue).lines[0])["bounding-box-metadata"]["adjustment-status"] == status


# Adjudication


@pytest.fixture
def disputed(one_image: Callable[..., Queue]) -> Queue:
    """A queue whose image two people answered differently, and nobody else is asked."""
    queue = one_image(max_answers=2)
    add(queue, "ann", NUT, FAR)
    add(queue, "bob", NEAR)
    return queue


def test_an_adjudicator_sees_the_boxes_of_all(disputed: Queue) -> None:
    (task,) = given(disputed, "cid")
    assert (task.people, task.bad_image) == (2, 0)
    assert [(box.left, box.counted, box.person) for box in task.boxes] == [(4, True, None), (24, False, 0)]
    assert disputed.progress("cid").adjudication == 1


def test_classes_that_differ_are_each_persons(one_image: Callable[..., Queue]) -> None:
    queue = one_image(max_answers=2)
    add(queue, "ann", NUT)
    add(queue, "bob", BOLT)
    (task,) = given(queue, "cid")
    assert [(box.class_id, box.counted, box.person) for box in task.boxes] == [(1, False, 0), (0, False, 1)]


def test_the_answer_of_an_adjudicator_counts_alone(disputed: Queue) -> None:
    assert not add(disputed, "cid", FAR, adjudicates=True)
    assert state(disputed) == (State.DONE, 0)
    line = json.loads(result(disputed).lines[0])
    assert line["bounding-box"]["annotations"] == [FAR]
    assert line["bounding-box-metadata"]["objects"] == [{"confidence": 0}]
    assert line["groundloop-review"]["adjudicated"] is True
    assert len(line["groundloop-review"]["workers"]) == 3


def test_an_adjudicator_can_change_their_mind(disputed: Queue) -> None:
    add(disputed, "cid", FAR, adjudicates=True)
    task = disputed.leases.task("cid", 1)
    assert task is not None
    assert task.answer is not None
    assert (task.people, len(task.boxes), task.answer.boxes[0].left) == (2, 2, 24)
    assert not add(disputed, "cid", NUT, adjudicates=True)
    assert json.loads(result(disputed).lines[0])["bounding-box"]["annotations"] == [NUT]


def test_an_adjudicator_who_is_unsure_leaves_it_to_another_one(disputed: Queue) -> None:
    add(disputed, "cid", outcome="unsure", adjudicates=True)
    assert given(disputed, "cid") == []
    assert [task.people for task in given(disputed, "dan")] == [2]


def test_without_appointed_adjudicators_those_decide_who_have_not_answered(disputed: Queue) -> None:
    assert [len(given(disputed, name)) for name in ("ann", "bob", "cid")] == [0, 0, 1]
    own = disputed.leases.task("ann", 1)
    assert own is not None
    assert own.people == 0


def test_appointed_adjudicators_decide_even_where_they_have_answered(disputed: Queue) -> None:
    disputed.reviewers.appoint("ann")
    assert [len(given(disputed, name)) for name in ("cid", "bob", "ann")] == [0, 0, 1]
    task = disputed.leases.task("ann", 1)
    assert task is not None
    assert (task.people, task.answer) == (2, None)
    assert not add(disputed, "ann", NUT, adjudicates=True)
    assert state(disputed) == (State.DONE, 0)


@pytest.mark.parametrize("name", ["bob", "cid"])
def test_who_may_not_adjudicate_is_late(disputed: Queue, name: str) -> None:
    disputed.reviewers.appoint("ann")
    assert add(disputed, name, FAR, adjudicates=True)
    assert state(disputed) == (State.ADJUDICATION, 1)


def test_one_adjudicates_at_a_time(disputed: Queue) -> None:
    assert len(given(disputed, "cid")) == 1
    assert given(disputed, "dan") == []
    assert add(disputed, "dan", FAR, adjudicates=True)


def test_disputed_images_are_not_in_the_grid(new_queue: Callable[..., Queue]) -> None:
    task = NewTask(source_ref="0.png", width=40, height=30, shown=Shown.MODEL, expected_mistakes=0.1)
    queue = new_queue([task], answers=2, max_answers=2)
    add(queue, "ann", NUT)
    add(queue, "bob", FAR)
    assert queue.leases.next("cid", NextRequest(count=12, grid=True)) == ()
    assert [one.grid for one in given(queue, "cid")] == [False]


# Live queues


def test_tasks_are_added_to_a_live_queue_and_withdrawn(new_queue: Callable[..., Queue]) -> None:
    queue = new_queue()
    loops = [NewTask(source_ref="0.png", width=40, height=30, key=f"loop-{number}") for number in range(2)]
    ids = queue.add_tasks(loops)
    assert (len(ids), queue.progress("ann").total) == (2, 8)
    assert {task.id for task in given(queue, "ann")} > set(ids)
    queue.withdraw(ids[:1])
    assert ids[0] not in {task.id for task in given(queue, "ann")}
    assert queue.progress("ann").total == 7
    late = queue.answers.add("ann", msgspec.convert(answer(ids[0]), Answer))
    assert late
    assert queue.progress("ann").answered == 0


def test_a_task_is_added_once(new_queue: Callable[..., Queue]) -> None:
    queue = new_queue()
    with pytest.raises(UserError, match=r"has 0\.png already"):
        queue.add_tasks(
            [NewTask(source_ref="new.png", width=4, height=3), NewTask(source_ref="0.png", width=4, height=3)]
        )
    assert queue.progress("ann").total == 6


def test_stored_answers_can_be_put_into_another_queue(disputed: Queue, new_queue: Callable[..., Queue]) -> None:
    add(disputed, "cid", FAR, adjudicates=True)
    copy = new_queue([task for _, task in disputed.tasks()], answers=2, max_answers=2)
    for one in disputed.answers.stored():
        copy.answers.add(one.reviewer, one.answer, late=one.late, received=one.received)
    assert list(copy.answers.counted()) == list(disputed.answers.counted())
    assert result(copy) == result(disputed)
    assert [one.reviewer for one in disputed.answers.stored(task=1, after=1)] == ["bob", "cid"]
