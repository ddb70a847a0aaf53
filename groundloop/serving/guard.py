"""What every request to the server has to pass: hosts, origins, sizes; and the headers of every response."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from groundloop.web_app import error_response, read_body, received, security_headers, with_headers

#: Cameras' largest pictures; the endpoint itself takes less.
MAX_BODY_BYTES = 32 * 2**20
#: Bodies that are held in memory at a time.
MAX_REQUESTS = 16

#: The page shows the image that was chosen there.
_HEADERS = security_headers(images=("blob:",))


class AllowedHosts:
    """The names under which the server may be called.

    A foreign name means that a page bound its own name to this address to get past the browser (DNS rebinding). That
    needs a name, so beyond this machine every numeric address is allowed.

    Args:
        host: what the server listens on.
        names: further names, such as that of a proxy.
        loopback: whether it listens on this machine only.
    """

    def __init__(self, host: str, names: Iterable[str] = (), *, loopback: bool = True) -> None:
        own = ("localhost", "127.0.0.1", "::1", *(() if loopback else (socket.gethostname(),)))
        self._names = frozenset(name.lower() for name in (host, *own, *names))
        self._numeric = not loopback

    def allow(self, header: str) -> bool:
        """Tell whether a Host header is one of them, whatever its port."""
        try:
            name = urlsplit(f"//{header}").hostname or ""
        except ValueError:
            return False
        return name in self._names or (self._numeric and _is_address(name))


class Guard:
    """ASGI middleware that passes requests of programs and of the server's own page, within their limits."""

    def __init__(self, app: ASGIApp, hosts: AllowedHosts) -> None:
        self._app = app
        self._hosts = hosts
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        send = with_headers(send, _HEADERS)
        refusal = self._refusal(Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._running += 1
        try:
            await self._pass_on(scope, receive, send)
        finally:
            self._running -= 1

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, MAX_BODY_BYTES) if scope["method"] == "POST" else b""
        if body is None:
            await _too_large()(scope, receive, send)
        else:
            await self._app(scope, received(body), send)

    def _refusal(self, headers: Headers) -> Response | None:
        host = headers.get("host", "").lower()
        if not self._hosts.allow(host):
            return error_response(
                403, "the server is not called by this name: use its address, or allow it with --allow-host"
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin.lower()).netloc != host:
            return error_response(403, "another page sent this request")
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return error_response(403, "another page sent this request")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return _too_large()
        if self._running >= MAX_REQUESTS:
            return error_response(503, f"{MAX_REQUESTS} requests are being served: try again in a moment")
        return None


def _too_large() -> Response:
    return error_response(413, f"the body is larger than {MAX_BODY_BYTES} bytes")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
