"""The REST protocol of Amazon A2I's runtime, whose operations are those of `HumanLoops`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore import xform_name

from groundloop.local.api.human_loops import HumanLoops
from groundloop.local.errors import ApiError, invalid
from groundloop.local.shapes import check_request, shaped
from groundloop.spec.shapes import A2I_RUNTIME

PATH = "/human-loops"
_ONE = re.compile(rf"{PATH}/([^/]+)")
_TIMES = ("CreationTimeAfter", "CreationTimeBefore")


class A2iRuntime:
    """The operations of the runtime by method and path."""

    def __init__(self, loops: HumanLoops) -> None:
        self._loops = loops

    def call(self, method: str, path: str, query: str, body: bytes) -> dict[str, Any]:
        """Answer a request.

        Raises:
            ApiError: the request is invalid or fails; the error is the one that AWS would answer.
        """
        operation, request = _request(method, path, query, body)
        check_request(operation, request, A2I_RUNTIME)
        for name in _TIMES:
            if name in request:
                request[name] = _seconds(request[name])
        answer = getattr(self._loops, xform_name(operation))(request)
        return shaped(operation, answer, A2I_RUNTIME)


def _request(method: str, path: str, query: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the operation and its members."""
    one = _ONE.fullmatch(path)
    if method == "GET" and path == PATH:
        return "ListHumanLoops", _members(parse_qs(query))
    if method == "POST" and (path == PATH or path == f"{PATH}/stop"):
        try:
            members = json.loads(body)
        except ValueError:
            raise invalid("The request is not JSON.") from None
        return ("StartHumanLoop" if path == PATH else "StopHumanLoop"), members
    if one and method in ("GET", "DELETE"):
        operation = "DescribeHumanLoop" if method == "GET" else "DeleteHumanLoop"
        return operation, {"HumanLoopName": unquote(one.group(1))}
    raise ApiError("UnknownOperationException", f"Amazon A2I has no operation {method} {path}.", 404)


def _members(query: Mapping[str, list[str]]) -> dict[str, Any]:
    members: dict[str, Any] = {name: values[0] for name, values in query.items()}
    if "MaxResults" in members:
        try:
            members["MaxResults"] = int(members["MaxResults"])
        except ValueError:
            raise invalid(f"MaxResults {members['MaxResults']!r} is not a number.") from None
    return members


def _seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise invalid(f"{text!r} is not a time.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
