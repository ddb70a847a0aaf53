"""What every request to the review server has to pass: hosts, origins, sizes; and the headers of every response."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from groundloop.errors import UserError
from groundloop.review.problems import Problem
from groundloop.web_app import error_response, read_body, received, security_headers, with_headers

MAX_BODY_BYTES = 1_000_000
#: The header that only a page of the same origin can send without asking first.
CLIENT_HEADER = "x-groundloop"


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins under which the page is opened.

    Attributes:
        allowed: such as `http://127.0.0.1:8700`.
    """

    allowed: frozenset[str]

    @classmethod
    def of(cls, host: str, port: int, *, tls: bool = False, behind: str | None = None) -> Origins:
        """Return the origins of a server.

        Args:
            host, port: what it listens on.
            tls: whether it speaks HTTPS itself.
            behind: URL of a proxy in front of it.

        Raises:
            UserError: the proxy's URL has no scheme or host.
        """
        scheme = "https" if tls else "http"
        names = {host, "127.0.0.1", "localhost"} if host in ("127.0.0.1", "localhost", "::1", "0.0.0.0") else {host}  # noqa: S104
        origins = {f"{scheme}://{_bracketed(name)}:{port}" for name in names}
        if behind:
            parts = urlsplit(behind)
            if parts.scheme not in ("http", "https") or not parts.netloc:
                raise UserError(
                    f"--behind {behind!r}: give the URL that people open, such as https://review.example.com"
                )
            origins.add(f"{parts.scheme}://{parts.netloc.lower()}")
        return cls(frozenset(origins))

    @property
    def hosts(self) -> frozenset[str]:
        """Host headers that fit."""
        return frozenset(urlsplit(origin).netloc for origin in self.allowed)


class Guard:
    """ASGI middleware that lets only requests of the page itself pass.

    A foreign Host means that a name was bound to this address to get past the browser (DNS rebinding); a foreign
    Origin, that another page sends the request (CSRF).
    """

    def __init__(self, app: ASGIApp, origins: Origins, public: Sequence[str], images: Collection[str] = ()) -> None:
        """Make the guard.

        Args:
            app: the application behind it.
            origins: under which the page is opened.
            public: paths that other pages may ask for.
            images: other origins from which the page may show images.
        """
        self._app = app
        self._headers = security_headers(images)
        self._origins = origins
        self._hosts = origins.hosts
        self._public = tuple(public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        send = with_headers(send, self._headers)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif scope["method"] != "POST":
            await self._app(scope, receive, send)
        elif (body := await read_body(receive, MAX_BODY_BYTES)) is None:
            await _too_large()(scope, receive, send)
        else:
            await self._app(scope, received(body), send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self._hosts:
            return problem_response(403, Problem("wrong_address"))
        public = scope["path"] == "/" or scope["path"].startswith(self._public)
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and not public:
            return problem_response(403, Problem("foreign_page"))
        if scope["method"] in ("GET", "HEAD"):
            return None
        if headers.get("origin") is not None and headers["origin"].lower() not in self._origins.allowed:
            return problem_response(403, Problem("foreign_page"))
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return problem_response(403, Problem("content_type"))
        if headers.get(CLIENT_HEADER) != "1":
            return problem_response(403, Problem("header_missing"))
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return _too_large()
        return None


def problem_response(status: int, problem: Problem) -> Response:
    """Return the response that says what is wrong, with the code by which the page knows it."""
    return error_response(status, problem.text, {"code": problem.code, "values": dict(problem.values)})


def _too_large() -> Response:
    return problem_response(413, Problem("request_too_large", {"limit": MAX_BODY_BYTES}))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
