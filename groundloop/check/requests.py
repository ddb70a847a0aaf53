"""Arguments held against botocore's input shapes, with what botocore's own validator skips.

Botocore checks required and unknown members, types and minima of plain requests. Here also enums, patterns, maxima,
list sizes and unions, and the same for what parameters bring in: their types and their defaults.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from groundloop.check.expression_types import KINDS, NUMBERS, WHOLE, json_kind, kind_of, request_shape
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import Definition, Step
from groundloop.spec.expressions import GET, JOIN, UNKNOWN, child, expression, known
from groundloop.spec.patterns import matches
from groundloop.spec.step_types import NAMED_BY_SERVICE
from groundloop.suggestions import correction, listed, quoted

_NAME = "use A-Z, a-z and 0-9, with hyphens between them"
_TAG = "use letters, digits, spaces and _ . : / = + - @"
#: Remedies for values that don't match; elsewhere the pattern itself is told.
_REMEDIES = {
    "RoleArn": "write an ARN like arn:aws:iam::111122223333:role/name",
    "S3Uri": "write an S3 URI like s3://bucket/key",
    "Url": "write an S3 URI like s3://bucket/key",
    "ArnOrName": f"{_NAME}, or an ARN",
    "EntityName": _NAME,
    "ModelName": _NAME,
    "EndpointName": _NAME,
    "EndpointConfigName": _NAME,
    "TagKey": _TAG,
    "TagValue": _TAG,
}


def check_requests(definition: Definition) -> Iterator[DefinitionFinding]:
    """The Arguments of every step whose type has a shape in the model."""
    for step in definition.steps:
        shape = request_shape(step)
        if shape is not None and isinstance(step.raw.get("Arguments"), dict):
            yield from _Request(definition, step).check(step.arguments, shape, "Arguments", top=True)


class _Request:
    def __init__(self, definition: Definition, step: Step) -> None:
        self._definition, self._step = definition, step

    def _finding(self, code: DefinitionCode, path: str, message: str, remedy: str) -> DefinitionFinding:
        return DefinitionFinding(code, self._step.name, path, message, remedy)

    def check(self, value: Any, shape: Shape, path: str, *, top: bool = False) -> Iterator[DefinitionFinding]:
        """The findings in one member. A null counts as absent, as it does for the service."""
        if value is None:
            return
        if expression(value):
            yield from self._expression(value, shape, path)
        elif (fault := _type_fault(value, shape)) is not None:
            yield self._finding(DefinitionCode.WRONG_TYPE, path, *fault)
        elif isinstance(shape, StructureShape):
            yield from self._structure(value, shape, path, top)
        else:
            for code, message, remedy in _constraints(value, shape):
                yield self._finding(code, path, message, remedy)
            if isinstance(shape, ListShape):
                for index, item in enumerate(value):
                    yield from self.check(item, shape.member, f"{path}[{index}]")
            elif isinstance(shape, MapShape):
                for key, item in value.items():
                    yield from self.check(key, shape.key, child(path, key))
                    yield from self.check(item, shape.value, child(path, key))

    def _structure(
        self, value: dict[str, Any], shape: StructureShape, path: str, top: bool
    ) -> Iterator[DefinitionFinding]:
        given = {key for key, item in value.items() if item is not None}
        for name in shape.required_members:
            if name not in given and not (top and name in NAMED_BY_SERVICE and name not in _referred(self._step)):
                yield self._finding(
                    DefinitionCode.REQUIRED, child(path, name), f"{name} is required and missing", f"add {name}"
                )
        for key, item in value.items():
            if key in shape.members:
                yield from self.check(item, shape.members[key], child(path, key))
            else:
                told = f"{shape.name} has no member {quoted(key)}"
                remedy = correction(key, shape.members, f"remove it; there is: {listed(shape.members, near=key)}")
                yield self._finding(DefinitionCode.UNKNOWN_MEMBER, child(path, key), told, remedy)
        if getattr(shape, "is_tagged_union", False) and len(given) != 1:
            told = f"exactly one of {listed(shape.members)} may be given, here {len(given)}"
            yield self._finding(DefinitionCode.EXCLUSIVE, path, told, "keep one")

    def _expression(self, value: Any, shape: Shape, path: str) -> Iterator[DefinitionFinding]:
        wanted, kind = KINDS.get(shape.type_name), kind_of(value, self._definition)
        if wanted is None or kind is None:
            return
        if not _fits(kind, wanted):
            yield self._finding(*_misfit(value, kind, wanted, path))
            return
        if wanted in WHOLE:
            return
        function, body = expression(value) or ("", None)
        if function == JOIN:
            joined = known(value, self._definition, typical=True)
            if joined is not UNKNOWN:
                for code, message, remedy in _constraints(joined, shape):
                    yield self._finding(code, path, f"joined, {message}", remedy)
        elif function == GET and str(body).startswith("Parameters."):
            yield from self._parameter(str(body).removeprefix("Parameters."), shape, path)

    def _parameter(self, name: str, shape: Shape, path: str) -> Iterator[DefinitionFinding]:
        parameter = self._definition.parameters[name]
        default, told = parameter.default, f"parameter {name}"
        if default == "":
            if next(_constraints(default, shape), None):
                message = f"{told} is empty by default, and an empty {shape.name} is refused"
                yield self._finding(DefinitionCode.EMPTY_DEFAULT, path, message, "give it a default that works")
        elif default is not None and _type_fault(default, shape) is None:
            for _, message, remedy in _constraints(default, shape):
                yield self._finding(DefinitionCode.BAD_DEFAULT, path, f"{told}: its default {message}", remedy)
        for value in parameter.values:
            if value not in (default, "") and _type_fault(value, shape) is None:
                for _, message, remedy in _constraints(value, shape):
                    yield self._finding(DefinitionCode.BAD_DEFAULT, path, f"{told}: its choice {message}", remedy)


def _referred(step: Step) -> frozenset[str]:
    """Names that refer to something else in this step's request, so that the service can't make them up."""
    return {
        "Transform": frozenset({"ModelName"}),
        "Endpoint": frozenset({"EndpointConfigName", "EndpointName"}),
        "InferenceComponent": frozenset({"EndpointName"}),
    }.get(step.type, frozenset())


def _fits(kind: str, wanted: str) -> bool:
    return kind == wanted or (wanted == "Float" and kind in NUMBERS) or {kind, wanted} == {"structure", "map"}


def _misfit(value: Any, kind: str, wanted: str, path: str) -> tuple[DefinitionCode, str, str, str]:
    function, body = expression(value) or ("", None)
    source = str(body) if function == GET else function
    noun = f"{source} is of type {kind}"
    if kind in WHOLE:
        told = f"{source} is a whole {kind}, not a {wanted}"
        return DefinitionCode.WHOLE_STRUCTURE, path, told, "continue the path to one of its members"
    if wanted in WHOLE:
        return DefinitionCode.WRONG_TYPE, path, f"{noun}, not a {wanted}", f"write out the {wanted}"
    if wanted == "String":
        return (
            DefinitionCode.WRONG_TYPE,
            path,
            f"{noun}, not String",
            "turn it into text: wrap it in Std:Join (to_string)",
        )
    return (
        DefinitionCode.WRONG_TYPE,
        path,
        f"{noun}, not {wanted}",
        f"use a parameter of type {wanted}, or write the value",
    )


def _type_fault(value: Any, shape: Shape) -> tuple[str, str] | None:
    """(message, remedy) if a literal isn't of the member's type."""
    wanted, kind = KINDS.get(shape.type_name), json_kind(value)
    if wanted is None or kind is None or _fits(kind, wanted):
        return None
    if wanted == "Integer" and kind == "Float" and math.isfinite(value) and value == int(value):
        return None
    told = f"{quoted(value)} is of type {kind}, not {wanted}"
    if wanted == "String" and kind in {"Boolean", *NUMBERS}:
        return told, f'write it in quotes: "{quoted(value)}"'
    if kind == "String" and wanted in {"Boolean", *NUMBERS}:
        return told, "write it without quotes"
    return told, f"write a value of type {wanted}"


def _constraints(value: Any, shape: Shape) -> Iterator[tuple[DefinitionCode, str, str]]:
    """(code, message, remedy) for each constraint of a shape that a literal of its type breaks."""
    smallest, largest = shape.metadata.get("min"), shape.metadata.get("max")
    if isinstance(shape, StringShape):
        if shape.enum and value not in shape.enum:
            told = f"{quoted(value)} is not {'one of ' if len(shape.enum) <= 8 else ''}{listed(shape.enum, near=value)}"
            if len(shape.enum) > 8:
                told = f"{quoted(value)} is none of the {len(shape.enum)} values of {shape.name}"
            yield (
                DefinitionCode.NOT_IN_ENUM,
                told,
                correction(value, shape.enum, f"use {listed(shape.enum, near=value)}"),
            )
            return
        if (smallest is not None and len(value) < smallest) or (largest is not None and len(value) > largest):
            told = f"{quoted(value)} has {len(value)} characters"
            yield DefinitionCode.WRONG_LENGTH, told, f"use {_range(smallest, largest)} characters"
            return
        pattern = shape.metadata.get("pattern")
        if pattern and not matches(pattern, value):
            remedy = _REMEDIES.get(shape.name, f"it has to match {pattern}")
            yield DefinitionCode.BAD_PATTERN, f"{quoted(value)} is no valid {shape.name}", remedy
    elif isinstance(shape, ListShape | MapShape):
        if (smallest is not None and len(value) < smallest) or (largest is not None and len(value) > largest):
            yield DefinitionCode.WRONG_LENGTH, f"there are {len(value)} items", f"give {_range(smallest, largest)}"
    elif KINDS.get(shape.type_name) in NUMBERS and (
        (smallest is not None and value < smallest) or (largest is not None and value > largest)
    ):
        yield DefinitionCode.OUT_OF_RANGE, f"{quoted(value)} is out of range", f"use {_range(smallest, largest)}"


def _range(smallest: float | None, largest: float | None) -> str:
    if largest is None:
        return f"at least {smallest}"
    return f"{smallest or 0} to {largest}"
