"""A threaded HTTP/1.1 server of one WSGI application on the loopback address: a thread per connection, kept alive.

A client's call costs a few writes to a connection that it has already. The servers of the standard library and of
werkzeug close it after each answer, so that each call pays for a connection, a thread and several packets.
"""

from __future__ import annotations

import contextlib
import io
import logging
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from groundloop.local.http_request import BadRequestError, read_headers, read_line, request_environ
from groundloop.local.request_body import MAX_LINE, BodyError, RequestBody

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ADDRESS = "127.0.0.1"
#: A body up to this size goes out in one write with its headers.
_ONE_WRITE = 1 << 18
#: Seconds that stop() waits for requests that are being answered.
_LAST_ANSWERS = 2.0

logger = logging.getLogger(__name__)


class HttpServer:
    """A server that answers from its construction until `stop`.

    Args:
        application: answers the requests.
        port: 0 takes a free one.

    Raises:
        OSError: the port can't be had.
    """

    def __init__(self, application: WSGIApplication, port: int) -> None:
        self._application = application
        self._listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listening.bind((ADDRESS, port))
            self._listening.listen(128)
        except OSError:
            self._listening.close()
            raise
        self.port: int = self._listening.getsockname()[1]
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._stopping = False
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, name="offline-aws", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, let the requests that are being answered end, and close every connection."""
        self._wake.send(b"x")
        self._thread.join()
        with self._lock:
            self._stopping = True
            open_now = list(self._connections)
        for connection in open_now:
            connection.finish()
        deadline = time.monotonic() + _LAST_ANSWERS
        for connection in open_now:
            connection.join(max(0.0, deadline - time.monotonic()))
        for connection in open_now:
            connection.abort()

    def _accept(self) -> None:
        with self._listening, self._wake, self._woken, selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not any(key.fileobj is self._woken for key, _ in selector.select()):
                try:
                    accepted, address = self._listening.accept()
                except OSError:  # the client has gone again, or there are too many open files
                    time.sleep(0.01)
                    continue
                connection = _Connection(self._application, accepted, address, self.port, self._ended)
                with self._lock:
                    self._connections.add(connection)
                connection.start()

    def _ended(self, connection: _Connection) -> None:
        with self._lock:
            self._connections.discard(connection)


class _Connection:
    """One client's connection, whose requests are answered one after the other by a thread of its own."""

    def __init__(
        self,
        application: WSGIApplication,
        accepted: socket.socket,
        address: tuple[str, int],
        port: int,
        ended: Callable[[_Connection], None],
    ) -> None:
        self._application, self._socket, self._ended = application, accepted, ended
        # Without this, what goes out in a second write waits for the client's acknowledgement of the first.
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._source = accepted.makefile("rb")
        self._common: WSGIEnvironment = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "SERVER_NAME": ADDRESS,
            "SERVER_PORT": str(port),
            "SCRIPT_NAME": "",
            "REMOTE_ADDR": address[0],
            "REMOTE_PORT": address[1],
        }
        self._lock = threading.Lock()
        self._busy = False
        self._last = False
        self._thread = threading.Thread(target=self._run, name="offline-aws-connection", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def finish(self) -> None:
        """Close the connection, after the answer to the request that has arrived, if there is one."""
        with self._lock:
            self._last = True
            if not self._busy:
                self.abort()

    def abort(self) -> None:
        """Close the connection now."""
        # Unlike close(), it also ends a read that another thread is in, and reaches the client when a forked process
        # still has this socket.
        with contextlib.suppress(OSError):  # the client closed it
            self._socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            while self._one_request():
                pass
        except BadRequestError as error:
            with contextlib.suppress(OSError):
                self._send("400 Bad Request", [("Content-Type", "text/plain")], f"{error}\n".encode(), last=True)
        except OSError:
            pass  # the client has gone
        finally:
            self.abort()
            self._source.close()
            self._socket.close()
            self._ended(self)

    def _one_request(self) -> bool:
        """Answer one request; return whether another may follow."""
        line = read_line(self._source)
        while line == b"\r\n":  # some clients end a body with an empty line
            line = read_line(self._source)
        with self._lock:
            if not line or self._last:
                return False
            self._busy = True
        environ = request_environ(line, self._common)
        read_headers(self._source, environ)
        body = self._body(environ)
        status, headers, content = self._answer(environ)
        last = self._ends_after(environ) or not body.drained()
        with self._lock:
            last = last or self._last
        self._send(status, headers, content, last, environ["REQUEST_METHOD"] == "HEAD")
        with self._lock:
            self._busy = False
            return not (last or self._last)

    def _body(self, environ: WSGIEnvironment) -> RequestBody:
        """Make the body readable for the application; its end is that of `wsgi.input`."""
        coding = environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        length = environ.get("CONTENT_LENGTH", "0")
        if coding not in ("", "chunked") or not (length.isascii() and length.isdigit()):
            raise BadRequestError("The length of the body is neither Content-Length nor chunked.")
        expected = environ.get("HTTP_EXPECT", "").lower() == "100-continue"
        body = RequestBody(self._source, None if coding else int(length), self._socket if expected else None)
        environ["wsgi.input"] = io.BufferedReader(body, MAX_LINE) if coding or int(length) else io.BytesIO()
        return body

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started[:] = [status, headers]

        answer: Iterable[bytes] = ()
        try:
            answer = self._application(environ, start_response)
            content = b"".join(answer)
            return started[0], started[1], content
        except BodyError:
            raise
        except Exception:
            logger.exception("%s %s", environ["REQUEST_METHOD"], environ["RAW_URI"])
            text = b"The offline AWS failed in this request; its log says why.\n"
            return "500 Internal Server Error", [("Content-Type", "text/plain")], text
        finally:
            if hasattr(answer, "close"):
                answer.close()

    @staticmethod
    def _ends_after(environ: WSGIEnvironment) -> bool:
        asked = [token.strip() for token in environ.get("HTTP_CONNECTION", "").lower().split(",")]
        return "close" in asked or (environ["SERVER_PROTOCOL"] == "HTTP/1.0" and "keep-alive" not in asked)

    def _send(
        self, status: str, headers: list[tuple[str, str]], content: bytes, last: bool = False, is_head: bool = False
    ) -> None:
        lines = [f"HTTP/1.1 {status}"]
        has_body = not (status.startswith(("1", "204", "304")) or is_head)
        sent = set()
        for name, value in headers:
            key = name.lower()
            if key in ("connection", "transfer-encoding") or (key == "content-length" and not is_head):
                continue  # this server's own affair
            sent.add(key)
            lines.append(f"{name}: {value}")
        if "date" not in sent:
            lines.append(f"Date: {formatdate(usegmt=True)}")
        if has_body:
            lines.append(f"Content-Length: {len(content)}")
        if last:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if not has_body or len(content) <= _ONE_WRITE:
            self._socket.sendall(head + content if has_body else head)
        else:
            self._socket.sendall(head)
            self._socket.sendall(content)
