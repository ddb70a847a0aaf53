"""What goes wrong between here and another tool's server, said in one line with what to do."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from groundloop.errors import UserError
from groundloop.review.exchange.http import AGAIN, ToolServer, checked_url
from groundloop.review.exchange.label_studio.push import LabelStudioLink
from groundloop.review.exchange.link import locked, read_link
from groundloop.review.exchange.tools import Connection, Tool, pull, push
from groundloop.review.queue import Queue
from tests.groundloop.review.exchange.fake_label_studio import FakeLabelStudio
from tests.groundloop.review.exchange.fake_server import URL, Request, Response


class Answering(FakeLabelStudio):
    """A server that gives its prepared answers, one for each request."""

    def __init__(self, *responses: Response) -> None:
        super().__init__()
        self.responses = list(responses)
        self.routes = [(method, ".*", self._next) for method in ("GET", "POST", "PUT")]

    def checked(self, path: str, request: Request) -> None:
        """Accept every token."""

    def _next(self, request: Request) -> Response:
        return self.responses.pop(0)


Ask = Callable[..., tuple[object, Answering]]


@pytest.fixture
def ask() -> Ask:
    """Send a request to a server that answers so."""

    def send(*responses: Response, method: str = "GET") -> tuple[object, Answering]:
        server = Answering(*responses)
        client = ToolServer("Tool", URL, "TOOL_TOKEN", server, server.pauses.append)
        return client.send(method, "/api/x?page=2", dict[str, int], b"{}" if method != "GET" else None), server

    return send


def test_reading_is_repeated_while_the_server_is_busy_for_as_long_as_it_says(ask: Ask) -> None:
    slow = Response(429, headers={"Retry-After": "7"})
    content, server = ask(slow, Response(503), Response(content={"a": 1}))
    assert (content, server.pauses) == ({"a": 1}, [7.0, 2.0])


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_changes_are_repeated_only_when_they_were_not_done(method: str, ask: Ask) -> None:
    content, server = ask(Response(429), Response(content={"a": 1}), method=method)
    assert (content, server.pauses) == ({"a": 1}, [1.0])
    with pytest.raises(UserError, match=f"HTTP 502: no reason given; {AGAIN}"):
        ask(Response(502, b"<html>"), method=method)


def test_reading_ends_after_five_attempts(ask: Ask) -> None:
    with pytest.raises(UserError, match=f"Tool at {URL}: GET /api/x: HTTP 503: down; {AGAIN}"):
        ask(*[Response(503, {"detail": "down"})] * 5)


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Response(401, {"detail": "Invalid\ntoken."}), r"refuses the token in TOOL_TOKEN \(Invalid token\.\)"),
        (Response(403, {"detail": "no"}), r"denies GET /api/x to the owner of TOOL_TOKEN \(no\): use the token of"),
        (Response(302, headers={"Location": "https://b/"}), "redirects to https://b/: give the address"),
        (Response(400, {"name": ["too long"], "size": [1]}), "HTTP 400: name: too long; size: 1"),
        (Response(content=b"<html>"), "does not answer GET /api/x as Tool does .*check --url and the server's version"),
        (Response(content={"a": "x"}), r"does not answer GET /api/x as Tool does \(Expected `int`"),
        (Response(404, b"\x1b[2J" + b"x" * 5000), "HTTP 404: .{300}$"),
    ],
    ids=["token", "permission", "redirect", "fields", "a page", "other content", "a long text"],
)
def test_a_refusal_is_one_line(response: Response, message: str, ask: Ask) -> None:
    with pytest.raises(UserError, match=message) as caught:
        ask(response)
    assert str(caught.value).isprintable()


def test_a_server_that_is_not_there_is_said(queue: Queue) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(UserError, match=f"Label Studio at {url} can't be reached: .*Connection refused: check --url"):
        push(queue, Tool.LABEL_STUDIO, Connection(url))


def test_another_server_is_said(queue: Queue) -> None:
    with pytest.raises(UserError, match=f"{URL} is not CVAT: it has no /api/server/about: check --url"):
        push(queue, Tool.CVAT, Connection(URL, transport=Answering(Response(404, b"<html>"))))


@pytest.mark.parametrize("token", ["", "two words", "tökén"])
def test_a_missing_or_odd_token_is_said_and_never_shown(
    token: str, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CVAT_ACCESS_TOKEN", token)
    with pytest.raises(UserError, match="CVAT_ACCESS_TOKEN") as caught:
        push(queue, Tool.CVAT, Connection(URL))
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["tool:8080", "ftp://tool", "http://", "http://a:x", "http://u:secret@tool", "http://tool/?a=1", "http://t\n"],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="--url") as caught:
        checked_url(url)
    assert "secret" not in str(caught.value)


def test_the_address_is_kept_and_another_one_is_refused(studio: FakeLabelStudio, queue: Queue) -> None:
    with pytest.raises(UserError, match="give --url"):
        push(queue, Tool.LABEL_STUDIO, Connection(transport=studio))
    push(queue, Tool.LABEL_STUDIO, Connection(f"{URL}/", transport=studio))
    pull(queue, Tool.LABEL_STUDIO, Connection(transport=studio))
    with pytest.raises(UserError, match=f"the queue was pushed to {URL}, not to http://elsewhere"):
        pull(queue, Tool.LABEL_STUDIO, Connection("http://elsewhere", transport=studio))


def test_the_link_has_no_token_and_a_damaged_one_is_said(studio: FakeLabelStudio, queue: Queue) -> None:
    push(queue, Tool.LABEL_STUDIO, Connection(URL, transport=studio))
    path = queue.database.path.parent / "label-studio.json"
    assert set(json.loads(path.read_bytes())) == {"url", "key", "deleting", "project"}
    assert read_link(path, LabelStudioLink) == msgspec.json.decode(path.read_bytes(), type=LabelStudioLink)
    path.write_bytes(b'{"url": 1}')
    with pytest.raises(UserError, match="restore it, or delete it to push the queue anew"):
        read_link(path, LabelStudioLink)


def test_two_pushes_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cvat.json"
    with locked(path), pytest.raises(UserError, match="by another process: wait"), locked(path):
        raise AssertionError
