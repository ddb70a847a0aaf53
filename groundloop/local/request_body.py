"""The body of an HTTP request as a stream that ends with it, so that the next request of its connection can follow."""

from __future__ import annotations

import io
import socket
from typing import Any

#: Most bytes of a line of a request.
MAX_LINE = 65536


class BodyError(ConnectionError):
    """A body does not come to its end: the client has gone, or sends what is not HTTP/1.1."""


class RequestBody(io.RawIOBase):
    """A request's body as a stream that ends with it.

    Args:
        source: what the client sends.
        length: bytes of the body; None: it is chunked.
        client: told to go on before the first read, if it waits for that.
    """

    def __init__(self, source: io.BufferedReader, length: int | None, client: socket.socket | None) -> None:
        self._source, self._client = source, client
        self._chunked = length is None
        # Bytes left of the body, or of the present chunk.
        self._left = length or 0
        self._ended = length == 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return how many bytes, 0 after the end of the body.

        Raises:
            BodyError: the body ends too early.
        """
        if self._ended:
            return 0
        if self._client is not None:
            self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._client = None
        if self._chunked and not self._left:
            self._left = self._next_chunk()
        count = self._source.readinto(memoryview(buffer)[: self._left])
        if not count and self._left:
            raise BodyError("the body of the request ended too early")
        self._left -= count
        if self._chunked and count and not self._left:
            self._end_of_line()
        self._ended = self._ended or not (self._chunked or self._left)
        return count

    def _next_chunk(self) -> int:
        size = self._source.readline(MAX_LINE).split(b";")[0].strip()
        try:
            length = int(size, 16)
        except ValueError:
            raise BodyError("the body of the request is not chunked as HTTP/1.1 says") from None
        if length <= 0:
            self._ended = True
            while self._source.readline(MAX_LINE) not in (b"\r\n", b"\n", b""):
                pass  # headers that follow the body
        return length

    def _end_of_line(self) -> None:
        if self._source.readline(2) not in (b"\r\n", b"\n"):
            raise BodyError("the body of the request is not chunked as HTTP/1.1 says")

    def drained(self) -> bool:
        """Read what the application has left of the body; return whether the next request can follow.

        Raises:
            BodyError: the body ends too early.
        """
        if self._client is not None and not self._ended:
            return False  # the client waits, and nobody knows whether it will send the body
        rest = bytearray(MAX_LINE)
        while self.readinto(rest):
            pass
        return True
