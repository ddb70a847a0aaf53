"""English and Japanese say the same, and everything that the page names is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from groundloop.review.queue import NewTask
from groundloop.review.serve import invitations
from groundloop.review.server import PAGE
from tests.groundloop.review.page.conftest import Reviewing

ENGLISH, JAPANESE = (
    json.loads((PAGE / f"words.{language}.json").read_text(encoding="utf-8")) for language in ("en", "ja")
)
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in [*PAGE.glob("*.js"), PAGE / "index.html"])


def stem(name: str) -> str:
    """Return a name without its plural form."""
    return re.sub(r"\.(one|other)$", "", name)


def test_both_languages_have_the_same_texts() -> None:
    assert {stem(name) for name in ENGLISH} == {stem(name) for name in JAPANESE}


@pytest.mark.parametrize("name", sorted(JAPANESE))
def test_both_languages_fill_in_the_same_values(name: str) -> None:
    english = ENGLISH.get(name) or ENGLISH[f"{name}.other"]
    assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", JAPANESE[name]))


def test_every_text_is_used() -> None:
    groups = ("key.", "theme.", "group.", "hint.")
    unused = [name for name in ENGLISH if not name.startswith(groups) and f'"{stem(name)}"' not in SOURCES]
    assert unused == []


def test_the_page_speaks_the_browsers_language_and_the_chosen_one(
    reviewing: Callable[..., Reviewing], browser: Browser
) -> None:
    one = reviewing(2)
    context = browser.new_context(locale="ja-JP")
    page = context.new_page()
    page.goto(invitations(one.queue, ["花子"], one.url)["花子"])
    page.wait_for_selector("body[data-state=ready]")
    assert page.locator("html").get_attribute("lang") == "ja"
    assert page.locator("#saved").inner_text() == JAPANESE["saved.saved"]
    with page.expect_navigation():
        page.locator("#language").select_option("en")
    page.wait_for_selector("body[data-state=ready]")
    assert page.locator("#saved").inner_text() == "Saved"
    page.reload()
    page.wait_for_selector("body[data-state=ready]")
    assert page.locator("#saved").inner_text() == "Saved"
    context.close()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_everything_fits_into_a_window_of_1024_pixels(reviewing: Callable[..., Reviewing], language: str) -> None:
    one = reviewing(1).open()
    one.page.set_viewport_size({"width": 1024, "height": 640})
    with one.page.expect_navigation():
        one.page.locator("#language").evaluate(
            "(select, value) => { select.value = value; select.dispatchEvent(new Event('change')); }", language
        )
    one.page.wait_for_selector("body[data-state=ready]")
    too_wide = "[...document.querySelectorAll('body, header, footer, main, aside')].filter(e => e.scrollWidth > 1024)"
    assert one.page.evaluate(f"{too_wide}.map(element => element.tagName)") == []
    hints = one.page.locator(".hint:visible").all()
    assert all((box := hint.bounding_box()) and box["x"] + box["width"] <= 1024 for hint in hints)


def test_a_long_name_of_an_image_is_shortened_in_its_middle(
    reviewing: Callable[..., Reviewing], tmp_path: Path
) -> None:
    (tmp_path / "photos-0").mkdir()
    name = "line-3-camera-12-shift-b-2026-11-21T23-59-59-000042.png"
    Image.new("RGB", (64, 48)).save(tmp_path / "photos-0" / name)
    one = reviewing([NewTask(source_ref=name, width=64, height=48)])
    one.page.set_viewport_size({"width": 1024, "height": 700})
    one.open()

    shown = one.page.locator("#image-name")
    assert (shown.text_content(), shown.get_attribute("title")) == (name, name)
    start, end = shown.locator("span").all()
    hidden = "element => element.scrollWidth - element.clientWidth"
    assert start.evaluate(hidden) > 0
    assert (end.inner_text(), end.evaluate(hidden)) == ("9-000042.png", 0)
    assert one.page.locator("aside").evaluate(hidden) == 0
