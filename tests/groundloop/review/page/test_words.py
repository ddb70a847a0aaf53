"""English and Japanese say the same, and everything that the page names is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from groundloop.detections.drift.statistics import CLASS_SHARE, STATISTICS
from groundloop.detections.expected_mistakes import ImageDetections
from groundloop.detections.label_errors import LabelErrorKind, SuspectedError
from groundloop.review.candidates import TaskMaker
from groundloop.review.label_errors import SuspiciousImage
from groundloop.review.problems import TEXTS
from groundloop.review.queue import NewTask
from groundloop.review.serve import invitations
from groundloop.review.server import PAGE
from tests.groundloop.review.page.conftest import Reviewing, reviews, scenes

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
    context.close()


def composed_reasons() -> list[str]:
    """Reasons for which images are chosen, as the code composes them."""
    detections = ImageDetections(["nut (M8)"], np.array([0.4]), np.array([[0.0, 0.0, 5.0, 5.0]]))
    doubt: Any = SimpleNamespace(mistakes=2.34, crossed=1, doubts=np.array([0.5]))
    candidate: Any = SimpleNamespace(detections=detections)
    errors = [SuspectedError(kind, 0.5, "bolt", (1.0, 2.0, 3.0, 4.0), "nut", 0.75, 0.4) for kind in LabelErrorKind]
    suspicious: Any = SimpleNamespace(errors=errors * 2, suspicion=0.9, objectlab={"image": 0.1})
    statistics = [statistic.name for statistic in STATISTICS] + [f"{CLASS_SHARE}nut"]
    return [
        *TaskMaker(["nut (M8)"], {"nut (M8)": 0.5})._reasons(candidate, doubt),
        *SuspiciousImage._reasons(suspicious),
        *(f"{name} 31 (usually 118 ± 12)" for name in statistics),
        *("drawn at random", "shown without boxes", "existing label", "may show nut", "condition score < 0.5"),
    ]


PROBLEMS = json.loads((PAGE / "errors.ja.json").read_text(encoding="utf-8"))


def test_every_problem_has_a_japanese_text() -> None:
    # The last is the page's own: no server answered.
    assert set(PROBLEMS) == {*TEXTS, "unreachable"}


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_a_problem_names_the_same_values_in_both_languages(code: str) -> None:
    assert set(re.findall(r"\{(\w+)\}", TEXTS[code])) == set(re.findall(r"\{(\w+)\}", PROBLEMS[code]))


@pytest.fixture(scope="module")
def in_japanese(browser: Browser, tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Iterator[Page]:
    """The page in a Japanese browser, at an image that is chosen for every reason, and for one that is unknown."""
    folder = tmp_path_factory.mktemp("japanese")
    tasks = scenes(2, folder / "photos-0", photos, why=(*composed_reasons(), "asked by ann, unknown here"))
    with browser.new_context(locale="ja-JP") as context, reviews(context.new_page(), folder, photos) as make:
        yield make(tasks).open("花子").page


_PROBLEM_OF_ANSWER = """
async () => {
  const [api, { Words }] = await Promise.all([import("/page/api.js"), import("/page/words.js")]);
  const words = await Words.load("ja");
  return api.sendAnswer({}).catch((error) => words.problem(error.problem));
}
"""


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        pytest.param(
            "box_outside",
            "ボックス 1 が 64 x 48 ピクセルの画像からはみ出しています。画像の中に移動してください",
            id="translated",
        ),
        pytest.param("newer", "as the server says it", id="of a newer server"),
        pytest.param(None, "as the server says it", id="without a code"),
    ],
)
def test_a_problem_is_shown_in_japanese_if_it_is_known(in_japanese: Page, code: str | None, shown: str) -> None:
    body = {"error": "as the server says it", "code": code, "values": {"box": 1, "width": 64, "height": 48}}
    body = {name: value for name, value in body.items() if value is not None}
    in_japanese.route("**/answers", lambda route: route.fulfill(status=422, json=body))
    assert in_japanese.evaluate(_PROBLEM_OF_ANSWER) == shown
    in_japanese.unroute("**/answers")


def test_reasons_are_shown_in_japanese(in_japanese: Page) -> None:
    *known, unknown = in_japanese.locator("#why li").all_inner_texts()
    assert unknown == "asked by ann, unknown here"
    assert len(known) == len(composed_reasons())
    assert [text for text in known if not re.search("[ぁ-んァ-ヶ一-龠]", text)] == []
    assert known[0] == "誤りの見込み: 約 2.3 か所"
    assert known[2] == "最も疑わしい検出: nut (M8) 0.40 (しきい値 0.50)"


def test_translations_of_reasons_name_the_same_values() -> None:
    reasons = json.loads((PAGE / "reasons.ja.json").read_text(encoding="utf-8"))
    names = re.compile(r"\{\w+\}")
    assert {text for text in reasons if set(names.findall(text)) != set(names.findall(reasons[text]))} == set()


def test_everything_fits_into_a_window_of_1024_pixels(reviewing: Callable[..., Reviewing]) -> None:
    one = reviewing(1)
    one.page.set_viewport_size({"width": 1024, "height": 640})
    one.open()
    assert all_fits(one.page)
    with one.page.expect_navigation():
        one.page.locator("#language").select_option("ja")
    one.page.wait_for_selector("body[data-state=ready]")
    assert all_fits(one.page)


def all_fits(page: Page) -> bool:
    """Return whether nothing of a page is wider than 1024 pixels, neither the regions nor the hints."""
    right_ends = page.evaluate(
        """[
          ...[...document.querySelectorAll("body, header, footer, main, aside")].map((region) => region.scrollWidth),
          ...[...document.querySelectorAll(".hint")].map((hint) => hint.getBoundingClientRect().right),
        ]"""
    )
    assert len(right_ends) > 10
    return bool(max(right_ends) <= 1024)


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
