"""Browsers read images in S3 by themselves, but only upright JPEG and PNG, one at a time, and not for long."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from groundloop.images.size import EXIF_ORIENTATION
from groundloop.review.presigned import EXPIRY_SECONDS, PresignedUrls
from groundloop.review.queue import NewTask, Queue
from groundloop.review.serve import Address, serving
from tests.groundloop.review.conftest import Clock, PageClient

HOST = "https://bucket.s3.amazonaws.com"
HOSTILE = "s3://b;script-src *//x.jpg"


def encoded(encoding: str, orientation: int = 1, size: tuple[int, int] = (40, 30)) -> bytes:
    """Return an encoded image."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    stream = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(stream, encoding, exif=exif)
    return stream.getvalue()


OBJECTS = {
    "upright.jpg": encoded("JPEG"),
    "turned.jpg": encoded("JPEG", orientation=6),
    "upright.png": encoded("PNG"),
    "turned.png": encoded("PNG", orientation=3),
    "script.jpg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "large.jpg": encoded("JPEG", size=(2100, 30)),
}
TASKS = {name: number for number, name in enumerate(OBJECTS, start=1)}


@pytest.fixture
def page(s3: Any, new_queue: Callable[..., Queue]) -> Iterator[PageClient]:
    """The page of a queue whose images are in S3, opened by ann."""
    for name, body in OBJECTS.items():
        s3.put_object(Bucket="bucket", Key=f"photos/{name}", Body=body, ContentType="image/svg+xml")
    references = [f"s3://bucket/photos/{name}" for name in OBJECTS]
    tasks = [NewTask(source_ref=one, width=40, height=30) for one in [*references, HOSTILE]]
    queue = new_queue(tasks, images=None, region="us-east-1", image_access="presigned")
    with serving(queue, Address()) as url:
        client = PageClient(url)
        client.sign_in(queue.reviewers.invite("ann"))
        yield client


def asked(page: PageClient, name: str, rendition: str = "") -> tuple[int, str | None]:
    """Ask for an image; return the status and where it is."""
    status, _, headers = page.send("GET", f"/images/{TASKS[name]}{rendition}")
    return status, headers["Location"]


@pytest.mark.parametrize(
    ("name", "rendition", "status"),
    [
        pytest.param("upright.jpg", "", 307, id="an upright JPEG"),
        pytest.param("upright.png", "", 307, id="an upright PNG"),
        pytest.param("upright.jpg", "/preview", 307, id="a preview that is no smaller"),
        pytest.param("turned.jpg", "", 200, id="a JPEG that browsers would turn"),
        pytest.param("turned.png", "", 200, id="a PNG that browsers would turn"),
        pytest.param("large.jpg", "/preview", 200, id="a preview"),
        pytest.param("large.jpg", "", 307, id="the large image itself"),
        pytest.param("script.jpg", "", 422, id="an SVG under another name"),
    ],
)
def test_only_what_browsers_show_as_it_is_stored_is_read_from_s3(
    page: PageClient, name: str, rendition: str, status: int
) -> None:
    assert asked(page, name, rendition)[0] == status


def test_a_url_is_for_one_object_as_an_image_and_expires(page: PageClient) -> None:
    _, location = asked(page, "upright.jpg")
    parts = urlsplit(location or "")
    query = parse_qs(parts.query)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{HOST}/photos/upright.jpg"
    assert query["X-Amz-Expires"] == [str(EXPIRY_SECONDS)]
    assert query["response-content-type"] == ["image/jpeg"], "whatever the object says of itself"
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert asked(page, "upright.jpg")[1] == location, "the browser's cache knows it"


def test_the_redirect_itself_is_not_kept(page: PageClient) -> None:
    _, _, headers = page.send("GET", f"/images/{TASKS['upright.jpg']}")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_policy_allows_the_buckets_host_for_images_and_nothing_else(page: PageClient) -> None:
    _, _, headers = page.send("GET", "/")
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy.pop("img-src") == f"'self' {HOST}"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not [sources for sources in policy.values() if "http" in sources or "*" in sources]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Cookie": None}, id="without a session"),
        pytest.param({"Cookie": "groundloop-0=guess"}, id="with another cookie"),
        pytest.param({"Host": "evil.example"}, id="under another host"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="from another page"),
    ],
)
def test_nobody_else_gets_a_url(page: PageClient, changes: dict[str, str | None]) -> None:
    status, body, headers = page.send("GET", f"/images/{TASKS['upright.jpg']}", headers=changes)
    assert status in (401, 403)
    assert headers["Location"] is None
    assert "X-Amz" not in str(body)


def test_an_impossible_bucket_gets_no_url_and_no_place_in_the_policy(page: PageClient) -> None:
    status, _, headers = page.send("GET", f"/images/{len(TASKS) + 1}")
    assert status in (422, 502)
    assert headers["Location"] is None
    assert "script-src *" not in headers["Content-Security-Policy"]


def test_images_on_disk_stay_with_the_server(new_queue: Callable[..., Queue]) -> None:
    queue = new_queue(image_access="presigned")
    with serving(queue, Address()) as url:
        client = PageClient(url)
        client.sign_in(queue.reviewers.invite("ann"))
        status, _, headers = client.send("GET", "/images/1")
    assert status == 200
    assert "img-src 'self';" in headers["Content-Security-Policy"]


def test_urls_are_made_anew_before_they_expire(s3: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = PresignedUrls("us-east-1", clock, s3)
    urls.allow(["s3://bucket/a.jpg"])
    generate = Mock(wraps=s3.generate_presigned_url)
    monkeypatch.setattr(s3, "generate_presigned_url", generate)
    for seconds in (0, EXPIRY_SECONDS / 2 - 1, 2):
        clock.now += seconds
        assert urls.url("s3://bucket/a.jpg", "image/jpeg")
    assert generate.call_count == 2
    assert urls.url("s3://other-bucket/a.jpg", "image/jpeg") is None, "its host is not in the policy"
