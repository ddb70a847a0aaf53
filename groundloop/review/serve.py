"""Running the review server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from groundloop.errors import UserError
from groundloop.review.guard import Origins
from groundloop.review.queue import Queue
from groundloop.review.server import review_app

LOOPBACK = "127.0.0.1"
_LOOPBACKS = frozenset({LOOPBACK, "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens, and where people open it.

    Attributes:
        port: 0 takes a free one.
        certificate, key: files in PEM for HTTPS.
        behind: URL of a proxy in front of it, which speaks HTTPS.
        unencrypted: whether plain HTTP is taken beyond this machine.

    Raises:
        UserError: an address beyond this machine without HTTPS.
    """

    host: str = LOOPBACK
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    behind: str | None = None
    unencrypted: bool = False

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise UserError("--tls-cert and --tls-key go together")
        if not (self.is_loopback or self.certificate or self.behind or self.unencrypted):
            raise UserError(
                f"--host {self.host} opens the page to other machines, where tokens and images would travel in the "
                "clear: give --tls-cert and --tls-key, or --behind with the https URL of a proxy, or forward the port "
                "by SSH"
            )
        for file in (self.certificate, self.key):
            if file is not None and not file.is_file():
                raise UserError(f"{file} does not exist: give the certificate and the key as PEM files")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in _LOOPBACKS

    def url(self, port: int) -> str:
        """Return the URL of the page."""
        if self.behind:
            return self.behind.rstrip("/") + "/"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{port}/"


@contextmanager
def serving(queue: Queue, address: Address) -> Iterator[str]:
    """Serve a queue in a thread while the body runs; provides the URL of the page.

    Raises:
        UserError: the port is taken or the address is not this machine's.
    """
    with serving_app(lambda origins: review_app(queue, origins), address) as port:
        yield address.url(port)


@contextmanager
def serving_app(app: Callable[[Origins], ASGIApp], address: Address) -> Iterator[int]:
    """Serve an application in a thread while the body runs; provides the port.

    Args:
        app: makes the application for the origins under which it may be opened.
        address: where it listens.

    Raises:
        UserError: the port is taken or the address is not this machine's.
    """
    listener = _listen(address)
    port = int(listener.getsockname()[1])
    origins = Origins.of(address.host, port, tls=address.certificate is not None, behind=address.behind)
    config = uvicorn.Config(
        app(origins),
        log_level="error",
        access_log=False,
        # Its own would switch on the loggers that others have switched off.
        log_config=None,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
    )
    server = _Server(config)
    # Its signal handlers are for the main thread only; there, Ctrl-C ends the body.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="review-server", daemon=True)
    thread.start()
    try:
        yield port
    finally:
        server.stop()
        thread.join()
        listener.close()


class _Server(uvicorn.Server):
    """A server that ends when it is told to: uvicorn's looks ten times a second, and waits where there is nothing."""

    _loop: asyncio.AbstractEventLoop | None = None
    _told: asyncio.Event

    def stop(self) -> None:
        """Let the requests under way end, and then the server; called from another thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        """Serve until told to stop."""
        self._told = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        waiting = [asyncio.ensure_future(super().main_loop()), asyncio.ensure_future(self._told.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close idle connections; where requests are under way, wait for them as uvicorn does."""
        for listening in self.servers:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)  # closed transports tell their connections in the next round
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)


def invitations(queue: Queue, reviewers: Sequence[str], url: str) -> dict[str, str]:
    """Return a new invitation link for each reviewer; the token is in the fragment, which no server or log sees."""
    return {reviewer: f"{url}#{queue.reviewers.invite(reviewer)}" for reviewer in reviewers}


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UserError(
            f"the page can't be served on {address.host}:{address.port}: {error.strerror}; take another --port"
        ) from None
    return listener
