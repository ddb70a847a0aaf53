"""The head of an HTTP request, and the WSGI environment that it makes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from groundloop.local.request_body import MAX_LINE

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Key of the environment: the headers whose names have an underscore, as they were sent. WSGI's own keys can't tell
#: `a_b` from `a-b`, so that servers leave them out.
UNDERSCORED_HEADERS = "groundloop.underscored_headers"
_MAX_HEADERS = 200


class BadRequestError(Exception):
    """What a client sent is not HTTP/1.1."""


def read_line(source: io.BufferedReader) -> bytes:
    """Read a line of a request; empty when the client has gone.

    Raises:
        BadRequestError: it is too long.
    """
    line = source.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise BadRequestError("The request line or a header is too long.")
    return line


def request_environ(line: bytes, common: WSGIEnvironment) -> WSGIEnvironment:
    """Return the environment of a request, still without its headers.

    Args:
        line: its request line.
        common: what all requests of its connection have.

    Raises:
        BadRequestError: it is no request line of HTTP/1.1.
    """
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequestError("The request line is not that of HTTP/1.1.")
    method, target, protocol = parts
    environ = dict(common)
    path, _, query = target.partition("?")
    if not target.startswith("/"):
        url = urlsplit(target)  # as it is sent to proxies
        path, query, environ["HTTP_HOST"] = url.path or "/", url.query, url.netloc
    environ |= {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote(path).encode("utf-8", "replace").decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "SERVER_PROTOCOL": protocol,
    }
    return environ


def read_headers(source: io.BufferedReader, environ: WSGIEnvironment) -> None:
    """Add a request's headers to its environment.

    Raises:
        BadRequestError: they are not headers of HTTP/1.1, or too many.
    """
    host = environ.get("HTTP_HOST")
    underscored: list[tuple[str, str]] = []
    for _ in range(_MAX_HEADERS):
        line = read_line(source)
        if line in (b"\r\n", b"\n"):
            break
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequestError("A header has no name, or none that HTTP/1.1 allows.")
        value = value.strip()
        if "_" in name:
            underscored.append((name, value))
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
            if key in environ:
                value = f"{environ[key]},{value}"
        environ[key] = value
    else:
        raise BadRequestError("The request has too many headers.")
    environ[UNDERSCORED_HEADERS] = underscored
    if host is not None:
        environ["HTTP_HOST"] = host
