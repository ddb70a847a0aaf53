"""The pure functions of the page's modules, called in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from groundloop.review.server import PAGE

IMAGE = {"width": 100, "height": 80}


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A page from which the modules can be imported."""
    page = browser.new_page()

    def send_file(route: Any) -> None:
        name = route.request.url.rpartition("/")[2]
        if name:
            route.fulfill(path=PAGE / name, content_type="text/javascript")
        else:
            route.fulfill(body="", content_type="text/html")

    page.route("http://page.test/**", send_file)
    page.goto("http://page.test/")
    yield page
    page.close()


def call(page: Page, module: str, function: str, *arguments: object) -> Any:
    """Return what a function of a module returns."""
    script = "async ([module, name, values]) => (await import(`./${module}.js`))[name](...values)"
    return page.evaluate(script, [module, function, arguments])


def rect(left: int, top: int, width: int, height: int) -> dict[str, int]:
    """Return a rectangle as the modules take it."""
    return {"left": left, "top": top, "width": width, "height": height}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param((10.4, 20.6), (30.5, 40.4), rect(10, 21, 21, 19), id="rounded-to-pixels"),
        pytest.param((30, 40), (10, 20), rect(10, 20, 20, 20), id="backwards"),
        pytest.param((-5, 70), (20, 95), rect(0, 70, 20, 10), id="cut-to-the-image"),
        pytest.param((10, 10), (10.2, 10.3), rect(10, 10, 1, 1), id="at-least-a-pixel"),
        pytest.param((120, 90), (130, 95), rect(99, 79, 1, 1), id="outside"),
    ],
)
def test_a_rectangle_between_two_points(
    modules: Page, a: tuple[float, float], b: tuple[float, float], expected: dict[str, int]
) -> None:
    points = [{"x": x, "y": y} for x, y in (a, b)]
    assert call(modules, "geometry", "rectBetween", *points, IMAGE) == expected


@pytest.mark.parametrize(
    ("handle", "dx", "dy", "expected"),
    [
        pytest.param("se", 5, 6, rect(20, 20, 25, 16), id="corner"),
        pytest.param("n", 50, -5, rect(20, 15, 20, 15), id="edge-moves-one-way"),
        pytest.param("e", -30, 0, rect(10, 20, 10, 10), id="past-the-opposite-edge"),
        pytest.param("nw", 20, 10, rect(40, 30, 1, 1), id="onto-the-opposite-corner"),
        pytest.param("sw", -50, 90, rect(0, 20, 40, 60), id="past-the-image"),
    ],
)
def test_resizing(modules: Page, handle: str, dx: float, dy: float, expected: dict[str, int]) -> None:
    assert call(modules, "geometry", "resized", rect(20, 20, 20, 10), handle, dx, dy, IMAGE) == expected


def test_moving_stops_at_the_image_and_keeps_the_size(modules: Page) -> None:
    assert call(modules, "geometry", "moved", rect(20, 20, 20, 10), 90, -90, IMAGE) == rect(80, 0, 20, 10)


def test_zooming_keeps_the_point_under_the_pointer(modules: Page) -> None:
    view, at = {"zoom": 1, "x": 10, "y": 20}, {"x": 60, "y": 50}
    enlarged = call(modules, "view", "zoomed", view, 3, at, 0.5)
    assert enlarged == {"zoom": 3, "x": -90, "y": -40}
    assert call(modules, "view", "toImage", enlarged, at) == {"x": 50, "y": 30}


@pytest.mark.parametrize(
    ("event", "combo"),
    [
        pytest.param({"key": "Enter", "code": "Enter"}, "Enter", id="named"),
        pytest.param({"key": "Z", "code": "KeyZ", "ctrlKey": True, "shiftKey": True}, "Ctrl+Shift+z", id="redo"),
        pytest.param({"key": "!", "code": "Digit1", "shiftKey": True}, "!", id="symbol"),
        pytest.param({"key": "&", "code": "Digit1"}, "1", id="digit-on-a-french-keyboard"),
        pytest.param({"key": "ち", "code": "KeyA"}, "a", id="letter-with-japanese-kana"),
        pytest.param({"key": "[", "code": "Digit5", "altKey": True, "shiftKey": True}, "[", id="bracket-by-alt"),
        pytest.param({"key": "z", "code": "KeyZ", "metaKey": True}, "Ctrl+z", id="command-key"),
    ],
)
def test_keys(modules: Page, event: dict[str, object], combo: str) -> None:
    without = {"ctrlKey": False, "metaKey": False, "altKey": False, "shiftKey": False}
    assert call(modules, "keys", "comboOf", {**without, **event}) == combo


@pytest.mark.parametrize(
    ("wanted", "language"),
    [(["ja-JP", "en"], "ja"), (["de-DE", "ja"], "ja"), (["fr"], "en"), (["en-GB", "ja"], "en")],
    ids=str,
)
def test_the_first_language_that_the_page_speaks(modules: Page, wanted: list[str], language: str) -> None:
    assert call(modules, "words", "chooseLanguage", wanted) == language


def test_classes_that_begin_with_the_letters_come_first(modules: Page) -> None:
    classes = [{"id": number, "name": name} for number, name in enumerate(["Walnut", "nut", "bolt", "Nutcracker"])]
    found = call(modules, "sidebar", "matchingClasses", classes, " NUT")
    assert [one["name"] for one in found] == ["nut", "Nutcracker", "Walnut"]


@pytest.mark.parametrize(("failures", "least", "most"), [(1, 375, 625), (3, 1500, 2500), (20, 7500, 12500)])
def test_retries_wait_longer_and_longer(modules: Page, failures: int, least: float, most: float) -> None:
    assert call(modules, "outbox", "retryDelay", failures, 0) == least
    assert call(modules, "outbox", "retryDelay", failures, 1) == most


@pytest.mark.parametrize(("color", "text"), [("#0072b2", "#ffffff"), ("#f0e442", "#000000"), ("#d55e00", "#000000")])
def test_names_are_readable_on_their_color(modules: Page, color: str, text: str) -> None:
    assert call(modules, "drawing", "textColor", color) == text


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        pytest.param("bolt 0.87", "bolt 0.87", id="short"),
        pytest.param("hexagon head cap screw 0.87", "hexagon head cap s… 0.87", id="keeps-the-score"),
        pytest.param("\U0001f529" * 30, "\U0001f529" * 18 + "…" + "\U0001f529" * 5, id="whole-characters"),
    ],
)
def test_a_tag_is_no_longer_than_it_may_be(modules: Page, label: str, expected: str) -> None:
    assert call(modules, "drawing", "shortened", label) == expected
