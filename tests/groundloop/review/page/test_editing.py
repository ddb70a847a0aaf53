"""Fifty images reviewed with mouse and keys: what is stored is what was drawn, to the pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import ViewportSize

from tests.groundloop.review.page.conftest import Reviewing, answered, shown_boxes

Boxes = list[tuple[int, int, int, int, int, "int | None"]]
# Zoom and window of five images each.
SIGHTS: list[tuple[int, ViewportSize]] = [
    (zoom, {"width": width, "height": height})
    for width, height in ((1280, 800), (1920, 1080))
    for zoom in (50, 100, 300)
]
# Each way to edit an image is used twice.
IMAGES = 36


class Person:
    """Edits one image, and says independently of the page which boxes that makes."""

    def __init__(self, reviewing: Reviewing, number: int) -> None:
        self.page = reviewing
        self.boxes: Boxes = answered(shown_boxes(number))
        self.previous: Boxes = []
        self.outcome = "boxes"

    def middle(self, index: int) -> tuple[int, int]:
        """Return the middle of a shown box."""
        _, left, top, width, height, _ = self.boxes[index]
        return left + width // 2, top + height // 2

    def accept(self) -> None:
        self.page.answer()

    def delete(self) -> None:
        self.page.click(*self.middle(1))
        self.page.press("x")
        del self.boxes[1]
        self.page.answer()

    def draw_tiny(self) -> None:
        self.page.drag((140, 100), (146, 106))
        self.boxes.append((0, 140, 100, 6, 6, None))
        self.page.answer()

    def draw_backwards_inside_another(self) -> None:
        _, left, top, *_ = self.boxes[0]
        self.page.drag((left + 50, top + 40), (left + 10, top + 10))
        self.page.press("3")
        self.boxes.append((2, left + 10, top + 10, 40, 30, None))
        self.page.answer()

    def draw_past_the_image(self) -> None:
        self.page.drag((300, 200), (330, 250))
        self.boxes.append((0, 300, 200, 20, 40, None))
        self.page.answer()

    def move(self) -> None:
        x, y = self.middle(2)
        self.page.click(x, y)
        self.page.drag((x, y), (x + 14, y - 22))
        class_id, left, top, width, height, index = self.boxes[2]
        self.boxes[2] = (class_id, left + 14, top - 22, width, height, index)
        self.page.answer()

    def resize_past_the_opposite_edge(self) -> None:
        self.page.click(*self.middle(0))
        class_id, left, top, width, height, index = self.boxes[0]
        self.page.drag_handle("se", -width - 10, -height - 6)
        self.boxes[0] = (class_id, left - 10, top - 6, 10, 6, index)
        self.page.answer()

    def resize_one_edge(self) -> None:
        self.page.click(*self.middle(1))
        self.page.drag_handle("w", -8, 30)
        class_id, left, top, width, height, index = self.boxes[1]
        self.boxes[1] = (class_id, left - 8, top, width + 8, height, index)
        self.page.answer()

    def reclass(self) -> None:
        self.page.click(*self.middle(1))
        self.page.press("3")
        self.boxes[1] = (2, *self.boxes[1][1:])
        self.page.answer()

    def nudge(self) -> None:
        self.page.click(*self.middle(2))
        self.page.press("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowDown", "Alt+ArrowRight", "Alt+ArrowUp")
        class_id, left, top, width, height, index = self.boxes[2]
        self.boxes[2] = (class_id, left + 2, top + 9, width + 1, height - 1, index)
        self.page.answer()

    def undo(self) -> None:
        self.page.click(*self.middle(0))
        self.page.press("x", "Control+z")
        self.page.drag((280, 20), (300, 60))
        self.page.drag((140, 100), (160, 130))
        self.page.press("Control+z", "Control+z", "Control+Shift+z")
        self.boxes.append((0, 280, 20, 20, 40, None))
        self.page.answer()

    def redraw(self) -> None:
        self.page.click(*self.middle(1))
        self.page.press("r")
        self.page.drag((190, 50), (250, 100))
        self.boxes[1] = (1, 190, 50, 60, 50, 1)
        self.page.answer()

    def take_dotted(self) -> None:
        self.page.press("Tab", "Tab", "Tab", "y")
        _, _, _, dotted = shown_boxes(self.page.task - 1)
        self.boxes.append((0, dotted.left, dotted.top, dotted.width, dotted.height, 3))
        self.page.answer()

    def copy_previous(self) -> None:
        self.page.click(*self.middle(0))
        self.page.press("x", "c")
        del self.boxes[0]
        # The boxes of the previous image differ by their jitter only, so that the two others are here already.
        self.boxes += [(*box[:5], None) for box in self.previous if box[5] == 0]
        self.page.answer()

    def nothing(self) -> None:
        self.boxes = []
        self.page.answer("n")

    def skip(self) -> None:
        self.outcome, self.boxes = "skip", []
        self.page.answer("s")

    def call_bad(self) -> None:
        self.outcome, self.boxes = "bad-image", []
        self.page.answer("Shift+!")

    def back(self) -> None:
        task = self.page.task
        self.page.answer()
        self.page.press("b")
        self.page.page.wait_for_selector(f"body[data-state=ready] #stage[data-task='{task}']")
        self.page.drag((140, 100), (160, 120))
        self.boxes.append((0, 140, 100, 20, 20, None))
        self.page.answer()

    def one_after_the_other(self) -> list[Callable[[], None]]:
        """Return all that a person does, in an order in which each follows from `accept` before `copy_previous`."""
        return [
            self.delete, self.draw_tiny, self.draw_backwards_inside_another, self.draw_past_the_image, self.move,
            self.resize_past_the_opposite_edge, self.resize_one_edge, self.reclass, self.nudge, self.undo, self.redraw,
            self.take_dotted, self.accept, self.copy_previous, self.nothing, self.skip, self.call_bad, self.back,
        ]  # fmt: skip


def test_images_are_stored_as_they_were_edited(reviewing: Callable[..., Reviewing]) -> None:
    """Each of the 18 ways to edit an image twice, at another zoom and in another window."""
    page = reviewing(IMAGES).open()
    expected: dict[int, tuple[str, Any]] = {}
    previous: Boxes = []
    for number in range(IMAGES):
        zoom, window = SIGHTS[number // 4 % len(SIGHTS)]
        page.page.set_viewport_size(window)
        person = Person(page, number)
        person.previous = previous
        task = page.task
        page.zoom(zoom)
        page.press("1", "Escape")  # what is drawn next is a bolt
        actions = person.one_after_the_other()
        actions[number % len(actions)]()
        expected[task] = (person.outcome, sorted(person.boxes, key=str))
        previous = person.boxes if person.outcome == "boxes" else previous
    page.page.wait_for_selector("body[data-state=done]")
    page.saved()
    stored = {task: (outcome, sorted(boxes, key=str)) for task, (outcome, boxes) in page.stored().items()}
    assert stored == expected
    assert len(stored) == IMAGES
