"""What each key does, and how many inputs a correction takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from groundloop.review.wire import Outcome, ShownBox
from tests.groundloop.review.page.conftest import Rect, Reviewing, answered, shown_boxes

#: The boxes of the first image.
FIRST, SECOND, THIRD, DOTTED = shown_boxes(0)


class Counting:
    """Counts a person's inputs: keys, clicks and drags."""

    def __init__(self, page: Reviewing) -> None:
        self.page = page
        self.inputs = 0

    def key(self, key: str) -> None:
        """Press a key."""
        self.inputs += 1
        self.page.press(key)

    def click(self, x: float, y: float) -> None:
        """Click on a pixel of the image."""
        self.inputs += 1
        self.page.click(x, y)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one pixel of the image to another."""
        self.inputs += 1
        self.page.drag(start, end)


def test_a_right_image_takes_one_input(page: Reviewing) -> None:
    task = page.task
    page.answer("Enter")
    page.saved()
    assert page.stored()[task] == ("boxes", answered(shown_boxes(0)))


def _remove_false_box(hand: Counting) -> None:
    hand.click(SECOND.left + 5, SECOND.top + 5)
    hand.key("x")


def _draw_missed_box(hand: Counting) -> None:
    hand.drag((140, 100), (170, 120))


def _draw_missed_box_of_another_class(hand: Counting) -> None:
    hand.drag((140, 100), (170, 120))
    hand.key("3")


def _reclass(hand: Counting) -> None:
    hand.click(SECOND.left + 5, SECOND.top + 5)
    hand.key("1")


def _take_most_doubtful(hand: Counting) -> None:
    hand.key("Tab")
    hand.key("x")


@pytest.mark.parametrize(
    ("correct", "inputs", "boxes"),
    [
        pytest.param(_remove_false_box, 2, [FIRST, THIRD], id="false-box"),
        pytest.param(_take_most_doubtful, 2, [FIRST, SECOND], id="false-box-by-doubt"),
        pytest.param(_draw_missed_box, 1, [FIRST, SECOND, THIRD, (0, (140, 100, 30, 20))], id="missed-box"),
        pytest.param(
            _draw_missed_box_of_another_class,
            2,
            [FIRST, SECOND, THIRD, (2, (140, 100, 30, 20))],
            id="missed-other-class",
        ),
        pytest.param(_reclass, 2, [FIRST, (0, (180, 30, 60, 80)), THIRD], id="wrong-class"),
    ],
)
def test_a_correction_takes_few_inputs(
    page: Reviewing,
    correct: Callable[[Counting], None],
    inputs: int,
    boxes: list[ShownBox | tuple[int, Rect]],
) -> None:
    hand = Counting(page)
    correct(hand)
    assert hand.inputs == inputs
    expected = [
        (box.class_id, (box.left, box.top, box.width, box.height)) if isinstance(box, ShownBox) else box
        for box in boxes
    ]
    assert page.boxes() == sorted(expected)


def test_an_edge_of_the_selected_box_takes_one_drag(page: Reviewing) -> None:
    page.press("Tab")
    page.drag_handle("e", 10, 0)
    assert (THIRD.class_id, (THIRD.left, THIRD.top, THIRD.width + 10, THIRD.height)) in page.boxes()


def test_tab_goes_from_the_most_doubtful_box_on_and_says_which(page: Reviewing) -> None:
    said = []
    for _ in range(5):
        page.press("Tab")
        said.append(page.page.locator("#announcer").inner_text().partition(": ")[2])
    dotted = "bolt 0.30, below the threshold"
    assert said == ["washer 0.45", "nut 0.60", dotted, "bolt 0.90", "washer 0.45"]
    page.press("x")  # the next one takes its place
    page.press("Tab")
    assert page.page.locator("#announcer").inner_text().endswith("nut 0.60")
    page.press("Shift+Tab")
    assert page.page.locator("#announcer").inner_text().endswith("bolt 0.90")


def test_the_score_floor_counts_one_box_more_or_fewer(page: Reviewing) -> None:
    counts = [len(page.boxes())]
    for key in ("[", "]", "]", "]", "Control+z"):
        page.press(key)
        counts.append(len(page.boxes()))
    assert counts == [3, 4, 3, 2, 1, 2]
    page.page.locator("#floor").fill("0.2")
    assert len(page.boxes()) == 4


def test_letters_after_a_slash_find_a_class(page: Reviewing) -> None:
    page.press("Tab", "/", "u", "t", "Enter")
    assert [class_id for class_id, _ in page.boxes()] == [0, 1, 1]
    page.press("/", "x", "Escape")
    assert len(page.boxes()) == 3  # the x was a letter, not a command


def test_boxes_are_hidden_while_h_is_held(page: Reviewing) -> None:
    page.page.keyboard.down("h")
    assert page.page.locator(".box").first.is_hidden()
    page.page.keyboard.up("h")
    assert page.page.locator(".box").first.is_visible()


def test_a_drag_in_an_unselected_box_draws_and_a_click_goes_down_the_pile(page: Reviewing) -> None:
    page.drag((40, 40), (60, 60))
    page.press("Escape")
    page.drag((44, 44), (56, 56))
    page.press("Escape")
    assert len(page.boxes()) == 5
    sizes = []
    for _ in range(4):
        page.click(50, 50)
        page.frame()
        rect = page.page.locator(".box.selected").get_attribute("data-rect") or ""
        sizes.append(int(rect.split(",")[2]))
    assert sizes == [12, 20, 80, 12]


def test_shift_drags_draw_inside_the_selected_box(page: Reviewing) -> None:
    page.click(40, 40)
    page.page.keyboard.down("Shift")
    page.drag((40, 40), (60, 60))
    page.page.keyboard.up("Shift")
    assert page.boxes()[:2] == [(0, (20, 24, 80, 60)), (0, (40, 40, 20, 20))]


def test_the_wheel_zooms_at_the_pointer_and_the_space_bar_pans(page: Reviewing) -> None:
    before = page.at(100, 80)
    page.page.mouse.move(*before)
    page.page.mouse.wheel(0, -300)
    page.frame()
    after = page.at(100, 80)
    assert after == pytest.approx(before, abs=1.5)
    page.page.keyboard.down(" ")
    page.drag_on_screen(after, (after[0] + 30, after[1] - 20))
    page.page.keyboard.up(" ")
    page.frame()
    assert page.at(100, 80) == pytest.approx((after[0] + 30, after[1] - 20), abs=0.01)
    page.press("f")
    page.frame()
    assert page.at(100, 80) == pytest.approx(before, abs=0.01)


def test_back_goes_ten_deep_and_forward_to_where_one_was(reviewing: Callable[..., Reviewing]) -> None:
    page = reviewing(12).open()
    for _ in range(11):
        page.answer()
    assert page.task == 12
    seen = []
    for _ in range(11):
        page.press("b")
        page.page.wait_for_selector("body[data-state=ready]")
        seen.append(page.task)
    assert seen == [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 2]
    page.press("x")  # nothing is selected
    page.answer("n")
    page.saved()
    assert page.stored()[2] == ("boxes", [])


def test_unsure_asks_for_a_comment_and_keeps_the_boxes(page: Reviewing) -> None:
    task = page.task
    page.press("u")
    page.page.keyboard.type("is this a nut?")
    page.answer("Enter")
    page.saved()
    counted = next(one for one in page.queue.answers.counted() if one.task == task)
    assert (counted.answer.outcome, counted.answer.comment) == (Outcome.UNSURE, "is this a nut?")
    assert page.stored()[task][1] == answered(shown_boxes(0))


def test_a_key_held_down_answers_once(page: Reviewing) -> None:
    task = page.task
    page.page.keyboard.down("Enter")
    for _ in range(3):
        page.page.keyboard.down("Enter")  # what a keyboard repeats
    page.page.keyboard.up("Enter")
    page.page.wait_for_selector(f"body[data-state=ready] #stage[data-task='{task + 1}']")
    page.saved()
    assert page.task == task + 1


def test_every_control_is_reached_by_f6_and_tab(page: Reviewing) -> None:
    focused = "document.activeElement.id || document.activeElement.dataset.command"
    reached = []
    for _ in range(6):
        reached.append(page.page.evaluate(focused))
        page.press("F6")
    assert reached == ["stage", "class-search", "box-list", "accept", "saved", "stage"]
    page.press("F6", "F6", "F6", "Tab")
    assert page.page.evaluate(focused) == "language"
    page.press("Tab", "Enter")
    assert page.page.locator("html").get_attribute("data-theme") == "light"


def test_help_begins_with_the_first_keys_in_a_low_window(page: Reviewing) -> None:
    page.page.set_viewport_size({"width": 1024, "height": 500})
    page.press("?")
    assert page.page.locator("#help").evaluate("help => help.scrollTop") == 0
    page.press("Escape")
    page.page.set_viewport_size({"width": 1280, "height": 800})


def test_a_box_out_of_view_has_no_tag(page: Reviewing) -> None:
    page.press("Tab")
    page.zoom(600)
    page.frame()
    shown = (
        "[...document.querySelectorAll('.tags > g')].filter(tag => tag.getAttribute('visibility') !== 'hidden').length"
    )
    assert page.page.evaluate(shown) < page.page.locator(".tags > g").count()
