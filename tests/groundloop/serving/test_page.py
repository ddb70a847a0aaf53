"""The page in a browser: a picture is chosen or dropped, its boxes are drawn and counted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from groundloop.portable.onnx_detector import OnnxDetector
from tests.fixtures.browser import new_context
from tests.fixtures.exported_models import CLASSES, PACKAGE, THRESHOLDS

#: Drops a file as the system does.
_DROP = """([bytes, name]) => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
  const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files });
  document.querySelector("#drop").dispatchEvent(drop);
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The page, on which nothing may fail or be blocked by its policy."""
    context = new_context(browser)
    opened = context.new_page()
    problems: list[Any] = []
    opened.on("pageerror", lambda error: problems.append(error))
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.goto(url)
    opened.locator("#counts tr").nth(len(CLASSES) - 1).wait_for()
    yield opened
    context.close()
    # Chromium reports each response with an error status, such as that to the file that is no picture.
    assert [one for one in problems if "status of 400" not in str(one)] == []


def _counts(page: Page) -> dict[str, int]:
    rows = page.locator("#counts tr")
    cells = [rows.nth(number).locator("th, td").all_inner_texts() for number in range(rows.count())]
    return {name: int(count) for name, _, count in cells}


def test_a_chosen_picture_is_drawn_and_counted(page: Page, scene: bytes, onnx_detector: OnnxDetector) -> None:
    assert page.locator("#origin").inner_text() == f"{PACKAGE} · 160 × 160"  # noqa: RUF001
    page.locator("#file").set_input_files({"name": "one.jpg", "mimeType": "image/jpeg", "buffer": scene})
    page.locator("body[data-shown='one.jpg']").wait_for()
    found = onnx_detector.detect(scene)
    expected = found.filter(THRESHOLDS).count()
    assert _counts(page) == expected
    assert int(page.locator("#total").inner_text()) == sum(expected.values()) > 0
    assert page.locator("#overlay .box").count() == sum(expected.values())
    assert page.locator("#overlay").get_attribute("viewBox") == "0 0 320 240"
    assert page.locator("#picture").evaluate("one => one.naturalWidth") == 320

    page.locator("#threshold").fill("0.9")
    assert _counts(page) == found.filter(0.9).count()
    assert page.locator("#overlay .box").count() == len(found.filter(0.9))
    page.locator("#operating").click()
    assert _counts(page) == expected


def test_a_dropped_picture_replaces_it(page: Page, onnx_detector: OnnxDetector) -> None:
    content = io.BytesIO()
    Image.new("RGB", (90, 60), "#446688").save(content, "JPEG")
    page.evaluate(_DROP, [list(content.getvalue()), "two.jpg"])
    page.locator("body[data-shown='two.jpg']").wait_for()
    assert page.locator("#overlay").get_attribute("viewBox") == "0 0 90 60"
    assert _counts(page) == onnx_detector.detect(content.getvalue()).filter(THRESHOLDS).count()


def test_what_is_no_picture_is_said(page: Page) -> None:
    page.evaluate(_DROP, [list(b"hello"), "three.jpg"])
    page.locator("#status.error").wait_for()
    assert page.locator("#status").inner_text() == "the 5 bytes are not an image that can be decoded"
    assert page.locator("#picture").is_visible() == (page.locator("body.shown").count() == 1)


def test_a_format_that_the_browser_cannot_show_has_its_boxes(page: Page, scene: bytes) -> None:
    content = io.BytesIO()
    Image.open(io.BytesIO(scene)).save(content, "TIFF")
    page.locator("#file").set_input_files({"name": "four.tif", "mimeType": "image/tiff", "buffer": content.getvalue()})
    page.locator("body[data-shown='four.tif']").wait_for()
    assert not page.locator("#picture").is_visible()
    assert page.locator("#overlay .box").count() > 0
    assert page.locator("#overlay").bounding_box()["height"] > 100  # type: ignore[index]
