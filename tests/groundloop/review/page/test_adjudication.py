"""Two people disagree on an image, and a third one sees the boxes of both and decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from groundloop.review.queue import NewTask, Queue
from groundloop.review.wire import Answer, Shown
from tests.groundloop.review.conftest import answer
from tests.groundloop.review.page.conftest import Reviewing

AGREED: dict[str, Any] = {"class_id": 0, "left": 20, "top": 24, "width": 80, "height": 60}
ANNS: dict[str, Any] = {"class_id": 1, "left": 200, "top": 40, "width": 60, "height": 50}
BOBS: dict[str, Any] = {"class_id": 2, "left": 60, "top": 150, "width": 70, "height": 50}


def add(queue: Queue, reviewer: str, *boxes: dict[str, Any]) -> None:
    """Answer the first image as the page of another reviewer does."""
    queue.answers.add(reviewer, msgspec.convert(answer(1, boxes=list(boxes)), Answer))


def test_an_adjudicator_sees_who_drew_what_and_decides(
    reviewing: Callable[..., Reviewing], scene_of: Callable[..., list[NewTask]]
) -> None:
    tasks = [msgspec.structs.replace(task, shown=Shown.NOTHING) for task in scene_of(())]
    one = reviewing(tasks, answers=2, max_answers=2)
    add(one.queue, "ann", AGREED, ANNS)
    add(one.queue, "bob", AGREED, BOBS)
    one.open("cid")

    assert one.boxes() == [(0, (20, 24, 80, 60))]
    shown = one.page.locator(".box.uncounted")
    assert [shown.nth(place).get_attribute("aria-label") for place in range(2)] == [
        "nut · person 1",
        "washer · person 2",
    ]
    edges = shown.locator(".edge")
    assert len({edges.nth(place).get_attribute("stroke") for place in range(2)}) == 2
    dashes = edges.evaluate_all("all => all.map(one => getComputedStyle(one).strokeDasharray)")
    assert len(set(dashes)) == 2
    reasons = one.page.locator("#why li").all_inner_texts()
    assert reasons[0].startswith("2 people answered differently")
    assert reasons[1:] == ["person 1", "person 2"]
    assert one.page.locator("#progress-text").inner_text() == "1 of 1, 1 needs another person"

    # Tab goes to the boxes in dispute first; Y takes the second person's.
    one.press("Tab", "Tab", "y")
    one.answer()
    one.saved()
    (counted,) = one.queue.answers.counted()
    assert (counted.adjudicated, counted.answer.adjudicates, counted.reviewers) == (True, True, ("ann", "bob", "cid"))
    assert {(box.class_id, box.left) for box in counted.boxes} == {(0, 20), (2, 60)}
