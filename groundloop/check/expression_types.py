"""The types that expressions evaluate to, with property references checked against the Describe* output shapes."""

from __future__ import annotations

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from groundloop.check.findings import DefinitionCode
from groundloop.spec.definition import Definition, Step
from groundloop.spec.expressions import GET, JOIN, JSON_GET, expression, tokens
from groundloop.spec.known_values import UNKNOWN, MissingMemberError, sampled
from groundloop.spec.shapes import input_shape, output_shape
from groundloop.spec.step_types import EXECUTION_VARIABLES, STEP_TYPES
from groundloop.suggestions import correction, listed, quoted

#: Types of parameters, properties and members in one vocabulary.
KINDS = {
    "string": "String",
    "integer": "Integer",
    "long": "Integer",
    "float": "Float",
    "double": "Float",
    "boolean": "Boolean",
    "structure": "structure",
    "map": "map",
    "list": "list",
}
NUMBERS = {"Integer", "Float"}
WHOLE = {"structure", "map", "list"}
_NAME_MEMBERS = ("OutputName", "InputName", "ChannelName", "VariantName", "MetricName", "Name", "Key")
# Lists of a Processing step's arguments that its properties show by name.
_BY_NAME = {"Outputs": ("ProcessingOutputConfig", "OutputName"), "ProcessingInputs": (None, "InputName")}


class BadReferenceError(Exception):
    """A reference leads nowhere."""

    def __init__(self, code: DefinitionCode, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code, self.message, self.remedy = code, message, remedy


def kind_of(value: Any, definition: Definition) -> str | None:
    """Return the type of a value or an expression; None where only an execution knows, or the reference is faulty."""
    found = expression(value)
    if found is None:
        return json_kind(value)
    function, body = found
    try:
        if function == GET and isinstance(body, str):
            return get_kind(body, definition)
        if function == JOIN:
            return "String"
        if function == JSON_GET and isinstance(body, dict):
            sample = sampled(body, definition)
            return None if sample is UNKNOWN else json_kind(sample)
    except (BadReferenceError, MissingMemberError):
        pass
    return None


def json_kind(value: Any) -> str | None:
    """Return the type of a literal."""
    if isinstance(value, bool):
        return "Boolean"
    for types, kind in ((str, "String"), (int, "Integer"), (float, "Float"), (list, "list"), (dict, "structure")):
        if isinstance(value, types):
            return kind
    return None


def get_kind(path: str, definition: Definition) -> str | None:
    """Return the type of the value that a `Get` reads.

    Raises:
        BadReferenceError: the path leads nowhere.
    """
    space, _, rest = path.partition(".")
    if space == "Parameters":
        if rest not in definition.parameters:
            remedy = correction(rest, definition.parameters, "declare it under Parameters, or correct the name")
            raise BadReferenceError(DefinitionCode.UNKNOWN_PARAMETER, f"there is no parameter {quoted(rest)}", remedy)
        return definition.parameters[rest].type
    if space == "Execution":
        if rest not in EXECUTION_VARIABLES:
            remedy = correction(rest, EXECUTION_VARIABLES, f"use one of {', '.join(EXECUTION_VARIABLES)}")
            raise BadReferenceError(
                DefinitionCode.UNKNOWN_VARIABLE, f"an execution has no variable {quoted(rest)}", remedy
            )
        return "String"
    if space == "Steps":
        return _property_kind(path, definition)
    if space == "PipelineExperimentConfig":
        return "String"
    if space in {"ForEach", "IterationOutput"}:
        return None
    spaces = ("Parameters", "Steps", "Execution", "PipelineExperimentConfig")
    remedy = correction(space, spaces, "begin it with Parameters, Steps or Execution")
    raise BadReferenceError(DefinitionCode.BAD_EXPRESSION, f"Get {quoted(path)} is of no known namespace", remedy)


def _property_kind(path: str, definition: Definition) -> str | None:
    parts = tokens(path)
    if parts is None or len(parts) < 2:
        raise BadReferenceError(
            DefinitionCode.BAD_EXPRESSION, f"Get {quoted(path)} is not a path", "write Steps.<step>.<property>"
        )
    name, rest = str(parts[1]), parts[2:]
    step = definition.steps_by_name.get(name)
    if step is None:
        remedy = correction(name, definition.steps_by_name, "name a step of this definition")
        raise BadReferenceError(DefinitionCode.UNKNOWN_STEP, f"there is no step {quoted(name)}", remedy)
    if not rest:
        message = f"{quoted(path)} is a step, not a value"
        raise BadReferenceError(
            DefinitionCode.WHOLE_STRUCTURE, message, f"name one of the properties of {name}, to its last member"
        )
    if rest[0] == "PropertyFiles":
        message = f"{quoted(path)} is a property file, not a value"
        raise BadReferenceError(DefinitionCode.BAD_EXPRESSION, message, "read a value of it with Std:JsonGet")
    return _followed(step, rest, path)


def _followed(step: Step, rest: list[str | int], path: str) -> str | None:
    kind = STEP_TYPES.get(step.type)
    if kind is None or kind.open_properties:
        return None
    if step.type in {"Lambda", "Callback"}:
        return _output_parameter(step, rest, path)
    first = str(rest[0])
    if first in kind.properties:
        return kind.properties[first]
    for operation in kind.answers:
        shape = output_shape(operation)
        if first in shape.members:
            _check_declared(step, rest, path)
            return _walk(shape, rest, path)
    members = {*kind.properties, *(name for operation in kind.answers for name in output_shape(operation).members)}
    message = f"a step of type {step.type} has no property {quoted(first)} ({path})"
    else_do = f"use {listed(sorted(members), near=first)}" if members else "refer to another step"
    raise BadReferenceError(DefinitionCode.UNKNOWN_PROPERTY, message, correction(first, members, else_do))


def _walk(shape: Shape, rest: list[str | int], path: str) -> str | None:
    for token in rest:
        if isinstance(shape, StructureShape):
            if token not in shape.members:
                message = f"{shape.name} has no member {quoted(token)} ({path})"
                remedy = correction(token, shape.members, f"use {listed(shape.members, near=token)}")
                raise BadReferenceError(DefinitionCode.UNKNOWN_PROPERTY, message, remedy)
            shape = shape.members[token]
        elif isinstance(shape, ListShape):
            named = isinstance(shape.member, StructureShape) and any(n in shape.member.members for n in _NAME_MEMBERS)
            if isinstance(token, str) and not named:
                message = f"{shape.name} is a list, and {quoted(token)} is not an index ({path})"
                raise BadReferenceError(DefinitionCode.UNKNOWN_PROPERTY, message, "write an index, e.g. [0]")
            shape = shape.member
        elif isinstance(shape, MapShape):
            shape = shape.value
        else:
            message = f"{shape.name} is a {shape.type_name}, which has no {quoted(token)} ({path})"
            raise BadReferenceError(DefinitionCode.UNKNOWN_PROPERTY, message, "end the path before it")
    return KINDS.get(shape.type_name)


def _check_declared(step: Step, rest: list[str | int], path: str) -> None:
    """Check that a path names an input or output that the arguments of a Processing step list."""
    for index, token in enumerate(rest[:-1]):
        name = rest[index + 1]
        if step.type == "Processing" and token in _BY_NAME and isinstance(name, str):
            outer, member = _BY_NAME[str(token)]
            names = declared(step, outer, str(token), member)
            if names is not None and name not in names:
                noun = "output" if token == "Outputs" else "input"  # noqa: S105
                message = f"step {step.name} has no {noun} {quoted(name)} ({path})"
                remedy = correction(name, names, f"use one of its {noun}s: {listed(names) or 'there are none'}")
                raise BadReferenceError(DefinitionCode.UNKNOWN_OUTPUT, message, remedy)


def declared(step: Step, outer: str | None, key: str, member: str) -> list[str] | None:
    """Return the names in a list of a step's arguments; None when they cannot be known."""
    if not isinstance(step.raw.get("Arguments"), dict):
        return None
    holder = step.arguments.get(outer) if outer else step.arguments
    items = holder.get(key) if isinstance(holder, dict) else None
    names = [item.get(member) if isinstance(item, dict) else None for item in items] if isinstance(items, list) else []
    texts = [name for name in names if isinstance(name, str)]
    return texts if len(texts) == len(names) else None


def _output_parameter(step: Step, rest: list[str | int], path: str) -> str | None:
    items = step.raw.get("OutputParameters")
    outputs = {
        item["OutputName"]: item.get("OutputType")
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and isinstance(item.get("OutputName"), str)
    }
    if rest[0] != "OutputParameters" or len(rest) < 2:
        message = f"a step of type {step.type} has no property {quoted(rest[0])} ({path})"
        raise BadReferenceError(DefinitionCode.UNKNOWN_PROPERTY, message, "write OutputParameters['<name>']")
    if rest[1] not in outputs:
        message = f"step {step.name} has no output {quoted(rest[1])} ({path})"
        remedy = correction(rest[1], outputs, f"declare it in OutputParameters of {step.name}")
        raise BadReferenceError(DefinitionCode.UNKNOWN_OUTPUT, message, remedy)
    kind = outputs[rest[1]]
    return kind if isinstance(kind, str) else None


def check_sampled(body: dict[str, Any], definition: Definition) -> None:
    """Look a JsonGet's path up in the sample of its property file, if there is one.

    Raises:
        BadReferenceError: the sample has nothing at the path.
    """
    try:
        sampled(body, definition)
    except MissingMemberError as error:
        keys = [str(key) for key in error.value] if isinstance(error.value, dict) else []
        there = listed(keys, near=error.token) or quoted(error.value)
        message = f"the sample has nothing at {quoted(body['Path'])}: there is no {quoted(error.token)}"
        remedy = correction(error.token, keys, f"there is: {there}")
        raise BadReferenceError(DefinitionCode.BAD_JSON_PATH, message, remedy) from None


def request_shape(step: Step) -> Shape | None:
    """Return the shape of a step's arguments; None for a step that has none in the model."""
    kind = STEP_TYPES.get(step.type)
    if kind is None or kind.operation is None:
        return None
    version_2 = step.type == "AutoML" and "AutoMLJobInputDataConfig" in step.arguments
    return input_shape("CreateAutoMLJobV2" if version_2 else kind.operation)
