"""A pipeline definition as flat values with readable paths, so that two of them can be compared line by line.

Variables become what they hold in an execution that is started without values: a parameter its default. What only an
execution knows stays in braces: `{Prepare.Summary: training.num_classes}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from groundloop.spec.definition import Step, parse_definition
from groundloop.spec.expressions import is_expression
from groundloop.spec.graph import references, run_conditions
from pipeline.plan.expression_text import Text, common_contents, joined_document, render

#: Members that tell the items of a list apart.
_NAMES = ("PropertyFileName", "Name", "InputName", "OutputName", "ChannelName", "VariantName", "MetricName", "name")
#: Where a job's archive lies (pipeline/job_archive.py): another hash is other code at the same place.
_CODE = re.compile(r"(?<=/code/)[0-9a-f]{64}(?=/)")
#: One of several values of an option, each with a name: `map_50=0.5`.
_ASSIGNMENT = re.compile(r"[\w.-]+=(?!=)")
_BRANCHES = {"IfSteps": "if {} holds", "ElseSteps": "unless {} holds", "ForEachBody": "for each item of {}"}
_OPERATORS = {
    "Equals": "==",
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": ">=",
    "LessThan": "<",
    "LessThanOrEqualTo": "<=",
}


@dataclass(frozen=True)
class FlatValue:
    """A value as text, and what it depends on.

    Attributes:
        parameters: the pipeline's parameters that fill it.
        code: hash of the job archive that it names.
        per_execution: it is different in each execution.
        steps: the steps that it comes from.
        contents: those of the steps whose results it is made of, not where they lie.
    """

    text: str
    parameters: tuple[str, ...] = ()
    code: str | None = None
    per_execution: bool = False
    steps: tuple[str, ...] = ()
    contents: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FlatStep:
    """A step, with its values by readable paths.

    Attributes:
        place: the branch that it is in, in words; empty outside of one.
        after: the steps that it waits for, with the trigger of a run condition: `Train (Failed)`.
    """

    name: str
    type: str
    place: str
    after: frozenset[str]
    values: dict[str, FlatValue]
    raw: dict[str, Any]

    @property
    def arguments(self) -> dict[str, Any]:
        """The Arguments; empty if they are not an object."""
        arguments = self.raw.get("Arguments", {})
        return arguments if isinstance(arguments, dict) else {}


@dataclass(frozen=True)
class FlatDefinition:
    """A whole definition: parameters as written, steps by name in their order, and the values of the rest."""

    parameters: dict[str, dict[str, Any]]
    steps: dict[str, FlatStep]
    values: dict[str, FlatValue]

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters' defaults by name."""
        return {name: parameter.get("DefaultValue") for name, parameter in self.parameters.items()}


def read(text: str) -> FlatDefinition:
    """Return a definition from its JSON text.

    Raises:
        ValueError: it is not JSON, or not a definition.
    """
    raw = json.loads(text)
    if not isinstance(raw, dict):
        raise ValueError("a definition is a JSON object")
    definition, faults = parse_definition(raw)
    # A pipeline whose steps are all removed is compared too.
    if faults and raw.get("Steps"):
        raise ValueError(f"{faults[0].path}: {faults[0].message}")
    if len(definition.parameters) != len(raw.get("Parameters") or []):
        raise ValueError("Parameters: each parameter is a JSON object with a Name of its own")
    rest = {key: value for key, value in raw.items() if key not in ("Parameters", "Steps")}
    return FlatDefinition(
        {name: parameter.raw for name, parameter in definition.parameters.items()},
        {step.name: _flat_step(step, definition.defaults) for step in definition.steps},
        dict(flatten(rest, definition.defaults)),
    )


def _flat_step(step: Step, defaults: dict[str, Any]) -> FlatStep:
    own = step.own
    beside = {key: value for key, value in own.items() if key != "Arguments"}
    described = {key: step.raw[key] for key in ("DisplayName", "Description") if key in step.raw}
    return FlatStep(
        name=step.name,
        type=step.type,
        place=_BRANCHES[step.branch[1]].format(step.branch[0]) if step.branch else "",
        after=frozenset(_after(step)),
        values={**dict(flatten(own["Arguments"], defaults)), **dict(flatten({**described, **beside}, defaults))},
        raw=step.raw,
    )


def _after(step: Step) -> set[str]:
    conditions = run_conditions(step)
    names = {*references(step), *([step.branch[0]] if step.branch else [])} - {step.name}
    return {f"{name} ({conditions[name]})" if name in conditions else name for name in names}


def flatten(value: Any, defaults: dict[str, Any], path: str = "") -> Iterator[tuple[str, FlatValue]]:
    """Yield path and value of each value in a structure.

    Items of a list go by the name that they carry, container arguments by their option, and a list of plain values is
    one value.
    """
    if (document := joined_document(value)) is not None:
        yield from flatten(document, defaults, path)
    elif is_expression(value) or not isinstance(value, dict | list):
        yield path, _fact(value, defaults)
    elif isinstance(value, dict):
        if not value and path:
            yield path, FlatValue("{}")
        for key, inner in value.items():
            yield from flatten(inner, defaults, _join(path, key))
    elif path.endswith("ContainerArguments"):
        yield from _arguments(value, defaults)
    elif path == "Conditions":
        yield path, _condition(value, defaults)
    elif named := _named(value):
        for key, inner in named.items():
            yield from flatten(inner, defaults, _join(path, key))
    elif all(is_expression(item) or not isinstance(item, dict | list) for item in value):
        yield path, _together(", ", (_fact(item, defaults) for item in value), "[", "]")
    else:
        for index, inner in enumerate(value):
            yield from flatten(inner, defaults, f"{path}[{index}]")


def _arguments(values: list[Any], defaults: dict[str, Any]) -> Iterator[tuple[str, FlatValue]]:
    for option, given in _by_option([_fact(value, defaults) for value in values], lambda fact: fact.text):
        structure = _structure(given)
        if structure is not None:
            yield from flatten(structure, {}, option)
        elif len(given) > 1 and all(_ASSIGNMENT.match(fact.text) for fact in given):
            for fact in given:
                name, _, text = fact.text.partition("=")
                yield f"{option} {name}", replace(fact, text=text)
        else:
            yield option, _together(" ", given, "", "") if given else FlatValue("set")


def _by_option(values: list[FlatValue], text_of: Callable[[FlatValue], str]) -> list[tuple[str, list[FlatValue]]]:
    """Split a command line into options and values, in order.

    `--a 1 2 --b=x` has `--a` with 1 and 2, and `--b` with x.

    Parts of one value, `--b=x --b=y`, come together; an option that is repeated otherwise is numbered, `--a #2`.
    What stands before the first option goes by `argument`.
    """
    found: list[tuple[str, list[FlatValue]]] = []
    parts: dict[str, list[FlatValue]] = {}
    seen: dict[str, int] = {}
    for value in values:
        text = text_of(value)
        if text.startswith("--") and "=" in text.split(" ", 1)[0]:
            option, _, given = text.partition("=")
            if option not in parts:
                parts[option] = []
                found.append((option, parts[option]))
            parts[option].append(replace(value, text=given))
        elif text.startswith("--") and len(text) > 2:
            seen[text] = seen.get(text, 0) + 1
            found.append((text if seen[text] == 1 else f"{text} #{seen[text]}", []))
        elif found:
            found[-1][1].append(value)
        else:
            found.append(("argument", [value]))
    return found


def _structure(given: list[FlatValue]) -> Any:
    """Join the parts of a JSON object that was passed in pieces; None for anything else."""
    if not given or not given[0].text.startswith("{") or any(fact.parameters or fact.steps for fact in given):
        return None
    try:
        return json.loads("".join(fact.text for fact in given))
    except ValueError:
        return None


def _condition(conditions: list[Any], defaults: dict[str, Any]) -> FlatValue:
    return _together(" and ", (_one_condition(condition, defaults) for condition in conditions), "", "")


def _one_condition(condition: Any, defaults: dict[str, Any]) -> FlatValue:
    if isinstance(condition, dict) and (operator := _OPERATORS.get(condition.get("Type", ""))):
        sides = [_fact(condition.get(side), defaults) for side in ("LeftValue", "RightValue")]
        return _together(f" {operator} ", sides, "", "")
    return _fact(condition, defaults)


def _named(items: list[Any]) -> dict[str, Any] | None:
    """Return the items of a list by name, the values of a list of tags by key; None when they have no names."""
    if not items or not all(isinstance(item, dict) and not is_expression(item) for item in items):
        return None
    if all(item.keys() == {"Key", "Value"} for item in items):
        found = {str(item["Key"]): item["Value"] for item in items}
        return found if len(found) == len(items) else None
    for member in (*_NAMES, "ExceptionType"):
        names = [_name(item.get(member)) for item in items]
        if all(names) and len(set(names)) == len(items):
            return {
                name: {key: value for key, value in item.items() if key != member}
                for name, item in zip(names, items, strict=True)
            }
    return None


def _name(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "+".join(value)
    return value if isinstance(value, str) else ""


def _fact(value: Any, defaults: dict[str, Any]) -> FlatValue:
    found = render(value, defaults)
    return _masked(found)


def _masked(found: Text) -> FlatValue:
    code = _CODE.search(found.text)
    return FlatValue(
        _CODE.sub("...", found.text),
        found.parameters,
        code.group() if code else None,
        found.per_execution,
        found.steps,
        found.contents,
    )


def _together(on: str, facts: Iterable[FlatValue], start: str, end: str) -> FlatValue:
    listed = list(facts)
    return FlatValue(
        start + on.join(fact.text for fact in listed) + end,
        tuple(dict.fromkeys(name for fact in listed for name in fact.parameters)),
        "+".join(fact.code for fact in listed if fact.code) or None,
        any(fact.per_execution for fact in listed),
        tuple(dict.fromkeys(name for fact in listed for name in fact.steps)),
        common_contents(listed),
    )


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
