"""A pipeline definition, parsed and checked as far as the service checks it when a pipeline is created."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from groundloop.local.executor.parameters import DefinitionError, Json, Parameter, check_keys, parameter_of
from groundloop.local.executor.policies import RetryPolicy, cache_expiry, retry_policy

VERSION = "2020-12-01"
_TOP_KEYS = {"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps"}
_STEP_KEYS = {"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"}
_STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")

#: What the step types that run here may have beside the common keys.
_MORE_KEYS: dict[str, set[str]] = {
    "Processing": {"PropertyFiles", "CacheConfig", "RetryPolicies"},
    "Training": {"PropertyFiles", "CacheConfig", "RetryPolicies"},
    "Transform": {"PropertyFiles", "CacheConfig", "RetryPolicies"},
    "Model": {"CacheConfig", "RetryPolicies"},
    "RegisterModel": {"CacheConfig", "RetryPolicies"},
    "EndpointConfig": {"CacheConfig", "RetryPolicies"},
    "Endpoint": {"CacheConfig"},
    "Condition": set(),
    "Fail": set(),
}
#: Types of the service that the offline AWS doesn't run: a pipeline with one is created, its execution fails there.
_ELSEWHERE = {
    "Callback", "Tuning", "Lambda", "QualityCheck", "ClarifyCheck", "EMR", "EMRServerless", "AutoML",
    "InferenceComponent", "Lineage", "Job", "Cleanup", "ForEach",
}  # fmt: skip
RUNNABLE = frozenset(_MORE_KEYS)


@dataclass(frozen=True)
class Step:
    """One step. ``branch`` is the Condition step it stands in, and whether in its IfSteps."""

    name: str
    type: str
    arguments: Json
    depends_on: tuple[str, ...] = ()
    display_name: str | None = None
    description: str | None = None
    #: name -> (OutputName, FilePath)
    property_files: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: How old a run may be to be used again; None if the step isn't cached.
    cache_for: timedelta | None = None
    retries: tuple[RetryPolicy, ...] = ()
    branch: tuple[str, bool] | None = None

    @property
    def expressions(self) -> Any:
        """What has to be resolved before the step runs (of a Condition: not what stands in its branches)."""
        return self.arguments.get("Conditions", []) if self.type == "Condition" else self.arguments

    @property
    def dependencies(self) -> set[str]:
        """The steps that have to be done before this one."""
        needed = {path.split(".")[1] for path in gets(self.expressions) if path.startswith("Steps.")}
        return needed | set(self.depends_on) | ({self.branch[0]} if self.branch else set())


@dataclass(frozen=True)
class Definition:
    """A whole pipeline; ``steps`` holds those of branches too, in the order of the text."""

    parameters: dict[str, Parameter]
    steps: dict[str, Step]


def gets(value: Any) -> Iterator[str]:
    """The paths of all ``{"Get": path}`` in a value."""
    if isinstance(value, dict):
        if set(value) == {"Get"} and isinstance(value["Get"], str):
            yield value["Get"]
        else:
            for item in value.values():
                yield from gets(item)
    elif isinstance(value, list):
        for item in value:
            yield from gets(item)


def parse(text: str) -> Definition:
    """Parse and check a definition.

    Raises:
        DefinitionError: not JSON, an unknown version or key, a name used twice or unknown, a cycle.
    """
    try:
        top = json.loads(text)
    except ValueError as error:
        raise DefinitionError(f"the definition is not JSON: {error}") from error
    if not isinstance(top, dict):
        raise DefinitionError("the definition is not a JSON object")
    if top.get("Version") != VERSION:
        raise DefinitionError(f"Version {top.get('Version')!r} is not {VERSION!r}")
    check_keys(top, _TOP_KEYS, "the definition")
    parameters: dict[str, Parameter] = {}
    for item in top.get("Parameters") or []:
        parameter = parameter_of(item)
        if parameter.name in parameters:
            raise DefinitionError(f"parameter {parameter.name} is declared twice")
        parameters[parameter.name] = parameter
    listed = top.get("Steps")
    if not isinstance(listed, list) or not listed:
        raise DefinitionError("Steps is missing or empty")
    steps: dict[str, Step] = {}
    for step in _steps(listed, None):
        if step.name in steps:
            raise DefinitionError(f"the step name {step.name} is used twice")
        steps[step.name] = step
    definition = Definition(parameters, steps)
    _check_references(definition)
    _check_cycles(definition)
    return definition


def _steps(items: Any, branch: tuple[str, bool] | None) -> Iterator[Step]:
    if not isinstance(items, list):
        raise DefinitionError("steps are not a list")
    for item in items:
        step = _step(item, branch)
        yield step
        if step.type == "Condition":
            yield from _steps(step.arguments.get("IfSteps") or [], (step.name, True))
            yield from _steps(step.arguments.get("ElseSteps") or [], (step.name, False))


def _step(item: Any, branch: tuple[str, bool] | None) -> Step:
    name = item.get("Name") if isinstance(item, dict) else None
    if not isinstance(name, str) or not _STEP_NAME.fullmatch(name):
        raise DefinitionError(f"a step's Name must be of the form {_STEP_NAME.pattern}: {name!r}")
    kind = item.get("Type")
    if isinstance(kind, str) and kind in _ELSEWHERE:
        arguments = item.get("Arguments")
        return Step(
            name,
            kind,
            arguments if isinstance(arguments, dict) else {},
            _depends_on(item),
            branch=branch,
        )
    if not isinstance(kind, str) or kind not in RUNNABLE:
        raise DefinitionError(f"step {name}: unknown Type {kind!r}")
    check_keys(item, _STEP_KEYS | _MORE_KEYS[kind], f"step {name}")
    arguments = item.get("Arguments")
    if not isinstance(arguments, dict):
        raise DefinitionError(f"step {name}: Arguments is missing or no object")
    if kind == "Condition":
        check_keys(arguments, {"Conditions", "IfSteps", "ElseSteps"}, f"step {name}: Arguments")
        if not isinstance(arguments.get("Conditions"), list) or not arguments["Conditions"]:
            raise DefinitionError(f"step {name}: Conditions is missing or empty")
    if kind == "Fail":
        check_keys(arguments, {"ErrorMessage"}, f"step {name}: Arguments")
    try:
        return Step(
            name,
            kind,
            arguments,
            _depends_on(item),
            item.get("DisplayName"),
            item.get("Description"),
            {
                file["PropertyFileName"]: (file["OutputName"], file["FilePath"])
                for file in item.get("PropertyFiles") or []
            },
            cache_expiry(item.get("CacheConfig")),
            tuple(retry_policy(policy) for policy in item.get("RetryPolicies") or []),
            branch,
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise DefinitionError(
            f"step {name}: malformed PropertyFiles, CacheConfig or RetryPolicies ({error!r})"
        ) from error
    except DefinitionError as error:
        raise DefinitionError(f"step {name}: {error}") from error


def _depends_on(item: Json) -> tuple[str, ...]:
    names = item.get("DependsOn") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DefinitionError(f"step {item['Name']}: DependsOn is not a list of names")
    return tuple(names)


def _check_references(definition: Definition) -> None:
    for step in definition.steps.values():
        for other in step.depends_on:
            if other not in definition.steps:
                raise DefinitionError(f"step {step.name}: DependsOn names an unknown step {other}")
        for path in gets(step.expressions):
            space, _, rest = path.partition(".")
            target = rest.split(".")[0]
            if space == "Steps":
                if target not in definition.steps:
                    raise DefinitionError(f"step {step.name}: {path} refers to an unknown step")
            elif space == "Parameters":
                if rest not in definition.parameters:
                    raise DefinitionError(f"step {step.name}: {path} refers to an undeclared parameter")
            elif space != "Execution":
                raise DefinitionError(f"step {step.name}: {path} is neither of Parameters, nor Steps, nor Execution")


def _check_cycles(definition: Definition) -> None:
    done: set[str] = set()
    waiting = {name: step.dependencies for name, step in definition.steps.items()}
    while waiting:
        ready = [name for name, needed in waiting.items() if needed <= done]
        if not ready:
            raise DefinitionError(f"the steps {', '.join(sorted(waiting))} depend on each other in a circle")
        done.update(ready)
        for name in ready:
            del waiting[name]
