"""The parameters of a pipeline: their declarations, and values of their types."""

from __future__ import annotations

import math
from collections.abc import Set
from typing import Any

from groundloop.spec.definition import PARAMETER_KEYS, PARAMETER_TYPES, Json, Parameter


class DefinitionError(Exception):
    """A definition is not valid; the message names the place."""


def check_keys(item: Json, keys: Set[str], what: str) -> None:
    """Check that an object has no other keys than these.

    Raises:
        DefinitionError: it has others.
    """
    if unknown := sorted(set(item) - keys):
        raise DefinitionError(f"{what} has unknown keys: {', '.join(unknown)}")


def check_parameters(declarations: Any) -> None:
    """Check the declarations of a definition's parameters.

    Raises:
        DefinitionError: one is malformed or repeated, or its default is not of its type.
    """
    if not isinstance(declarations, list):
        raise DefinitionError("Parameters is not a list")
    names: set[str] = set()
    for item in declarations:
        if not isinstance(item, dict) or not isinstance(item.get("Name"), str):
            raise DefinitionError(f"a parameter has no Name: {item!r}")
        name, kind, values = item["Name"], item.get("Type"), item.get("EnumValues") or []
        check_keys(item, PARAMETER_KEYS, f"parameter {name}")
        if kind not in PARAMETER_TYPES:
            raise DefinitionError(f"parameter {name}: Type {kind!r} is not one of {', '.join(PARAMETER_TYPES)}")
        if not isinstance(values, list):
            raise DefinitionError(f"parameter {name}: EnumValues is not a list")
        if name in names:
            raise DefinitionError(f"parameter {name} is declared twice")
        names.add(name)
        if item.get("DefaultValue") is not None:
            cast(Parameter(name, kind, None, tuple(values)), item["DefaultValue"])


def cast(parameter: Parameter, value: Any) -> Any:
    """Return a value as the parameter's type, from the text of a start request or from the definition.

    Raises:
        DefinitionError: it is of another type, or not one of the parameter's values.
    """
    result = _typed(parameter.type, value)
    if result is None:
        raise DefinitionError(f"parameter {parameter.name}: {value!r} is not of type {parameter.type}")
    if parameter.values and result not in parameter.values:
        choices = ", ".join(map(str, parameter.values))
        raise DefinitionError(f"parameter {parameter.name}: {value!r} is not one of {choices}")
    return result


def _typed(kind: str | None, value: Any) -> Any:
    """Return a value as a type, None if it isn't of this type."""
    try:
        if kind == "String":
            return value if isinstance(value, str) else None
        if kind == "Boolean":
            return {"true": True, "false": False}.get(str(value).lower())
        if isinstance(value, bool):
            return None
        if kind == "Float":
            number = float(value)
            return number if math.isfinite(number) else None
        return int(value) if isinstance(value, str) or value == int(value) else None
    except (TypeError, ValueError, OverflowError):
        return None
