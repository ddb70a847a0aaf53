"""The expressions of a definition: Get, Std:Join and Std:JsonGet, and the paths inside them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from groundloop.spec.definition import Definition
from groundloop.spec.step_types import EXECUTION_VARIABLES

GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"

_TOKEN = re.compile(
    r"""\.?(?P<name>[^.\[\]'"]+)|\[(?P<index>\d+)\]|\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]""", re.DOTALL
)


class Unknown(Enum):
    """A value that only an execution knows."""

    VALUE = "unknown"


UNKNOWN = Unknown.VALUE


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


def child(path: str, key: str) -> str:
    """Return the path of a member."""
    step = f".{key}" if re.fullmatch(r"[\w-]+", key) else f"['{key}']"
    return f"{path}{step}".lstrip(".")


def expressions(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield (path, function, body) of all expressions in a value; those inside others come after them."""
    found = expression(value)
    if found:
        name, body = found
        yield path, name, body
        # The Get of a property file is part of its JsonGet: it names no property.
        inner = {key: item for key, item in body.items() if key != "PropertyFile"} if isinstance(body, dict) else {}
        for key, item in inner.items():
            yield from expressions(item, child(path, key))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from expressions(item, child(path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
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


class MissingMemberError(Exception):
    """A sample has nothing at a path: `token` is not in `value`."""

    def __init__(self, token: str | int, value: Any) -> None:
        super().__init__(token)
        self.token, self.value = token, value


def sampled(body: dict[str, Any], definition: Definition) -> Any:
    """Return what a JsonGet reads in the sample of its property file; UNKNOWN without a sample.

    Raises:
        MissingMemberError: the sample has nothing at the path.
    """
    place, path = property_file(body), body.get("Path")
    name = ".".join(place) if place else ""
    if name not in definition.samples or not isinstance(path, str):
        return UNKNOWN
    value = definition.samples[name]
    for token in tokens(path.removeprefix("$")) or []:
        try:
            value = value[token]
        except (KeyError, IndexError, TypeError):
            raise MissingMemberError(token, value) from None
    return value


def known(value: Any, definition: Definition, *, typical: bool = False) -> Any:
    """Return the value of an expression when the execution is started without parameters, else UNKNOWN.

    Args:
        typical: take values of the usual form for what an execution is called, for its length and its characters.
    """
    found = expression(value)
    if found is None:
        return value
    function, body = found
    if function == GET and isinstance(body, str):
        space, _, name = body.partition(".")
        parameter = definition.parameters.get(name) if space == "Parameters" else None
        if parameter is not None and parameter.default is not None:
            return parameter.default
        if space == "Execution" and typical and EXECUTION_VARIABLES.get(name):
            return EXECUTION_VARIABLES[name]
    if function == JSON_GET and isinstance(body, dict):
        with contextlib.suppress(MissingMemberError):
            return sampled(body, definition)
    if function == JOIN and isinstance(body, dict) and isinstance(body.get("Values"), list):
        separator = body.get("On", "")
        values = [known(item, definition, typical=typical) for item in body["Values"]]
        if isinstance(separator, str) and all(isinstance(item, str | int | float) for item in values):
            return separator.join(_text(item) for item in values)
    return UNKNOWN


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
