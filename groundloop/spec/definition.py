"""A definition taken apart: parameters, and all steps with the branches that they stand in.

Reading never fails: what isn't as it should be is a finding, and what can be understood is still checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from groundloop.suggestions import quoted

Json = dict[str, Any]

#: Lists of steps inside a step's Arguments.
NESTED = {"Condition": ("IfSteps", "ElseSteps"), "ForEach": ("ForEachBody",)}


@dataclass(frozen=True)
class Fault:
    """A part of a definition that can't be understood.

    Attributes:
        step: name of the step that it is in; None outside of steps.
        path: leads to the place from there.
        message: what is wrong.
        remedy: what to do.
        unnamed: the part is a step without a Name.
    """

    step: str | None
    path: str
    message: str
    remedy: str
    unnamed: bool = False


@dataclass(frozen=True)
class Parameter:
    """A declared parameter; what isn't of the right type is None."""

    name: str
    type: str | None
    default: Any
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Step:
    """One step. ``inside`` holds the (step, list) pairs that it stands in, the outermost first."""

    name: str
    type: str
    raw: Json = field(repr=False)
    inside: tuple[tuple[str, str], ...] = ()

    @property
    def arguments(self) -> Json:
        found = self.raw.get("Arguments")
        return found if isinstance(found, dict) else {}

    @property
    def own(self) -> Json:
        """The step without its name and without the steps of its branches."""
        nested = NESTED.get(self.type, ())
        arguments = {key: value for key, value in self.arguments.items() if key not in nested}
        return {**{key: value for key, value in self.raw.items() if key not in _PLAIN}, "Arguments": arguments}

    @property
    def depends_on(self) -> list[tuple[str, str]]:
        """(path, step's name) of each entry of DependsOn that names one."""
        entries = self.raw.get("DependsOn")
        found = []
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            name = entry.get("Step") if isinstance(entry, dict) else entry
            if isinstance(name, str):
                found.append((f"DependsOn[{index}]", name))
        return found


_PLAIN = {"Name", "Type", "DisplayName", "Description", "DependsOn", "Arguments"}


@dataclass(frozen=True)
class Definition:
    """A whole definition. ``steps`` has those of branches too; of two with one name, ``named`` has the first."""

    raw: Json = field(repr=False)
    parameters: dict[str, Parameter]
    steps: list[Step]
    named: dict[str, Step]
    #: Contents of property files, by ``Step.PropertyFileName``, as an earlier run wrote them.
    samples: dict[str, Any] = field(default_factory=dict, repr=False)


def read(raw: Json, samples: dict[str, Any]) -> tuple[Definition, list[Fault]]:
    """The definition, and what kept parts of it from being understood."""
    faults: list[Fault] = []
    steps = list(_steps(raw.get("Steps"), "Steps", (), None, faults))
    parameters: dict[str, Parameter] = {}
    for item in _items(raw.get("Parameters"), "Parameters", None, faults):
        if isinstance(item, dict) and isinstance(item.get("Name"), str):
            kind, values = item.get("Type"), item.get("EnumValues")
            parameters.setdefault(
                item["Name"],
                Parameter(
                    item["Name"],
                    kind if isinstance(kind, str) else None,
                    item.get("DefaultValue"),
                    tuple(values) if isinstance(values, list) else (),
                ),
            )
    named: dict[str, Step] = {}
    for step in steps:
        named.setdefault(step.name, step)
    if not steps:
        faults.append(Fault(None, "Steps", "there are no steps", "add at least one step"))
    return Definition(raw, parameters, steps, named, samples), faults


def _items(value: Any, path: str, step: str | None, faults: list[Fault]) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        faults.append(Fault(step, path, f"{quoted(value)} is no list", "write a JSON list"))
        return []
    return value


def _steps(
    value: Any, path: str, inside: tuple[tuple[str, str], ...], parent: str | None, faults: list[Fault]
) -> Iterator[Step]:
    for index, raw in enumerate(_items(value, path, parent, faults)):
        place = f"{path}[{index}]"
        if not isinstance(raw, dict):
            told = f"{quoted(raw)} is no step"
            faults.append(Fault(parent, place, told, "write an object with Name, Type and Arguments"))
            continue
        name, kind = raw.get("Name"), raw.get("Type")
        if not isinstance(name, str) or not name:
            faults.append(Fault(parent, f"{place}.Name", "the step has no Name", "name the step", unnamed=True))
            name = place
        if not isinstance(kind, str):
            faults.append(Fault(name, "Type", "the step has no Type", "say what kind of step it is"))
            kind = ""
        step = Step(name, kind, raw, inside)
        yield step
        for key in NESTED.get(kind, ()):
            yield from _steps(step.arguments.get(key), f"Arguments.{key}", (*inside, (name, key)), name, faults)
