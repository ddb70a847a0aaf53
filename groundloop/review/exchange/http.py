"""JSON over HTTP with the server of another tool: few retries, and every failure in one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3

from groundloop.errors import UserError
from groundloop.images.access import one_line

_Response = TypeVar("_Response")
_Result = TypeVar("_Result")

#: Statuses after which the same request may succeed.
_BUSY = frozenset({429, 500, 502, 503, 504})
_TOO_MANY_REQUESTS = 429
#: Methods that are just sent again. A PUT would replace what people have done in the meantime.
_REPEATED = frozenset({"GET", "DELETE"})
#: Seconds to wait before each further attempt.
BACKOFF = (1.0, 2.0, 4.0, 8.0)
_MAX_RETRY_AFTER = 60.0
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 300.0
_MAX_MESSAGE = 300
AGAIN = "the same command goes on where this one stopped"


class ReceivedResponse(Protocol):
    """A response as far as it is read here."""

    @property
    def status(self) -> int:
        """Return the HTTP status."""

    @property
    def data(self) -> bytes:
        """Return the body."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers."""


class Transport(Protocol):
    """What sends a request: `urllib3.PoolManager`, or a server inside of a test."""

    def request(
        self, method: str, url: str, body: bytes | None, fields: None, headers: Mapping[str, str], **kw: Any
    ) -> Any:
        """Send a request and return the response."""


class RejectedRequestError(UserError):
    """The server rejects a request, or fails at it.

    Attributes:
        status, method: of HTTP.
    """

    def __init__(self, text: str, status: int, method: str) -> None:
        super().__init__(text)
        self.status = status
        self.method = method


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a multipart request."""

    field: str
    name: str
    body: bytes
    media_type: str


class ToolServer:
    """The server of one tool.

    Args:
        tool: its name in messages.
        url: its address; the API lies below.
        token_variable: the environment variable with the token, for messages.
        transport: sends the requests; None takes real connections.
        pause: waits some seconds.

    Attributes:
        headers: of all requests.
        renew: gets a new access token after the old one has expired; None where tokens don't.

    Raises:
        UserError: the address is not an HTTP URL.
    """

    def __init__(
        self,
        tool: str,
        url: str,
        token_variable: str,
        transport: Transport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.tool = tool
        self.url = checked_url(url)
        self.headers: dict[str, str] = {"Accept": "application/json"}
        self.renew: Callable[[], None] | None = None
        self.pause = pause
        self._token_variable = token_variable
        self._transport: Transport = transport or urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        )

    def get(self, path: str, type_: type[_Response], **query: object) -> _Response:
        """Read a resource.

        Raises:
            UserError: the server can't be reached, refuses the token or fails.
        """
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path, type_)

    def release(self, path: str, type_: type[_Response]) -> _Response:
        """Read what says which release the server is.

        Raises:
            UserError: there is no such page: it is another server. See `get` for others.
        """
        try:
            return self.get(path, type_)
        except RejectedRequestError as error:
            if error.status not in (404, 405):
                raise
        raise UserError(f"{self.url} is not {self.tool}: it has no {path}: check --url")

    def post(
        self, path: str, type_: type[_Response], body: object = None, headers: Mapping[str, str] | None = None
    ) -> _Response:
        """Send a change as JSON. See `get` for errors."""
        return self.send("POST", path, type_, b"" if body is None else msgspec.json.encode(body), headers=headers)

    def upload(
        self,
        path: str,
        type_: type[_Response],
        files: Sequence[UploadedFile],
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Response:
        """Send files as `multipart/form-data`. See `get` for errors."""
        parts: list[tuple[str, Any]] = [*(fields or {}).items()]
        parts += [(file.field, (file.name, file.body, file.media_type)) for file in files]
        body, content_type = urllib3.encode_multipart_formdata(parts)
        return self.send("POST", path, type_, body, content_type, headers)

    def send(
        self,
        method: str,
        path: str,
        type_: type[_Response],
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> _Response:
        """Send a request, and again while the server is busy; return the body of the response.

        A POST or PUT is sent again only after `429 Too Many Requests`: after other failures it may have had its effect.

        Args:
            type_: of the body; `type(None)` ignores it.
        """
        own = {**(headers or {}), **({"Content-Type": content_type} if body else {})}
        for delay in (*BACKOFF, None):
            response = self._sent(method, path, body, {**self.headers, **own})
            if response.status == 401 and self.renew is not None:
                self.renew()
                response = self._sent(method, path, body, {**self.headers, **own})
            again = response.status in _BUSY if method in _REPEATED else response.status == _TOO_MANY_REQUESTS
            if not again or delay is None:
                break
            self.pause(_retry_after(response) or delay)
        self._check(response, method, path)
        return self._decoded(response, type_, method, path)

    def _sent(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> ReceivedResponse:
        try:
            response: ReceivedResponse = self._transport.request(
                method, self.url + path, body, None, headers, redirect=False, retries=False
            )
        except urllib3.exceptions.SSLError as error:
            raise UserError(
                f"{self.tool} at {self.url} has no certificate that this machine trusts: {one_line(error)}: name the "
                "file of your certificate authority in SSL_CERT_FILE"
            ) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UserError(
                f"{self.tool} at {self.url} can't be reached: {_reason(error)}: check --url and that the server runs; "
                f"{AGAIN}"
            ) from None
        return response

    def _check(self, response: ReceivedResponse, method: str, path: str) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        where = f"{self.tool} at {self.url}"
        if 300 <= status < 400:
            location = response.headers.get("Location", "another address")
            raise UserError(f"{where} redirects to {location}: give the address that it redirects to as --url")
        words = _message(response.data)
        if status == 401:
            raise UserError(f"{where} refuses the token in {self._token_variable} ({words}): make a new one there")
        if status == 403:
            raise UserError(
                f"{where} denies {method} {path.partition('?')[0]} to the owner of {self._token_variable} ({words}): "
                "use the token of somebody who may do that"
            )
        hint = f"; {AGAIN}" if status in _BUSY else ""
        raise RejectedRequestError(
            f"{where}: {method} {path.partition('?')[0]}: HTTP {status}: {words}{hint}", status, method
        )

    def _decoded(self, response: ReceivedResponse, type_: type[_Response], method: str, path: str) -> _Response:
        if type_ is type(None):
            return None
        try:
            return msgspec.json.decode(response.data, type=type_)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UserError(
                f"{self.url} does not answer {method} {path.partition('?')[0]} as {self.tool} does ({error}): check "
                "--url and the server's version"
            ) from None


def repeated(action: Callable[[], _Result], pause: Callable[[float], None]) -> _Result:
    """Do something that looks what is there before it makes anything, and again after a failed change.

    A POST or PUT that failed with the server may have had its effect, so it is never just sent again.
    """
    for delay in BACKOFF:
        try:
            return action()
        except RejectedRequestError as error:
            if error.method in _REPEATED or error.status not in _BUSY:
                raise
            pause(delay)
    return action()


def checked_url(url: str) -> str:
    """Return the address of a server without its last slash.

    Raises:
        UserError: it is not an HTTP URL, or has a user, a query or a fragment.

    Example:
        >>> checked_url("http://127.0.0.1:8080/")
        'http://127.0.0.1:8080'
    """
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        port_is_right = False
    if not port_is_right or parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
        raise UserError(f"--url {url}: give the server's address, such as http://127.0.0.1:8080")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UserError(f"--url {parts.scheme}://{parts.hostname}...: give the address only, without user, ? and #")
    return url.rstrip("/")


def is_in_the_clear(url: str) -> bool:
    """Return whether what is sent to an address can be read on its way.

    Example:
        >>> is_in_the_clear("http://127.0.0.1:8080"), is_in_the_clear("http://tools.example")
        (False, True)
    """
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


def version_of(text: str) -> tuple[int, ...]:
    """Return the first numbers of a version, such as (1, 23) of "1.23.2".

    Example:
        >>> version_of("2.80.0-alpha")
        (2, 80)
    """
    numbers = [part for part in text.split(".")[:2] if part.isdecimal()]
    return tuple(map(int, numbers))


def _retry_after(response: ReceivedResponse) -> float | None:
    value = response.headers.get("Retry-After", "")
    return min(float(value), _MAX_RETRY_AFTER) if value.isdecimal() else None


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None)
    return one_line(cause if isinstance(cause, Exception) else error).rpartition(": ")[2]


def _message(body: bytes) -> str:
    """Return the server's words on one line."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = "no reason given" if body.lstrip().startswith(b"<") else body.decode(errors="replace")
    else:
        text = _words(content)
    text = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return text[:_MAX_MESSAGE] or "no reason given"


def _words(content: object) -> str:
    if isinstance(content, dict):
        if details := content.get("validation_errors"):
            return _words(details)
        if "detail" in content:
            return _words(content["detail"])
        return "; ".join(f"{key}: {_words(value)}" for key, value in content.items())
    if isinstance(content, list):
        return "; ".join(map(_words, content))
    return str(content)
