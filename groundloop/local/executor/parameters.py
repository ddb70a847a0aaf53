"""The parameters of a pipeline and their types."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_PARAMETER_TYPES = ("String", "Integer", "Float", "Boolean")


class DefinitionError(Exception):
    """The definition is not valid; the text says where."""


def check_keys(item: Json, keys: set[str], what: str) -> None:
    """DefinitionError if an object has other keys than these."""
    if unknown := sorted(set(item) - keys):
        raise DefinitionError(f"{what} has unknown keys: {', '.join(unknown)}")


@dataclass(frozen=True)
class Parameter:
    """One pipeline parameter; ``default`` is None if every start has to give a value."""

    name: str
    type: str
    default: Any = None
    enum: tuple[Any, ...] = ()

    def cast(self, value: Any) -> Any:
        """A value as the parameter's type, from the text of a start request or from the definition.

        Raises:
            DefinitionError: wrong type, or not one of the enum's values.
        """
        made = self._typed(value)
        if made is None:
            raise DefinitionError(f"parameter {self.name}: {value!r} is not of type {self.type}")
        if self.enum and made not in self.enum:
            raise DefinitionError(f"parameter {self.name}: {value!r} is not one of {', '.join(map(str, self.enum))}")
        return made

    def _typed(self, value: Any) -> Any:
        try:
            if self.type == "String":
                return value if isinstance(value, str) else None
            if self.type == "Boolean":
                return {"true": True, "false": False}.get(str(value).lower())
            if isinstance(value, bool):
                return None
            if self.type == "Float":
                number = float(value)
                return number if math.isfinite(number) else None
            return int(value) if isinstance(value, str) or value == int(value) else None
        except (TypeError, ValueError, OverflowError):
            return None


def parameter_of(item: Any) -> Parameter:
    """One declaration of the definition; DefinitionError if it is faulty."""
    if not isinstance(item, dict) or not isinstance(item.get("Name"), str):
        raise DefinitionError(f"a parameter has no Name: {item!r}")
    name = item["Name"]
    check_keys(item, {"Name", "Type", "DefaultValue", "EnumValues"}, f"parameter {name}")
    if item.get("Type") not in _PARAMETER_TYPES:
        raise DefinitionError(
            f"parameter {name}: Type {item.get('Type')!r} is not one of {', '.join(_PARAMETER_TYPES)}"
        )
    values = item.get("EnumValues") or []
    if not isinstance(values, list):
        raise DefinitionError(f"parameter {name}: EnumValues is not a list")
    parameter = Parameter(name, item["Type"], None, tuple(values))
    if (default := item.get("DefaultValue")) is None:
        return parameter
    return Parameter(name, parameter.type, parameter.cast(default), parameter.enum)
