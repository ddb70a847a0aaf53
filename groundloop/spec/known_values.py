"""The values of expressions that are known before an execution: of defaults, of samples, and of joins of them."""

from __future__ import annotations

import contextlib
from enum import Enum
from typing import Any

from groundloop.spec.definition import Definition
from groundloop.spec.expressions import GET, JOIN, JSON_GET, expression, property_file, tokens
from groundloop.spec.step_types import EXECUTION_VARIABLES


class Unknown(Enum):
    """A value that only an execution knows."""

    VALUE = "unknown"


UNKNOWN = Unknown.VALUE


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
