"""The declarations of parameters: names, types, defaults, choices, and whether anything uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import PARAMETER_KEYS, PARAMETER_TYPES, Definition, Json
from groundloop.spec.expressions import GET, expressions
from groundloop.suggestions import correction, listed, quoted

_NAME = re.compile(r"[A-Za-z0-9\-_]{1,256}")
# "SageMakerPipelineParameters" of EventBridge's targets in botocore's model.
_NAME_FOR_EVENTS = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
_MAX_PARAMETERS = 200
_MAX_VALUES = 16
_MAX_VALUE_LENGTH = 1024


def check_parameters(definition: Definition) -> Iterator[DefinitionFinding]:
    """Check each declaration by itself, then what only all of them together show."""
    items = definition.raw.get("Parameters")
    items = items if isinstance(items, list) else []
    if len(items) > _MAX_PARAMETERS:
        message = f"there are {len(items)} parameters"
        yield DefinitionFinding(
            DefinitionCode.TOO_MANY_PARAMETERS, None, "Parameters", message, f"declare {_MAX_PARAMETERS} at most"
        )
    seen: set[str] = set()
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("Name"), str):
            message = f"{quoted(item)} is not a parameter with a Name"
            yield DefinitionFinding(
                DefinitionCode.BAD_PARAMETER, None, f"Parameters[{index}]", message, "give it a Name and a Type"
            )
            continue
        name = item["Name"]
        if name in seen:
            message = f"parameter {name} is declared twice"
            yield DefinitionFinding(
                DefinitionCode.DUPLICATE_NAME, None, f"Parameters.{name}", message, "remove or rename one of them"
            )
        seen.add(name)
        yield from _declaration(item, name)
    yield from _unused(definition)


def _declaration(item: Json, name: str) -> Iterator[DefinitionFinding]:
    def finding(code: DefinitionCode, message: str, remedy: str, key: str = "") -> DefinitionFinding:
        return DefinitionFinding(code, None, f"Parameters.{name}{key}", message, remedy)

    if not _NAME.fullmatch(name):
        yield finding(
            DefinitionCode.BAD_NAME, f"{quoted(name)} is not a valid name", "use up to 256 of A-Z, a-z, 0-9, - and _"
        )
    elif not _NAME_FOR_EVENTS.fullmatch(name):
        message = f"an EventBridge rule can't set {name}: the name has an underscore, or a hyphen at an end"
        yield finding(DefinitionCode.NAME_NOT_FOR_EVENTS, message, "name it in CamelCase")
    for key in item:
        if key not in PARAMETER_KEYS:
            remedy = correction(key, PARAMETER_KEYS, f"there is: {listed(sorted(PARAMETER_KEYS))}")
            yield finding(DefinitionCode.UNKNOWN_KEY, f"a parameter has no {quoted(key)}", remedy, f".{key}")
    kind, default, values = item.get("Type"), item.get("DefaultValue"), item.get("EnumValues")
    if kind not in PARAMETER_TYPES:
        remedy = correction(kind, PARAMETER_TYPES, f"use one of {listed(PARAMETER_TYPES)}")
        yield finding(DefinitionCode.BAD_PARAMETER, f"there is no type {quoted(kind)}", remedy, ".Type")
        return
    if default is None:
        message = f"{name} has no default; schedules and a plain start give no value"
        yield finding(DefinitionCode.NO_DEFAULT, message, "give it a default")
    elif not _is(default, kind):
        yield finding(
            DefinitionCode.BAD_DEFAULT,
            f"the default {quoted(default)} of {name} is not of type {kind}",
            f"write one of type {kind}",
            ".DefaultValue",
        )
    elif isinstance(default, str) and len(default) > _MAX_VALUE_LENGTH:
        message = f"the default of {name} has {len(default)} characters; a start can give {_MAX_VALUE_LENGTH}"
        yield finding(DefinitionCode.BAD_DEFAULT, message, "keep it in a file and pass the file's URI", ".DefaultValue")
    if values is None:
        return
    if not isinstance(values, list) or not values:
        yield finding(
            DefinitionCode.BAD_PARAMETER,
            f"EnumValues of {name} is not a list of values",
            "list the values",
            ".EnumValues",
        )
        return
    if len(values) > _MAX_VALUES:
        message = f"{name} has {len(values)} EnumValues"
        yield finding(DefinitionCode.TOO_MANY_VALUES, message, f"offer {_MAX_VALUES} at most", ".EnumValues")
    for index, value in enumerate(values):
        if not _is(value, kind):
            message = f"the choice {quoted(value)} of {name} is not of type {kind}"
            yield finding(DefinitionCode.BAD_PARAMETER, message, f"write one of type {kind}", f".EnumValues[{index}]")
    if default is not None and default not in values:
        remedy = correction(default, [str(value) for value in values], "choose one of them, or add it")
        message = f"the default {quoted(default)} of {name} is none of its EnumValues ({listed(values)})"
        yield finding(DefinitionCode.BAD_DEFAULT, message, remedy, ".DefaultValue")


def _is(value: Any, kind: Any) -> bool:
    if kind == "String":
        return isinstance(value, str)
    if kind == "Boolean":
        return isinstance(value, bool)
    return isinstance(value, int if kind == "Integer" else int | float) and not isinstance(value, bool)


def _unused(definition: Definition) -> Iterator[DefinitionFinding]:
    elsewhere = {key: value for key, value in definition.raw.items() if key != "Parameters"}
    used = {
        str(body).removeprefix("Parameters.")
        for _, function, body in expressions(elsewhere, "")
        if function == GET and str(body).startswith("Parameters.")
    }
    for name in definition.parameters:
        if name not in used:
            message = f"nothing refers to parameter {name}: setting it changes nothing"
            yield DefinitionFinding(
                DefinitionCode.UNUSED_PARAMETER, None, f"Parameters.{name}", message, "refer to it, or remove it"
            )
