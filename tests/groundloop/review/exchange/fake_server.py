"""What the servers in the tests share: requests are checked by JSON Schemas, and can be cut off or fail anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
from urllib3.exceptions import ProtocolError

TOKEN = "legacy-token"
URL = "http://tool.example:8080"


class Fault(Enum):
    """What goes wrong with a request; whether it had its effect before that."""

    CUT_BEFORE = "cut-off, not received"
    CUT_AFTER = "cut-off, received"
    BUSY_BEFORE = "busy, not done"
    BUSY_AFTER = "busy, but done"


@dataclass
class Response:
    """What a server sends back."""

    status: int = 200
    content: object = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The body."""
        if self.content is None:
            return b""
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


@dataclass
class Request:
    """A request as a route gets it."""

    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self, schema: Mapping[str, object]) -> Any:
        """The body, which a schema allows."""
        assert self.headers["Content-Type"] == "application/json"
        content = json.loads(self.body)
        jsonschema.Draft202012Validator(schema).validate(content)
        return content

    def files(self) -> tuple[dict[str, tuple[str, bytes]], dict[str, str]]:
        """The files of a multipart body by their fields, and its other fields."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        files, fields = {}, {}
        parts: Any = BytesParser().parsebytes(head + self.body).get_payload()
        for part in parts:
            assert isinstance(part, Message)
            name, filename = (part.get_param(key, header="Content-Disposition") for key in ("name", "filename"))
            content: Any = part.get_payload(decode=True)
            if filename:
                assert part.get_content_type() in ("image/png", "image/jpeg")
                assert str(name) not in files, "Label Studio keeps one file of a field"
                files[str(name)] = str(filename), content
            else:
                fields[str(name)] = content.decode()
        return files, fields


Route = Callable[..., Response]


class FakeServer:
    """A server that takes the place of the connections.

    Attributes:
        log: method and path of each request.
        faults: what goes wrong, by the number of the request, or once by its method.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.faults: dict[int | str, Fault] = {}
        self.routes: list[tuple[str, str, Route]] = []
        self.pauses: list[float] = []

    def request(
        self, method: str, url: str, body: bytes | None, fields: None, headers: Mapping[str, str], **options: Any
    ) -> Response:
        """Answer a request, as `urllib3.PoolManager.request` would."""
        assert options == {"redirect": False, "retries": False}, "redirects would carry the token elsewhere"
        assert url.startswith(URL + "/")
        parts = urlsplit(url)
        fault = self.faults.get(len(self.log)) or self.faults.pop(method, None)
        self.log.append(f"{method} {parts.path}")
        if fault is Fault.CUT_BEFORE:
            raise ProtocolError("Connection aborted.")
        if fault is Fault.BUSY_BEFORE:
            return Response(503, b"<html>busy</html>")
        query = {key: values[0] for key, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        response = self._answer(method, parts.path, Request(query, headers, body or b""))
        if fault is Fault.CUT_AFTER:
            raise ProtocolError("Connection aborted.")
        return Response(502, b"<html>bad gateway</html>") if fault is Fault.BUSY_AFTER else response

    def _answer(self, method: str, path: str, request: Request) -> Response:
        for known, pattern, route in self.routes:
            if method == known and (found := re.fullmatch(pattern, path)):
                return self.checked(path, request) or route(request, *map(int, found.groups()))
        raise AssertionError(f"the vendor's API has no {method} {path}")

    def checked(self, path: str, request: Request) -> Response | None:
        """Return why a request is refused; None where it isn't."""
        raise NotImplementedError


def pages(items: list[Any], query: Mapping[str, str], path: str) -> dict[str, object]:
    """Return a page of a list as Django REST framework sends it."""
    size, number = int(query["page_size"]), int(query["page"])
    assert number == 1 or (number - 1) * size < len(items), "there is no such page"
    more = number * size < len(items)
    following = f"{URL}{path}?page={number + 1}" if more else None
    return {"count": len(items), "next": following, "results": items[(number - 1) * size : number * size]}


def known_fields(properties: Mapping[str, object], required: list[str]) -> dict[str, object]:
    """Return the schema of an object that has no other fields."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
