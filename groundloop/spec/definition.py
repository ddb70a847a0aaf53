"""A pipeline definition, parsed: its parameters and all its steps, with the branches that they are in.

Parsing never fails. What can't be understood is a `Fault`, and the rest is still there: the definition checker reports
all faults, the plan and the offline AWS stop at the first one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from groundloop.spec.expressions import expressions
from groundloop.suggestions import quoted

Json = dict[str, Any]

VERSION = "2020-12-01"
TOP_KEYS = frozenset({"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps"})
PARAMETER_KEYS = frozenset({"Name", "Type", "DefaultValue", "EnumValues"})
PARAMETER_TYPES = ("String", "Integer", "Float", "Boolean")
STEP_KEYS = frozenset({"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"})
STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
#: The outcomes of a step that another one can wait for. `Completed` is that of a plain name: the step has succeeded.
COMPLETED = "Completed"
TRIGGERS = (COMPLETED, "Failed", "Stopped", "Any")
#: The members of an entry of DependsOn that isn't a plain name.
DEPENDENCY_KEYS = frozenset({"Step", "Trigger"})
#: The members of a step's Arguments that are lists of steps, by step type.
NESTED_STEPS = {"Condition": ("IfSteps", "ElseSteps"), "ForEach": ("ForEachBody",)}


@dataclass(frozen=True)
class Fault:
    """A part of a definition that cannot be parsed.

    Attributes:
        step: name of the step that it is in; None outside of steps.
        path: leads to the part from there.
        message: what is wrong.
        remedy: what to do.
        is_unnamed_step: the part is a step without a Name.
    """

    step: str | None
    path: str
    message: str
    remedy: str
    is_unnamed_step: bool = False


@dataclass(frozen=True)
class Parameter:
    """A declared parameter.

    Attributes:
        type: None if the declaration has no valid one.
        default: None if every start has to give a value.
        values: the values to choose from; empty if any value is allowed.
        raw: the declaration.
    """

    name: str
    type: str | None
    default: Any = None
    values: tuple[Any, ...] = ()
    raw: Json = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file in an output of a Processing step, for `Std:JsonGet`."""

    output_name: str
    file_path: str


@dataclass(frozen=True)
class Dependency:
    """An entry of DependsOn.

    Attributes:
        path: leads to it from the step.
        step: name of the step that is waited for.
        trigger: the outcome that lets the dependent step run, its run condition; one of `TRIGGERS` if it is valid.
    """

    path: str
    step: str
    trigger: str = COMPLETED


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        raw: the step as it is written.
        inside: (step, list) pairs of the lists of steps that it is in, the outermost first.
    """

    name: str
    type: str
    raw: Json = field(repr=False)
    inside: tuple[tuple[str, str], ...] = ()

    @property
    def arguments(self) -> Json:
        """The Arguments; empty if they are not an object."""
        arguments = self.raw.get("Arguments")
        return arguments if isinstance(arguments, dict) else {}

    @property
    def own(self) -> Json:
        """The step without its name and without the steps of its branches."""
        nested = NESTED_STEPS.get(self.type, ())
        arguments = {key: value for key, value in self.arguments.items() if key not in nested}
        return {**{key: value for key, value in self.raw.items() if key not in STEP_KEYS}, "Arguments": arguments}

    @cached_property
    def expressions(self) -> tuple[tuple[str, str, Any], ...]:
        """(path, function, body) of all expressions in `own`; those inside others come after them."""
        return tuple(expressions(self.own, ""))

    @property
    def branch(self) -> tuple[str, str] | None:
        """The (step, list) pair of the innermost list of steps that it is in; None at the top."""
        return self.inside[-1] if self.inside else None

    @property
    def dependencies(self) -> list[Dependency]:
        """The entries of DependsOn that name a step."""
        entries = self.raw.get("DependsOn")
        result = []
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            name, trigger = (
                (entry.get("Step"), entry.get("Trigger", COMPLETED)) if isinstance(entry, dict) else (entry, COMPLETED)
            )
            if isinstance(name, str):
                result.append(Dependency(f"DependsOn[{index}]", name, str(trigger)))
        return result

    @property
    def property_files(self) -> dict[str, PropertyFile]:
        """The property files by name, without malformed ones."""
        files = self.raw.get("PropertyFiles")
        result = {}
        for item in files if isinstance(files, list) else []:
            if isinstance(item, dict):
                texts = [item.get(key) for key in ("PropertyFileName", "OutputName", "FilePath")]
                if all(isinstance(text, str) for text in texts):
                    result[str(texts[0])] = PropertyFile(str(texts[1]), str(texts[2]))
        return result


@dataclass(frozen=True)
class Definition:
    """A whole definition.

    Attributes:
        steps: all steps, those of branches too, in the order of the text.
        steps_by_name: the same; of several with one name it has the first.
        samples: contents of property files of an earlier execution, by `Step.PropertyFileName`.
    """

    raw: Json = field(repr=False)
    parameters: dict[str, Parameter]
    steps: list[Step]
    steps_by_name: dict[str, Step]
    samples: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters' defaults by name."""
        return {name: parameter.default for name, parameter in self.parameters.items()}


def parse_definition(raw: Json, samples: Mapping[str, Any] | None = None) -> tuple[Definition, list[Fault]]:
    """Return a definition, and the faults that kept parts of it from being understood.

    Example:
        >>> definition, faults = parse_definition({"Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {}}]})
        >>> definition.steps[0].name, faults
        ('Stop', [])
    """
    faults: list[Fault] = []
    steps = list(_steps(raw.get("Steps"), "Steps", (), None, faults))
    parameters: dict[str, Parameter] = {}
    for item in _items(raw.get("Parameters"), "Parameters", None, faults):
        if isinstance(item, dict) and isinstance(item.get("Name"), str):
            parameters.setdefault(item["Name"], _parameter(item))
    steps_by_name: dict[str, Step] = {}
    for step in steps:
        steps_by_name.setdefault(step.name, step)
    if not steps:
        faults.append(Fault(None, "Steps", "there are no steps", "add at least one step"))
    return Definition(raw, parameters, steps, steps_by_name, samples or {}), faults


def _parameter(item: Json) -> Parameter:
    kind, values = item.get("Type"), item.get("EnumValues")
    return Parameter(
        item["Name"],
        kind if isinstance(kind, str) else None,
        item.get("DefaultValue"),
        tuple(values) if isinstance(values, list) else (),
        item,
    )


def _items(value: Any, path: str, step: str | None, faults: list[Fault]) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        faults.append(Fault(step, path, f"{quoted(value)} is not a list", "write a JSON list"))
        return []
    return value


def _steps(
    value: Any, path: str, inside: tuple[tuple[str, str], ...], parent: str | None, faults: list[Fault]
) -> Iterator[Step]:
    for index, raw in enumerate(_items(value, path, parent, faults)):
        place = f"{path}[{index}]"
        if not isinstance(raw, dict):
            message = f"{quoted(raw)} is not a step"
            faults.append(Fault(parent, place, message, "write an object with Name, Type and Arguments"))
            continue
        name, kind = raw.get("Name"), raw.get("Type")
        if not isinstance(name, str) or not name:
            fault = Fault(parent, f"{place}.Name", "the step has no Name", "name the step", is_unnamed_step=True)
            faults.append(fault)
            name = place
        if not isinstance(kind, str):
            faults.append(Fault(name, "Type", "the step has no Type", "add the type of the step"))
            kind = ""
        step = Step(name, kind, raw, inside)
        yield step
        for key in NESTED_STEPS.get(kind, ()):
            yield from _steps(step.arguments.get(key), f"Arguments.{key}", (*inside, (name, key)), name, faults)
