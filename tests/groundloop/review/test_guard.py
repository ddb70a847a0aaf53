"""Attacks on the server are refused, and nothing changes."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from groundloop.errors import UserError
from groundloop.review.guard import Origins
from groundloop.review.queue import Queue
from tests.groundloop.review.conftest import PageClient, answer

HOST = "127.0.0.1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Cookie": None}, 401, id="no session"),
        pytest.param({"Cookie": "groundloop-week-47=guessed"}, 401, id="guessed session"),
        pytest.param({"Host": "evil.example"}, 403, id="foreign host (DNS rebinding)"),
        pytest.param({"Host": "127.0.0.1"}, 403, id="host without the port"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="foreign origin"),
        pytest.param({"Origin": "null"}, 403, id="origin of a sandbox"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="another port of this host"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, 403, id="form post"),
        pytest.param({"Content-Type": "text/plain"}, 403, id="text as no-cors fetch sends it"),
        pytest.param({"Content-Type": None}, 403, id="no type"),
        pytest.param({"X-Groundloop": None}, 403, id="no own header"),
    ],
)
def test_changes_from_elsewhere_are_refused(
    queue: Queue, page: PageClient, headers: dict[str, str | None], status: int
) -> None:
    received, body, _ = page.send("POST", "/answers", answer(1), headers)
    assert received == status
    assert body["error"]
    assert not list(queue.answers.counted())


@pytest.mark.parametrize("path", ["/queue", "/tasks/1", "/images/1"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Cookie": None}, 401, id="no session"),
        pytest.param({"Host": "evil.example"}, 403, id="foreign host"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="embedded elsewhere"),
    ],
)
def test_reading_from_elsewhere_is_refused(
    page: PageClient, path: str, headers: dict[str, str | None], status: int
) -> None:
    assert page.send("GET", path, headers=headers)[0] == status


@pytest.mark.parametrize("token", ["", "guess", "x" * 10_000])
def test_a_wrong_invitation_opens_nothing(url: str, token: str) -> None:
    status, body, headers = PageClient(url).send("POST", "/session", {"token": token})
    assert status == 401
    assert "new link" in body["error"]
    assert "Set-Cookie" not in headers


def test_a_body_that_is_too_large_is_refused(page: PageClient) -> None:
    assert page.send("POST", "/answers", answer(1, comment="x" * 1_000_001))[0] == 413


def test_a_body_that_hides_its_size_is_refused(page: PageClient, url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    headers = {"Content-Type": "application/json", "X-Groundloop": "1", "Cookie": page.cookie}
    connection.request("POST", "/answers", iter([b"x" * 200_000] * 6), headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize(
    "path", ["/page/../server.py", "/page/%2e%2e/server.py", "/page//etc/passwd", "/page/..%2fserver.py"]
)
def test_no_file_outside_of_the_page_is_sent(page: PageClient, path: str) -> None:
    assert page.send("GET", path)[0] == 404


def test_no_image_outside_of_the_folder_is_sent(queue: Queue, page: PageClient, image_folder: Path) -> None:
    (image_folder.parent / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    with queue.database.writing() as connection:
        connection.execute("UPDATE task SET source_ref = '../secret.png' WHERE id = 1")
    status, body, _ = page.send("GET", "/images/1")
    assert status == 422
    assert "there is no file" in body["error"]


def test_every_response_forbids_scripts_and_frames_of_others(page: PageClient) -> None:
    for path in ("/queue", "/images/1", "/nowhere"):
        headers = page.send("GET", path)[2]
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in headers


def test_hostile_names_come_as_they_are_and_as_json_only(queue: Queue, page: PageClient) -> None:
    name = "<img src=x onerror=alert(1)>\u202e.png"
    with queue.database.writing() as connection:
        connection.execute("UPDATE task SET source_ref = ? WHERE id = 1", (name,))
    _, body, headers = page.send("GET", "/tasks/1")
    assert body["name"] == name
    assert headers["Content-Type"] == "application/json"


def test_a_proxys_address_is_allowed_when_named() -> None:
    origins = Origins.of(HOST, 8700, behind="https://Review.example.com/proxy/8700/")
    assert "https://review.example.com" in origins.allowed
    assert "review.example.com" in origins.hosts
    assert "127.0.0.1:8700" in origins.hosts


def test_a_proxys_address_has_to_be_a_url() -> None:
    with pytest.raises(UserError, match="--behind"):
        Origins.of(HOST, 8700, behind="review.example.com")
