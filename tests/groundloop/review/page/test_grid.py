"""Many likely-right images at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.groundloop.review.page.conftest import Reviewing, answered, scenes, shown_boxes


def test_the_unmarked_images_are_accepted_and_the_marked_come_one_by_one(
    reviewing: Callable[..., Reviewing], tmp_path: Path, photos: Path
) -> None:
    tasks = scenes(16, tmp_path / "photos-0", photos, expected_mistakes=0.1)
    page = reviewing(tasks).open()
    page.press("g")
    tiles = page.page.locator(".tile")
    tiles.first.wait_for()
    # The image shown and the three after it are the reviewer's already.
    assert [tile.get_attribute("data-task") for tile in tiles.all()] == [str(number) for number in range(5, 17)]
    tiles.nth(1).click()
    page.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown", " ")
    assert page.page.locator(".tile[aria-pressed=true]").count() == 2
    page.page.locator("#hints").get_by_text("Accept 10 images").wait_for()
    page.press("Enter")
    page.page.locator("#stage[data-task='6']").wait_for()
    page.saved()
    accepted = {number + 1: ("boxes", answered(shown_boxes(number))) for number in range(4, 16)}
    marked = {6, 12}
    assert page.stored() == {task: answer for task, answer in accepted.items() if task not in marked}
    assert "one by one" in page.page.locator("#toast").inner_text()


def test_without_likely_right_images_there_is_no_grid(page: Reviewing) -> None:
    task = page.task
    page.press("g")
    page.page.locator("#toast").wait_for()
    assert page.page.locator(".tile").count() == 0
    assert page.task == task
    page.answer()


def test_leaving_the_grid_gives_its_images_back(
    reviewing: Callable[..., Reviewing], tmp_path: Path, photos: Path
) -> None:
    page = reviewing(scenes(8, tmp_path / "photos-0", photos, expected_mistakes=0.1)).open()
    page.press("g")
    page.page.locator(".tile").first.wait_for()
    page.press("Escape")
    page.page.locator("#stage").wait_for()
    for _ in range(8):
        page.answer()
    page.saved()
    assert len(page.stored()) == 8
