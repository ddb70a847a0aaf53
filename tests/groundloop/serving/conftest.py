"""A server over the stand-in's ONNX file, and a client of programs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from groundloop.portable.onnx_detector import OnnxDetector
from groundloop.review.serve import Address
from groundloop.serving.serve import serving_model


@pytest.fixture(scope="module")
def url(onnx_detector: OnnxDetector) -> Iterator[str]:
    """The page of a server."""
    with serving_model(onnx_detector, "detector.onnx", Address()) as url:
        yield url


class Client:
    """Sends requests as a program on a device does."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPResponse]:
        """Send a request; return status, decoded body, and the response itself."""
        connection = http.client.HTTPConnection(self.host, timeout=20)
        try:
            connection.request(method, path, body, {"Content-Type": "image/jpeg", **(headers or {})})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        is_json = response.headers.get("Content-Type") == "application/json" and content
        return response.status, json.loads(content) if is_json else content, response


@pytest.fixture
def client(url: str) -> Client:
    """A client of the server."""
    return Client(url)
