"""What web servers share: bodies within a limit, headers, errors in one line."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from starlette.types import Message

from groundloop.web_app import read_body, received, security_headers, with_headers

Result = TypeVar("Result")


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a thread of its own: the browser tests keep an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@pytest.mark.parametrize(
    ("chunks", "body"),
    [
        pytest.param([b"abc"], b"abc", id="one chunk"),
        pytest.param([b"ab", b"c"], b"abc", id="two chunks"),
        pytest.param([b"abcd"], b"abcd", id="as many as the limit"),
        pytest.param([b"abc", b"de"], None, id="more than the limit"),
        pytest.param([], b"", id="the client has gone"),
    ],
)
def test_a_body_is_read_up_to_its_limit(chunks: list[bytes], body: bytes | None) -> None:
    last = len(chunks) - 1
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": index < last} for index, chunk in enumerate(chunks)
    ]
    messages.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return messages.pop(0)

    assert run(read_body(receive, 4)) == body


def test_a_body_that_was_read_is_received_again() -> None:
    assert run(read_body(received(b"abc"), 4)) == b"abc"


@pytest.mark.parametrize(
    ("own", "cached"),
    [
        pytest.param([], b"no-store", id="not cached"),
        pytest.param([(b"cache-control", b"no-cache")], b"no-cache", id="the response's own"),
    ],
)
def test_responses_get_headers(own: list[tuple[bytes, bytes]], cached: bytes) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    message: Message = {"type": "http.response.start", "status": 200, "headers": own}

    async def respond() -> None:
        await with_headers(send, security_headers(["blob:"]))(message)

    run(respond())
    headers = dict(sent[0]["headers"])
    assert headers[b"cache-control"] == cached
    assert b"img-src 'self' blob:;" in headers[b"content-security-policy"]
