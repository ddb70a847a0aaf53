"""What the package's web servers share: security headers, bodies within a limit, and errors as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Send

ErrorHandlers = dict[int | type[Exception], Callable[[Request, Exception], Awaitable[Response]]]


class RequestError(Exception):
    """A request that gets an error as its response.

    Args:
        status: of the response.
        text: what is wrong, and what to do.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def json_response(value: object) -> Response:
    """Return a value as JSON."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def error_response(status: int, text: str, more: Mapping[str, object] | None = None) -> Response:
    """Return an error as the pages and the endpoint's container have it, with what else is said of it."""
    return Response(msgspec.json.encode({"error": text, **(more or {})}), status, media_type="application/json")


def error_handlers(*, failed: str, not_found: str, statuses: Mapping[type[Exception], int]) -> ErrorHandlers:
    """Return the exception handlers of an application; each answers in one line.

    Args:
        failed: what is said after an error that nobody expects.
        not_found: what is said at an address without a route.
        statuses: of the exceptions whose message is the answer.
    """
    return {
        Exception: _fixed(500, failed),
        404: _fixed(404, not_found),
        405: _fixed(405, "this address does not take that method"),
        RequestError: _request_error,
        **{kind: _fixed(status) for kind, status in statuses.items()},
    }


def security_headers(images: Iterable[str] = ()) -> dict[str, str]:
    """Return the headers that keep a page from loading or being loaded by anything foreign.

    Args:
        images: origins or schemes, besides the page's own, from which it may show images.
    """
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        " ".join(("img-src 'self'", *sorted(images))),
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
    return {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": "; ".join(policy),
    }


def with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Return a `send` that adds headers to the response, which is not cached unless it says so itself."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent = MutableHeaders(scope=message)
            for name, value in headers.items():
                sent[name] = value
            sent.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """Read a request's body; None when it has more bytes than `limit`."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the client has gone
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body"):
            return bytes(body)


def received(body: bytes) -> Receive:
    """Return a `receive` that gives a body that was read before."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _fixed(status: int, text: str | None = None) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_: Request, error: Exception) -> Response:
        return error_response(status, " ".join(str(error).split()) if text is None else text)

    return answer


async def _request_error(_: Request, error: Exception) -> Response:
    return error_response(getattr(error, "status", 400), str(error))
