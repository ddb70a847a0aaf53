"""The server of the endpoint: GET /ping and POST /invocations over HTTP, on this machine only."""

from __future__ import annotations

import json
import logging
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from groundloop.local.detector import artifact
from groundloop.local.detector.artifact import Detector
from groundloop.local.detector.errors import StandInError
from groundloop.local.detector.images import UnreadableImageError

CONTENT_TYPES = ("image/jpeg", "image/png", "application/x-image")
MAX_BODY_BYTES = 100 * 2**20
_SECONDS_FOR_A_REQUEST = 60
_log = logging.getLogger("groundloop.local.detector")


def serve(opt_ml: Path, port: int) -> None:
    """Serve the model in DIR/model until the process ends; port 0 picks a free one, which goes to stdout."""
    detector = artifact.load(opt_ml / "model")
    try:
        server = DetectorServer(detector, port)
    except (OSError, OverflowError) as error:
        message = f"port {port} on 127.0.0.1 can't be used: {error}. --port 0 picks a free one."
        raise StandInError(message) from error
    sys.stdout.write(f"listening on 127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


class DetectorServer(ThreadingHTTPServer):
    """Server whose threads read requests and write answers; the network serves one at a time."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, detector: Detector, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.detector = detector
        self.lock = threading.Lock()

    def server_bind(self) -> None:
        """Bind the socket without looking up the name of the host."""
        # HTTPServer would look its own name up in the network here.
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error of a request instead of printing a traceback."""
        error = sys.exc_info()[1]
        if isinstance(error, ConnectionError):
            _log.info("a client went away: %s", error)
        else:
            _log.error("a request failed", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    server: DetectorServer
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS_FOR_A_REQUEST

    def do_GET(self) -> None:
        if self.path == "/ping":
            self._answer(HTTPStatus.OK, b"", "application/json")
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"{self.path}: there are GET /ping and POST /invocations")

    def do_POST(self) -> None:
        try:
            length = max(0, int(self.headers["Content-Length"]))
        except (TypeError, ValueError):
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "the request needs a Content-Length")
            return
        if self.path != "/invocations":
            message = f"{self.path}: there are GET /ping and POST /invocations"
            self._refuse(HTTPStatus.NOT_FOUND, message, unread=length)
            return
        if length > MAX_BODY_BYTES:
            message = f"the body has {length} bytes, at most {MAX_BODY_BYTES} are taken"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, unread=length)
            return
        kind = self.headers.get_content_type() if "Content-Type" in self.headers else "none"
        if kind not in CONTENT_TYPES:
            message = f"content type {kind}: one of {', '.join(CONTENT_TYPES)} is needed"
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, unread=length)
            return
        body = self.rfile.read(length)
        try:
            with self.server.lock:
                answer = self._invoke(body)
        except UnreadableImageError as error:
            self._answer_json(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            return
        self._answer_json(HTTPStatus.OK, answer)

    def _invoke(self, body: bytes) -> dict[str, Any]:
        accept = self.headers.get("Accept", "").replace(" ", "").lower()
        if "annotation=1" in accept.split(";"):
            return _annotation(self.server.detector, body)
        return {"prediction": self.server.detector.detect(body)}

    def _refuse(self, status: HTTPStatus, message: str, *, unread: int = 0) -> None:
        """Answer before the `unread` bytes of the body were read, and end the connection."""
        self.close_connection = True
        self._answer_json(status, {"error": message})
        # Closing with bytes unread would reset the connection, and the client might never see the answer.
        while unread > 0 and (chunk := self.rfile.read(min(unread, 2**20))):
            unread -= len(chunk)

    def _answer_json(self, status: HTTPStatus, value: dict[str, Any]) -> None:
        self._answer(status, json.dumps(value).encode(), "application/json")

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        _log.info(format, *args)


def _annotation(detector: Detector, image: bytes) -> dict[str, Any]:
    """Return the answer to `Accept: application/json;annotation=1`: boxes in pixels, shaped like a label."""
    found, (width, height) = detector.look(image)
    annotations = [
        {
            "class_id": int(class_id),
            "score": round(float(score), 6),
            "left": int(corners[0] * width),
            "top": int(corners[1] * height),
            "width": int((corners[2] - corners[0]) * width),
            "height": int((corners[3] - corners[1]) * height),
        }
        for class_id, score, corners in zip(found.classes, found.scores, found.corners, strict=True)
    ]
    return {"image_size": [{"width": width, "height": height, "depth": 3}], "annotations": annotations}
