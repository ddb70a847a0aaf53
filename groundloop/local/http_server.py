"""A threaded HTTP/1.1 server of one WSGI application on the loopback address: a thread per connection, kept alive.

A client's call costs a few writes to a connection that it has already. werkzeug's own server closes it after each
answer, since it doesn't read the bodies that an application leaves; here they are read before the application is asked.
"""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, cast

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ADDRESS = "127.0.0.1"
#: Seconds that stop() waits for requests that are being answered.
_LAST_ANSWERS = 2.0

logger = logging.getLogger(__name__)


class RequestHandler(WSGIRequestHandler):
    """Answers the requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    # An answer is collected, and goes out in one write. Without the second setting, what needs more than one waits for
    # the client's acknowledgement of the first.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Begin a connection."""
        cast(_Server, self.server).begins(self.request)
        super().setup()

    def finish(self) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):  # the client has gone
            super().finish()
        cast(_Server, self.server).ended(self.request)

    def handle_expect_100(self) -> bool:
        """Tell a client that waits to send the body."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def run_wsgi(self) -> None:
        """Answer one request."""
        self.environ = environ = self.make_environ()
        body = self._body(environ)
        if body is None:
            self.close_connection = True
            return
        environ["wsgi.input"], environ["wsgi.input_terminated"] = io.BytesIO(body), True
        status, headers, content = self._answer(environ)
        self.close_connection = self.close_connection or cast(_Server, self.server).stopping
        code, _, reason = status.partition(" ")
        without_body = self.command == "HEAD" or code in ("204", "304")
        self.send_response(int(code), reason)
        for name, value in headers:
            # The length of HEAD's answer is that of the body which GET would get; of others, it is that of the body.
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if not without_body:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not without_body:
            self.wfile.write(content)

    def _body(self, environ: WSGIEnvironment) -> bytes | None:
        """Return the body of a request; None if it isn't whole, or has no known length: then no request can follow."""
        if environ.get("wsgi.input_terminated"):  # in chunks
            try:
                return cast(bytes, environ["wsgi.input"].read())
            except OSError:
                return None
        length = environ.get("CONTENT_LENGTH") or "0"
        if "HTTP_TRANSFER_ENCODING" in environ or not (length.isascii() and length.isdigit()):
            self.send_error(400, explain="The length of the body is neither Content-Length nor chunked.")
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return the application's status, headers and body."""
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started[:] = [status, headers]

        try:
            answer = self.server.app(environ, start_response)
            try:
                content = b"".join(answer)
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        except Exception:
            logger.exception("%s %s", self.command, self.path)
            text = b"The offline AWS failed in this request; its log says why.\n"
            return "500 Internal Server Error", [("Content-Type", "text/plain")], text
        return started[0], started[1], content

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Write nothing of requests and of those that are no HTTP: the client is told."""


class _Server(ThreadedWSGIServer):
    """werkzeug's server, which knows its connections."""

    def __init__(self, application: WSGIApplication, handler: type[RequestHandler], listening: socket.socket) -> None:
        super().__init__(ADDRESS, listening.getsockname()[1], application, handler, fd=listening.fileno())
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self.stopping = False

    def begins(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections[connection] = threading.current_thread()
            if self.stopping:
                self._shut(connection, socket.SHUT_RD)

    def ended(self, connection: socket.socket) -> None:
        with self._lock:
            del self._connections[connection]

    def stop(self) -> None:
        """Stop listening, let the requests that are being answered end, and close every connection."""
        self.shutdown()
        self.server_close()
        with self._lock:
            self.stopping = True
            for connection in self._connections:
                # A thread that waits for a request finds none, one that answers can still write.
                self._shut(connection, socket.SHUT_RD)
            threads = list(self._connections.values())
        deadline = time.monotonic() + _LAST_ANSWERS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            for connection in self._connections:
                self._shut(connection, socket.SHUT_RDWR)

    @staticmethod
    def _shut(connection: socket.socket, direction: int) -> None:
        with contextlib.suppress(OSError):  # the client closed it
            connection.shutdown(direction)


class HttpServer:
    """A server that answers from its construction until `stop`.

    Args:
        application: answers the requests.
        port: 0 takes a free one.
        handler: what a request is to the application.

    Raises:
        OSError: the port can't be had.
    """

    def __init__(self, application: WSGIApplication, port: int, handler: type[RequestHandler] = RequestHandler) -> None:
        # werkzeug would end the whole process over a port in use.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((ADDRESS, port))
            listening.listen(128)
            self.port: int = listening.getsockname()[1]
            self._server = _Server(application, handler, listening)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="offline-aws", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, let the requests that are being answered end, and close every connection."""
        self._server.stop()
        self._thread.join()
