"""Condition steps: the form of their conditions and the types that they compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundloop.check.expression_types import NUMBERS, WHOLE, kind_of
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import NESTED_STEPS, Definition, Json, Step
from groundloop.spec.graph import enclosing_condition
from groundloop.suggestions import correction, quoted

# As the SDK's ForEachStep has it.
_NOT_IN_LOOPS = {"Condition", "Fail", "ForEach"}
_MAX_CONCURRENCY = 50
_COMPARE = ("LeftValue", "RightValue")
_MEMBERS = {
    "Equals": _COMPARE,
    "GreaterThan": _COMPARE,
    "GreaterThanOrEqualTo": _COMPARE,
    "LessThan": _COMPARE,
    "LessThanOrEqualTo": _COMPARE,
    "In": ("QueryValue", "Values"),
    "Not": ("Condition",),
    "Or": ("Conditions",),
}


def check_conditions(definition: Definition) -> Iterator[DefinitionFinding]:
    """Check the arguments of all Condition and ForEach steps, without the steps inside them."""
    for step in definition.steps:
        if step.type == "Condition":
            yield from _step(definition, step)
            yield from _nested(step)
        elif step.type == "ForEach":
            yield from _keys(step, {"IterableItems", "MaxConcurrency", "Selector", *NESTED_STEPS["ForEach"]})
            yield from _loop(step)
        if step.type in _NOT_IN_LOOPS and any(key == "ForEachBody" for _, key in step.inside):
            message = f"a step of type {step.type} can't stand in a ForEachBody"
            yield DefinitionFinding(DefinitionCode.MALFORMED, step.name, "Type", message, "move it out of the loop")


def _nested(step: Step) -> Iterator[DefinitionFinding]:
    if outer := enclosing_condition(step):
        message = f"a Condition in a branch of another ({outer}) is not supported by SageMaker Pipelines"
        remedy = (
            f"move {step.name} out of {outer} to the top level, with DependsOn of a step of that branch: "
            "it starts only if that step has run"
        )
        yield DefinitionFinding(DefinitionCode.NESTED_CONDITION, step.name, "Type", message, remedy)


def _loop(step: Step) -> Iterator[DefinitionFinding]:
    for key in ("IterableItems", "MaxConcurrency", "ForEachBody"):
        if not step.arguments.get(key):
            yield DefinitionFinding(
                DefinitionCode.REQUIRED, step.name, f"Arguments.{key}", f"{key} is required and missing", f"add {key}"
            )
    at_once = step.arguments.get("MaxConcurrency")
    if isinstance(at_once, int) and not 0 <= at_once <= _MAX_CONCURRENCY:
        message = f"MaxConcurrency {at_once} is out of range"
        yield DefinitionFinding(
            DefinitionCode.OUT_OF_RANGE, step.name, "Arguments.MaxConcurrency", message, f"use 1 to {_MAX_CONCURRENCY}"
        )


def _keys(step: Step, known: set[str]) -> Iterator[DefinitionFinding]:
    for key in sorted(set(step.arguments) - known):
        remedy = correction(key, known, "remove it")
        message = f"a {step.type} step has no argument {quoted(key)}"
        yield DefinitionFinding(DefinitionCode.UNKNOWN_MEMBER, step.name, f"Arguments.{key}", message, remedy)


def _step(definition: Definition, step: Step) -> Iterator[DefinitionFinding]:
    yield from _keys(step, {"Conditions", *NESTED_STEPS["Condition"]})
    conditions = step.arguments.get("Conditions")
    if not isinstance(conditions, list) or not conditions:
        message = "the step has no list of Conditions"
        yield DefinitionFinding(
            DefinitionCode.BAD_CONDITION, step.name, "Arguments.Conditions", message, "give it at least one condition"
        )
        return
    for index, condition in enumerate(conditions):
        yield from _condition(definition, step, condition, f"Arguments.Conditions[{index}]")
    if not step.arguments.get("IfSteps") and not step.arguments.get("ElseSteps"):
        message = "neither branch has a step: the condition decides nothing"
        yield DefinitionFinding(
            DefinitionCode.IDLE_CONDITION, step.name, "Arguments", message, "add IfSteps or ElseSteps"
        )


def _condition(definition: Definition, step: Step, condition: Any, path: str) -> Iterator[DefinitionFinding]:
    kind = condition.get("Type") if isinstance(condition, dict) else None
    if not isinstance(kind, str) or kind not in _MEMBERS:
        remedy = correction(kind, _MEMBERS, f"use one of {', '.join(_MEMBERS)}")
        message = f"there is no condition of type {quoted(kind)}"
        yield DefinitionFinding(DefinitionCode.BAD_CONDITION, step.name, f"{path}.Type", message, remedy)
        return
    for member in _MEMBERS[kind]:
        if condition.get(member) is None:
            message = f"a condition of type {kind} needs {member}"
            yield DefinitionFinding(
                DefinitionCode.BAD_CONDITION, step.name, f"{path}.{member}", message, f"add {member}"
            )
    for key in sorted(set(condition) - {"Type", *_MEMBERS[kind]}):
        message = f"a condition of type {kind} has no {quoted(key)}"
        remedy = correction(key, _MEMBERS[kind], f"it takes {' and '.join(_MEMBERS[kind])}")
        yield DefinitionFinding(DefinitionCode.BAD_CONDITION, step.name, f"{path}.{key}", message, remedy)
    if kind == "Not" and condition.get("Condition") is not None:
        yield from _condition(definition, step, condition["Condition"], f"{path}.Condition")
    elif kind in {"Or", "In"}:
        member = _MEMBERS[kind][-1]
        items = condition.get(member)
        if items is not None and (not isinstance(items, list) or not items):
            message = f"{member} is not a list with items"
            yield DefinitionFinding(
                DefinitionCode.BAD_CONDITION, step.name, f"{path}.{member}", message, "give it a list of at least one"
            )
        for index, item in enumerate(items if isinstance(items, list) else []):
            at = f"{path}.{member}[{index}]"
            if kind == "Or":
                yield from _condition(definition, step, item, at)
            else:
                yield from _types(definition, step, condition.get("QueryValue"), item, at)
    elif kind != "Not":
        yield from _types(definition, step, condition.get("LeftValue"), condition.get("RightValue"), path, condition)


def _types(
    definition: Definition, step: Step, left: Any, right: Any, path: str, condition: Json | None = None
) -> Iterator[DefinitionFinding]:
    kinds = [kind_of(value, definition) for value in (left, right)]
    for value, kind, member in zip((left, right), kinds, _COMPARE, strict=True):
        if kind in WHOLE and (condition is None or value is not None):
            message = f"{quoted(value)} is a {kind}, which can't be compared"
            at = f"{path}.{member}" if condition else path
            yield DefinitionFinding(
                DefinitionCode.CONDITION_TYPES, step.name, at, message, "compare one of its members"
            )
    one, other = kinds
    if one is None or other is None or one in WHOLE or other in WHOLE:
        return
    if one != other and not {one, other} <= NUMBERS:
        message = f"{quoted(left)} ({one}) is compared with {quoted(right)} ({other})"
        yield DefinitionFinding(
            DefinitionCode.CONDITION_TYPES, step.name, path, message, "compare values of the same type"
        )
    elif one == "Boolean" and condition and condition["Type"] != "Equals":
        message = f"{condition['Type']} can't compare Booleans"
        yield DefinitionFinding(DefinitionCode.CONDITION_TYPES, step.name, path, message, "use Equals")
