"""The expressions of a definition: Get, Std:Join and Std:JsonGet, and the paths inside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"

_TOKEN = re.compile(
    r"""\.?(?P<name>[^.\[\]'"]+)|\[(?P<index>\d+)\]|\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]""", re.DOTALL
)
_PLAIN_KEY = re.compile(r"[\w-]+")


def expression(value: Any) -> tuple[str, Any] | None:
    """Return the function and the body of a value that is an expression; None for any other value."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, body),) = value.items()
        if name == GET or (isinstance(name, str) and name.startswith("Std:")):
            return name, body
    return None


def is_expression(value: Any) -> bool:
    """Return whether a value is an expression."""
    return expression(value) is not None


@lru_cache(maxsize=1024)
def _member(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"['{key}']"


def child(path: str, key: str) -> str:
    """Return the path of a member."""
    return (path + _member(key)).lstrip(".")


def expressions(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield (path, function, body) of all expressions in a value; those inside others come after them."""
    if isinstance(value, dict):
        members = value
        if found := expression(value):
            name, body = found
            yield path, name, body
            # The Get of a property file is part of its JsonGet: it names no property.
            inner = body.items() if isinstance(body, dict) else ()
            members = {key: item for key, item in inner if key != "PropertyFile"}
        for key, item in members.items():
            # Nothing else holds expressions, and most values are texts: their paths need not be made.
            if isinstance(item, dict | list):
                yield from expressions(item, child(path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from expressions(item, f"{path}[{index}]")


def tokens(path: str) -> list[str | int] | None:
    """Split a path: `a.b[0]['c']` -> `["a", "b", 0, "c"]`; None if it is not a path."""
    rest = path
    found: list[str | int] = []
    while rest:
        match = _TOKEN.match(rest)
        if not match:
            return None
        if match["index"] is not None:
            found.append(int(match["index"]))
        else:
            found.append(match["name"] if match["name"] is not None else match["key"])
        rest = rest[match.end() :]
    return found


def property_file(body: Any) -> tuple[str, str] | None:
    """Return (step, property file) that the body of a JsonGet reads; None if it reads something else."""
    reference = expression(body.get("PropertyFile")) if isinstance(body, dict) else None
    if not reference or not isinstance(reference[1], str):
        return None
    parts = reference[1].split(".", 3)
    return (parts[1], parts[3]) if len(parts) == 4 and parts[0] == "Steps" and parts[2] == "PropertyFiles" else None


def referenced_step(function: str, body: Any) -> str | None:
    """Return the step that an expression (not those inside it) reads from, None if it reads from no step."""
    if function == GET and isinstance(body, str) and body.startswith("Steps."):
        return str((tokens(body) or ["", ""])[1]) if body.count(".") else None
    if function == JSON_GET and (found := property_file(body)):
        return found[0]
    return None
