"""Checks of the arguments of steps against the shapes of the API's requests.

Checked are required and unknown members, types, enums, patterns, ranges, sizes and unions; of a parameter its type,
its default and its choices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from botocore.model import Shape, StructureShape

from groundloop.check.expression_types import KINDS, NUMBERS, WHOLE, json_kind, kind_of, request_shape
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import Definition, Step
from groundloop.spec.expressions import GET, JOIN, child, expression, is_expression
from groundloop.spec.known_values import UNKNOWN, known
from groundloop.spec.shapes import Constraint, bounds, members, missing_members, violations
from groundloop.spec.step_types import NAMED_BY_SERVICE
from groundloop.suggestions import MAX_LISTED, correction, listed, quoted

_NAME = "use A-Z, a-z and 0-9, with hyphens between them"
_TAG = "use letters, digits, spaces and _ . : / = + - @"
#: Remedies for values that don't match; elsewhere the pattern itself is message.
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
    """Check the arguments of every step whose type has a request in the model."""
    for step in definition.steps:
        shape = request_shape(step)
        if shape is not None and isinstance(step.raw.get("Arguments"), dict):
            yield from _Request(definition, step).check(shape)


class _Request:
    def __init__(self, definition: Definition, step: Step) -> None:
        self._definition, self._step = definition, step

    def _finding(self, code: DefinitionCode, path: str, message: str, remedy: str) -> DefinitionFinding:
        return DefinitionFinding(code, self._step.name, path, message, remedy)

    def check(self, shape: Shape) -> Iterator[DefinitionFinding]:
        """Check the arguments and all values inside them; a null counts as absent, as it does for the service."""
        for member in members(self._step.arguments, shape, _join, "Arguments", is_leaf=is_expression):
            if member.value is not None:
                yield from self._member(member.value, member.shape, member.path)

    def _member(self, value: Any, shape: Shape, path: str) -> Iterator[DefinitionFinding]:
        if is_expression(value):
            yield from self._expression(value, shape, path)
        elif (fault := _type_fault(value, shape)) is not None:
            yield self._finding(DefinitionCode.WRONG_TYPE, path, *fault)
        elif isinstance(shape, StructureShape):
            yield from self._structure(value, shape, path)
        elif (violation := _violation(value, shape)) is not None:
            code, message, remedy = violation
            yield self._finding(code, path, message, remedy)

    def _structure(self, value: dict[str, Any], shape: StructureShape, path: str) -> Iterator[DefinitionFinding]:
        named = NAMED_BY_SERVICE - _referred_names(self._step) if path == "Arguments" else frozenset()
        for name in missing_members(value, shape):
            if name not in named:
                message = f"{name} is required and missing"
                yield self._finding(DefinitionCode.REQUIRED, child(path, name), message, f"add {name}")
        for key in value:
            if key not in shape.members:
                message = f"{shape.name} has no member {quoted(key)}"
                remedy = correction(key, shape.members, f"remove it; there is: {listed(shape.members, near=key)}")
                yield self._finding(DefinitionCode.UNKNOWN_MEMBER, child(path, key), message, remedy)
        given = [key for key, item in value.items() if item is not None]
        if getattr(shape, "is_tagged_union", False) and len(given) != 1:
            message = f"exactly one of {listed(shape.members)} has to be given, there are {len(given)}"
            yield self._finding(DefinitionCode.EXCLUSIVE, path, message, "keep one")

    def _expression(self, value: Any, shape: Shape, path: str) -> Iterator[DefinitionFinding]:
        expected, kind = KINDS.get(shape.type_name), kind_of(value, self._definition)
        if expected is None or kind is None:
            return
        if not _fits(kind, expected):
            yield self._finding(*_misfit(value, kind, expected, path))
            return
        if expected in WHOLE:
            return
        function, body = expression(value) or ("", None)
        if function == JOIN:
            joined = known(value, self._definition, typical=True)
            if joined is not UNKNOWN:
                violation = _violation(joined, shape)
                if violation is not None:
                    code, message, remedy = violation
                    yield self._finding(code, path, f"joined, {message}", remedy)
        elif function == GET and str(body).startswith("Parameters."):
            yield from self._parameter(str(body).removeprefix("Parameters."), shape, path)

    def _parameter(self, name: str, shape: Shape, path: str) -> Iterator[DefinitionFinding]:
        parameter = self._definition.parameters[name]
        if parameter.default == "":
            if _violation("", shape):
                message = f"parameter {name} is empty by default, and an empty {shape.name} is rejected"
                yield self._finding(DefinitionCode.EMPTY_DEFAULT, path, message, "give it a default that works")
        else:
            yield from self._parameter_value(parameter.default, f"parameter {name}: its default", shape, path)
        for value in parameter.values:
            if value not in (parameter.default, ""):
                yield from self._parameter_value(value, f"parameter {name}: its choice", shape, path)

    def _parameter_value(self, value: Any, source: str, shape: Shape, path: str) -> Iterator[DefinitionFinding]:
        if value is None or _type_fault(value, shape) is not None:
            return
        if violation := _violation(value, shape):
            _, message, remedy = violation
            yield self._finding(DefinitionCode.BAD_DEFAULT, path, f"{source} {message}", remedy)


def _join(path: str, parent: Shape, token: str | int, is_key: bool) -> str:
    return f"{path}[{token}]" if isinstance(token, int) else child(path, token)


def _referred_names(step: Step) -> frozenset[str]:
    """Return the names that refer to something else in this step's request, so that the service can't choose them."""
    return {
        "Transform": frozenset({"ModelName"}),
        "Endpoint": frozenset({"EndpointConfigName", "EndpointName"}),
        "InferenceComponent": frozenset({"EndpointName"}),
    }.get(step.type, frozenset())


def _fits(kind: str, expected: str) -> bool:
    return kind == expected or (expected == "Float" and kind in NUMBERS) or {kind, expected} == {"structure", "map"}


def _misfit(value: Any, kind: str, expected: str, path: str) -> tuple[DefinitionCode, str, str, str]:
    function, body = expression(value) or ("", None)
    source = str(body) if function == GET else function
    noun = f"{source} is of type {kind}"
    if kind in WHOLE:
        message = f"{source} is a whole {kind}, not a {expected}"
        return DefinitionCode.WHOLE_STRUCTURE, path, message, "continue the path to one of its members"
    if expected in WHOLE:
        return DefinitionCode.WRONG_TYPE, path, f"{noun}, not a {expected}", f"write out the {expected}"
    if expected == "String":
        return (
            DefinitionCode.WRONG_TYPE,
            path,
            f"{noun}, not String",
            "turn it into text: wrap it in Std:Join (to_string)",
        )
    return (
        DefinitionCode.WRONG_TYPE,
        path,
        f"{noun}, not {expected}",
        f"use a parameter of type {expected}, or write the value",
    )


def _type_fault(value: Any, shape: Shape) -> tuple[str, str] | None:
    """Return message and remedy if a literal is not of the member's type."""
    expected, kind = KINDS.get(shape.type_name), json_kind(value)
    if expected is None or kind is None or _fits(kind, expected):
        return None
    if expected == "Integer" and kind == "Float" and math.isfinite(value) and value == int(value):
        return None
    message = f"{quoted(value)} is of type {kind}, not {expected}"
    if expected == "String" and kind in {"Boolean", *NUMBERS}:
        return message, f'write it in quotes: "{quoted(value)}"'
    if kind == "String" and expected in {"Boolean", *NUMBERS}:
        return message, "write it without quotes"
    return message, f"write a value of type {expected}"


def _violation(value: Any, shape: Shape) -> tuple[DefinitionCode, str, str] | None:
    """Return code, message and remedy of the first constraint that a literal of the shape's type violates."""
    constraint = next(violations(value, shape), None)
    if constraint is None:
        return None
    allowed = _range(*bounds(shape))
    if constraint is Constraint.ENUM:
        return _not_in_enum(value, shape)
    if constraint is Constraint.PATTERN:
        pattern = shape.metadata["pattern"]
        remedy = _REMEDIES.get(shape.name, f"it has to match {pattern}")
        return DefinitionCode.BAD_PATTERN, f"{quoted(value)} is not a valid {shape.name}", remedy
    if constraint in (Constraint.MINIMUM, Constraint.MAXIMUM):
        return DefinitionCode.OUT_OF_RANGE, f"{quoted(value)} is out of range", f"use {allowed}"
    if isinstance(value, str):
        message = f"{quoted(value)} has {len(value)} characters"
        return DefinitionCode.WRONG_LENGTH, message, f"use {allowed} characters"
    return DefinitionCode.WRONG_LENGTH, f"there are {len(value)} items", f"give {allowed}"


def _not_in_enum(value: str, shape: Shape) -> tuple[DefinitionCode, str, str]:
    choices = listed(shape.enum, near=value)
    if len(shape.enum) <= MAX_LISTED:
        message = f"{quoted(value)} is not one of {choices}"
    else:
        message = f"{quoted(value)} is not one of the {len(shape.enum)} values of {shape.name}"
    return DefinitionCode.NOT_IN_ENUM, message, correction(value, shape.enum, f"use {choices}")


def _range(minimum: float | None, maximum: float | None) -> str:
    if maximum is None:
        return f"at least {minimum}"
    return f"{minimum or 0} to {maximum}"
