"""The differences between two definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from pipeline.plan.flatten import FlatDefinition, FlatStep, FlatValue

Sign = Literal["+", "~", "-"]
Kind = Literal[
    "pipeline", "parameter", "step", "argument", "record", "dependency", "code", "definition", "upload",
    "group", "trigger", "endpoint",
]  # fmt: skip
_HASH = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        sign: added, changed or removed.
        kind: what changed; a `record` is configuration that is only written into the metadata of registered versions.
        name: of the changed step, parameter, rule ...
        path: to the changed value within it.
        parameters: the pipeline parameters whose defaults fill the value.
        files: changed files of a job's code, as far as they are known.
    """

    sign: Sign
    kind: Kind
    name: str
    path: str = ""
    old: str | None = None
    new: str | None = None
    parameters: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`; the keys are stable."""
        return asdict(self)


def differences(old: FlatDefinition, new: FlatDefinition) -> list[Change]:
    """Return the differences between two definitions: parameters first, then steps in the order of the new one.

    An added or removed step is one change. A job's code is compared by its archive's hash.
    """
    changes = [*_parameters(old, new), *_definition(old, new)]
    for name, step in new.steps.items():
        if name not in old.steps:
            changes.append(Change("+", "step", name, new=describe_step(step)))
        else:
            changes += _step(old.steps[name], step)
    removed = [name for name in old.steps if name not in new.steps]
    changes += [Change("-", "step", name, old=describe_step(old.steps[name])) for name in removed]
    return _mark_records(changes, new)


def _mark_records(changes: list[Change], new: FlatDefinition) -> list[Change]:
    """Mark as records what registered versions only write down: hashes, and values that change elsewhere too."""
    registering = {name for name, step in new.steps.items() if step.type == "RegisterModel"}
    elsewhere = {(change.old, change.new) for change in changes if change.name not in registering}
    return [
        replace(change, kind="record")
        if change.kind == "argument"
        and change.name in registering
        and ((change.old, change.new) in elsewhere or _HASH.search(f"{change.old} {change.new}"))
        else change
        for change in changes
    ]


def describe_step(step: FlatStep) -> str:
    """Describe a step in a few words."""
    after = f", after {', '.join(sorted(step.after))}" if step.after else ""
    return f"{step.type}{after}"


def describe_parameter(parameter: dict[str, Any]) -> str:
    """Describe a parameter in a few words."""
    return f"{parameter.get('Type')}, default {parameter.get('DefaultValue')}"


def _parameters(old: FlatDefinition, new: FlatDefinition) -> Iterator[Change]:
    for name, parameter in new.parameters.items():
        if name not in old.parameters:
            yield Change("+", "parameter", name, new=describe_parameter(parameter))
            continue
        before = old.parameters[name]
        for member in dict.fromkeys([*before, *parameter]):
            if before.get(member) == parameter.get(member) and type(before.get(member)) is type(parameter.get(member)):
                continue
            if member == "EnumValues":
                yield from _choices(name, before.get(member) or [], parameter.get(member) or [])
            else:
                path = "default" if member == "DefaultValue" else member
                yield _changed("parameter", name, path, _text(before, member), _text(parameter, member))
    for name, parameter in old.parameters.items():
        if name not in new.parameters:
            yield Change("-", "parameter", name, old=describe_parameter(parameter))


def _choices(name: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    removed, added = [x for x in old if x not in new], [x for x in new if x not in old]
    yield from (Change("+", "parameter", name, "choices", new=str(choice)) for choice in added)
    yield from (Change("-", "parameter", name, "choices", old=str(choice)) for choice in removed)
    if not removed and not added:
        yield Change("~", "parameter", name, "choices", ", ".join(map(str, old)), ", ".join(map(str, new)))


def _text(parameter: dict[str, Any], member: str) -> str | None:
    return str(parameter[member]) if member in parameter else None


def _definition(old: FlatDefinition, new: FlatDefinition) -> Iterator[Change]:
    for path in dict.fromkeys([*old.values, *new.values]):
        before, after = old.values.get(path), new.values.get(path)
        if before != after:
            yield _changed("definition", "definition", path, _of(before), _of(after))


def _step(old: FlatStep, new: FlatStep) -> Iterator[Change]:
    if old.type != new.type:
        yield Change("~", "step", new.name, "type", old.type, new.type)
    if old.place != new.place:
        yield _changed("step", new.name, "branch", old.place or "none", new.place or "none")
    code = False
    for path in dict.fromkeys([*old.values, *new.values]):
        before, after = old.values.get(path), new.values.get(path)
        if before is not None and after is not None and before.code != after.code:
            code = True
            if (before.text, before.parameters) == (after.text, after.parameters):
                continue
        if before != after:
            parameters = list(
                dict.fromkeys([*(before.parameters if before else ()), *(after.parameters if after else ())])
            )
            yield _changed("argument", new.name, path, _of(before), _of(after), parameters)
    if code:
        yield Change("~", "code", new.name)
    yield from (Change("+", "dependency", new.name, new=name) for name in sorted(new.after - old.after))
    yield from (Change("-", "dependency", new.name, old=name) for name in sorted(old.after - new.after))


def _of(fact: FlatValue | None) -> str | None:
    return None if fact is None else fact.text


def _changed(
    kind: Kind, name: str, path: str, old: str | None, new: str | None, parameters: list[str] | None = None
) -> Change:
    sign: Sign = "+" if old is None else "-" if new is None else "~"
    return Change(sign, kind, name, path, old, new, parameters or [])
