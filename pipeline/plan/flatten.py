"""A pipeline definition as flat facts with readable paths, so that two of them can be told apart line by line.

Variables become what they hold in an execution that is started without values: a parameter its default. What only an
execution knows stays in braces: ``{Prepare.Summary: training.num_classes}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.plan.expression_text import Text, is_expression, joined_document, render, steps_in

#: Members that tell the items of a list apart.
_NAMES = ("PropertyFileName", "Name", "InputName", "OutputName", "ChannelName", "VariantName", "MetricName", "name")
#: Where a job's archive lies (pipeline/job_archive.py): another hash is other code at the same place.
_CODE = re.compile(r"(?<=/code/)[0-9a-f]{64}(?=/)")
#: One of several values of an option that are told apart by a name: ``map_50=0.5``.
_ASSIGNMENT = re.compile(r"[\w.-]+=(?!=)")
_BRANCHES = {"IfSteps": "if {} holds", "ElseSteps": "unless {} holds"}
_OPERATORS = {
    "Equals": "==",
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": ">=",
    "LessThan": "<",
    "LessThanOrEqualTo": "<=",
}


@dataclass(frozen=True)
class Fact:
    """One value. ``parameters``: those of the pipeline that fill it; ``code``: hash of the job archive that it names;
    ``per_execution``: it is another in each execution; ``steps``: those that it comes from.
    """

    text: str
    parameters: tuple[str, ...] = ()
    code: str | None = None
    per_execution: bool = False
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """A step. ``after``: the steps that it waits for; ``place``: the branch that it is in, empty outside of one."""

    name: str
    type: str
    place: str
    after: frozenset[str]
    facts: dict[str, Fact]
    raw: dict[str, Any]

    @property
    def arguments(self) -> dict[str, Any]:
        found = self.raw.get("Arguments", {})
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Definition:
    """A whole definition: parameters as written, steps by name in their order, and facts of the rest."""

    parameters: dict[str, dict[str, Any]]
    steps: dict[str, Step]
    facts: dict[str, Fact]

    @property
    def defaults(self) -> dict[str, Any]:
        return {name: parameter.get("DefaultValue") for name, parameter in self.parameters.items()}


def read(definition: str) -> Definition:
    """A definition from its JSON text.

    Raises:
        ValueError: it is none.
    """
    raw = json.loads(definition)
    if not isinstance(raw, dict):
        raise ValueError("a definition is a JSON object")
    if not all(isinstance(parameter, dict) for parameter in raw.get("Parameters") or []):
        raise ValueError("a parameter is a JSON object")
    parameters = {str(parameter.get("Name")): parameter for parameter in raw.get("Parameters") or []}
    defaults = {name: parameter.get("DefaultValue") for name, parameter in parameters.items()}
    rest = {key: value for key, value in raw.items() if key not in ("Parameters", "Steps")}
    steps = {step.name: step for step in _steps(raw.get("Steps") or [], defaults, "", frozenset())}
    return Definition(parameters, steps, dict(flatten(rest, defaults)))


def _steps(
    listed: Iterable[dict[str, Any]], defaults: dict[str, Any], place: str, before: frozenset[str]
) -> Iterator[Step]:
    for raw in listed:
        if not isinstance(raw, dict):
            raise ValueError("a step is a JSON object")
        name, arguments = str(raw.get("Name")), raw.get("Arguments")
        inner = {key: value for key, value in raw.items() if key not in ("Name", "Type", "Arguments", "DependsOn")}
        own = arguments
        if isinstance(arguments, dict):
            own = {key: value for key, value in arguments.items() if key not in _BRANCHES}
        named = [item for item in raw.get("DependsOn") or [] if isinstance(item, str)]
        yield Step(
            name=name,
            type=str(raw.get("Type")),
            place=place,
            after=before | {*named, *steps_in(own)} - {name},
            facts={**dict(flatten(own or {}, defaults)), **dict(flatten(inner, defaults))},
            raw=raw,
        )
        if isinstance(arguments, dict):
            for branch, told in _BRANCHES.items():
                yield from _steps(arguments.get(branch) or [], defaults, told.format(name), frozenset({name}))


def flatten(value: Any, defaults: dict[str, Any], path: str = "") -> Iterator[tuple[str, Fact]]:
    """Path and fact of each value in a structure.

    Items of a list go by the name that they carry, container arguments by their option, and a list of plain values is
    one fact.
    """
    if (document := joined_document(value)) is not None:
        yield from flatten(document, defaults, path)
    elif is_expression(value) or not isinstance(value, dict | list):
        yield path, _fact(value, defaults)
    elif isinstance(value, dict):
        if not value and path:
            yield path, Fact("{}")
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


def _arguments(values: list[Any], defaults: dict[str, Any]) -> Iterator[tuple[str, Fact]]:
    for option, given in _by_option([_fact(value, defaults) for value in values], lambda fact: fact.text):
        structure = _structure(given)
        if structure is not None:
            yield from flatten(structure, {}, option)
        elif len(given) > 1 and all(_ASSIGNMENT.match(fact.text) for fact in given):
            for fact in given:
                name, _, text = fact.text.partition("=")
                yield f"{option} {name}", Fact(text, fact.parameters, fact.code, fact.per_execution, fact.steps)
        else:
            yield option, _together(" ", given, "", "") if given else Fact("set")


def _by_option(values: list[Fact], text_of: Callable[[Fact], str]) -> list[tuple[str, list[Fact]]]:
    """Split a command line into options and values, in order.

    ``--a 1 2 --b=x`` has ``--a`` with 1 and 2, and ``--b`` with x.

    Parts of one value, ``--b=x --b=y``, come together; an option that is repeated otherwise is numbered, ``--a #2``.
    What stands before the first option goes by ``argument``.
    """
    found: list[tuple[str, list[Fact]]] = []
    parts: dict[str, list[Fact]] = {}
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


def _structure(given: list[Fact]) -> Any:
    """A JSON object that was handed over in parts; None for anything else."""
    if not given or not given[0].text.startswith("{") or any(fact.parameters or fact.steps for fact in given):
        return None
    try:
        return json.loads("".join(fact.text for fact in given))
    except ValueError:
        return None


def _condition(conditions: list[Any], defaults: dict[str, Any]) -> Fact:
    return _together(" and ", (_one_condition(condition, defaults) for condition in conditions), "", "")


def _one_condition(condition: Any, defaults: dict[str, Any]) -> Fact:
    if isinstance(condition, dict) and (operator := _OPERATORS.get(condition.get("Type", ""))):
        sides = [_fact(condition.get(side), defaults) for side in ("LeftValue", "RightValue")]
        return _together(f" {operator} ", sides, "", "")
    return _fact(condition, defaults)


def _named(items: list[Any]) -> dict[str, Any] | None:
    """The items of a list by name, or of a list of tags the values by key; None when they have none."""
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


def _fact(value: Any, defaults: dict[str, Any]) -> Fact:
    found = render(value, defaults)
    return _masked(found)


def _masked(found: Text) -> Fact:
    code = _CODE.search(found.text)
    return Fact(
        _CODE.sub("...", found.text), found.parameters, code.group() if code else None, found.per_execution, found.steps
    )


def _together(on: str, facts: Iterable[Fact], start: str, end: str) -> Fact:
    listed = list(facts)
    return Fact(
        start + on.join(fact.text for fact in listed) + end,
        tuple(dict.fromkeys(name for fact in listed for name in fact.parameters)),
        "+".join(fact.code for fact in listed if fact.code) or None,
        any(fact.per_execution for fact in listed),
        tuple(dict.fromkeys(name for fact in listed for name in fact.steps)),
    )


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
