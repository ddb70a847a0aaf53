"""Hostile names are text, the session is needed, and a picture's pixels are the stored ones."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from groundloop.images.size import EXIF_ORIENTATION
from groundloop.review.queue import NewTask
from groundloop.review.wire import Shown, ShownBox
from tests.groundloop.review.page.conftest import Reviewing

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202e"


def test_hostile_names_are_shown_as_text(reviewing: Callable[..., Reviewing], tmp_path: Path) -> None:
    (tmp_path / "photos-0").mkdir()
    name = "'\"><svg onload=alert(3)>.png"
    Image.new("RGB", (64, 48)).save(tmp_path / "photos-0" / name)
    box = ShownBox(class_id=0, left=4, top=4, width=20, height=20, score=0.8)
    task = NewTask(
        source_ref=name, width=64, height=48, shown=Shown.MODEL, boxes=(box,), why=(HOSTILE,), expected_mistakes=0.1
    )
    page = reviewing([task], classes=(HOSTILE, "nut"), instructions=HOSTILE, name="<b>week</b>").open(HOSTILE[:30])
    for place in ("#why li", "#instructions"):
        assert page.page.locator(place).text_content() == HOSTILE
    assert page.page.locator("#class-list .name").first.text_content() == HOSTILE
    assert page.page.locator("#image-name").text_content() == name
    tag = page.page.locator(".tag-text").text_content() or ""
    start, _, end = tag.partition("…")  # a box's tag has little room
    assert HOSTILE.startswith(start)
    assert len(start) > 10
    assert end.endswith("0.80")
    assert page.page.locator("main img, aside b, header b, script:not([src])").count() == 1  # the picture
    page.answer()
    page.saved()


def test_the_token_leaves_the_address_and_the_session_stays(reviewing: Callable[..., Reviewing]) -> None:
    page = reviewing(2).open()
    assert page.page.url == page.url
    page.page.reload()
    page.page.wait_for_selector("body[data-state=ready]")


def test_without_an_invitation_the_page_says_where_to_get_one(reviewing: Callable[..., Reviewing]) -> None:
    page = reviewing(2)
    page.page.goto(page.url)
    page.page.wait_for_selector("body[data-state=session]")
    assert "groundloop review serve" in page.page.locator("#notice").inner_text()
    page.page.goto(f"{page.url}#wrong")
    page.page.get_by_text("not valid any more").wait_for()


def test_a_session_that_ends_keeps_the_answers_until_the_next_invitation(reviewing: Callable[..., Reviewing]) -> None:
    page = reviewing(6).open()
    page.queue.reviewers.revoke("ann")
    page.answer()
    page.page.wait_for_selector("#saved[data-state=session]")
    page.open()
    page.saved()
    assert list(page.stored()) == [1]


@pytest.fixture
def s3_of_photos(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 with the bucket `bucket`, which holds the photos and can only be read."""
    (tmp_path / "bucket").symlink_to(photos)
    handler = functools.partial(QuietFiles, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
        yield address
        server.shutdown()


class QuietFiles(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_presigned_images_come_from_s3_within_the_policy(
    reviewing: Callable[..., Reviewing], s3_of_photos: str
) -> None:
    tasks = [NewTask(source_ref=f"s3://bucket/{number:02}.jpg", width=320, height=240) for number in range(2)]
    page = reviewing(tasks, images=None, region="us-east-1", image_access="presigned").open()
    for number in range(2):
        assert page.page.evaluate("document.querySelector('#picture img').naturalWidth") == 320
        assert page.task == number + 1
        page.answer("n")
    page.saved()
    elsewhere = [address for address in page.requests if not address.startswith(page.url)]
    assert {address.partition("?")[0] for address in elsewhere} == {f"{s3_of_photos}/bucket/{n:02}.jpg" for n in (0, 1)}
    page.requests[:] = [address for address in page.requests if address not in elsewhere]


def test_a_box_on_a_rotated_photo_lands_on_the_stored_pixels(
    reviewing: Callable[..., Reviewing], tmp_path: Path
) -> None:
    # Stored lying, with a red mark of 40 x 20 pixels; its EXIF orientation 6 tells viewers to turn it.
    (tmp_path / "photos-0").mkdir()
    picture = Image.new("RGB", (320, 240), "white")
    picture.paste("red", (200, 60, 240, 80))
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    picture.save(tmp_path / "photos-0" / "turned.jpg", exif=exif)
    page = reviewing([NewTask(source_ref="turned.jpg", width=320, height=240)]).open()
    seen = page.page.evaluate(
        """() => {
          const image = document.querySelector("#picture img");
          const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          return [image.naturalWidth, [...context.getImageData(220, 70, 1, 1).data].slice(0, 3)];
        }"""
    )
    assert seen[0] == 320
    assert seen[1][0] > 200
    assert max(seen[1][1:]) < 60
    page.drag((200, 60), (240, 80))
    page.answer()
    page.saved()
    assert page.stored()[1][1] == [(0, 200, 60, 40, 20, None)]
