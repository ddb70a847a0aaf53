"""The checks that the service makes when a pipeline is created: as far as known, and the first fault ends them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from groundloop.local.executor.parameters import DefinitionError, check_keys, check_parameters
from groundloop.local.executor.policies import cache_expiry, retry_policies
from groundloop.spec.definition import (
    COMPLETED,
    DEPENDENCY_KEYS,
    STEP_KEYS,
    STEP_NAME,
    TOP_KEYS,
    TRIGGERS,
    VERSION,
    Definition,
    Step,
    parse_definition,
)
from groundloop.spec.expressions import GET, expressions, referenced_step
from groundloop.spec.graph import enclosing_condition, find_cycle, predecessors
from groundloop.spec.step_types import STEP_TYPES, StepType

#: Step types that the offline AWS runs. A pipeline with another type is created, and its execution fails there.
RUNNABLE = frozenset(
    {
        "Processing",
        "Training",
        "Transform",
        "Tuning",
        "Model",
        "RegisterModel",
        "EndpointConfig",
        "Endpoint",
        "Condition",
        "Fail",
    }
)
_ARGUMENT_KEYS = {"Condition": {"Conditions", "IfSteps", "ElseSteps"}, "Fail": {"ErrorMessage"}}


def parse(text: str) -> Definition:
    """Parse and check a definition.

    Raises:
        DefinitionError: not JSON, an unknown version or key, a name used twice or unknown, a cycle.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"the definition is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise DefinitionError("the definition is not a JSON object")
    if raw.get("Version") != VERSION:
        raise DefinitionError(f"Version {raw.get('Version')!r} is not {VERSION!r}")
    check_keys(raw, TOP_KEYS, "the definition")
    if not isinstance(raw.get("Steps"), list) or not raw["Steps"]:
        raise DefinitionError("Steps is missing or empty")
    check_parameters(raw.get("Parameters") or [])
    definition, faults = parse_definition(raw)
    for step in _checked_steps(definition):
        _check_step(step)
    if faults:
        place = ": ".join(part for part in (faults[0].step, faults[0].path) if part)
        raise DefinitionError(f"{place}: {faults[0].message}")
    _check_names(definition)
    for step in _checked_steps(definition):
        _check_references(step, definition)
    if cycle := find_cycle(predecessors(definition)):
        raise DefinitionError(f"the steps {', '.join(sorted(cycle))} depend on each other in a circle")
    return definition


def _checked_steps(definition: Definition) -> Iterator[Step]:
    """Yield the steps outside of loops, which are not run here."""
    for step in definition.steps:
        if not any(key == "ForEachBody" for _, key in step.inside):
            yield step


def _check_names(definition: Definition) -> None:
    names: set[str] = set()
    for step in definition.steps:
        if step.name in names:
            raise DefinitionError(f"the step name {step.name} is used twice")
        names.add(step.name)


def _check_step(step: Step) -> None:
    if not isinstance(step.raw.get("Name"), str) or not STEP_NAME.fullmatch(step.name):
        raise DefinitionError(f"a step's Name must be of the form {STEP_NAME.pattern}: {step.raw.get('Name')!r}")
    kind = STEP_TYPES.get(step.type)
    if kind is None:
        raise DefinitionError(f"step {step.name}: unknown Type {step.raw.get('Type')!r}")
    _check_dependencies(step)
    if step.type == "Condition" and (outer := enclosing_condition(step)):
        raise DefinitionError(
            f"step {step.name}: a Condition step in a branch of the Condition step {outer}; nested Condition steps are "
            "not supported"
        )
    if step.type not in RUNNABLE:
        return
    check_keys(step.raw, _step_keys(kind), f"step {step.name}")
    if not isinstance(step.raw.get("Arguments"), dict):
        raise DefinitionError(f"step {step.name}: Arguments is missing or not an object")
    if step.type in _ARGUMENT_KEYS:
        check_keys(step.arguments, _ARGUMENT_KEYS[step.type], f"step {step.name}: Arguments")
    conditions = step.arguments.get("Conditions")
    if step.type == "Condition" and (not isinstance(conditions, list) or not conditions):
        raise DefinitionError(f"step {step.name}: Conditions is missing or empty")
    _check_policies(step)


def _check_dependencies(step: Step) -> None:
    entries = step.raw.get("DependsOn") or []
    if not isinstance(entries, list):
        raise DefinitionError(f"step {step.name}: DependsOn is not a list of names")
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            check_keys(entry, DEPENDENCY_KEYS, f"step {step.name}: DependsOn[{index}]")
            name, trigger = entry.get("Step"), entry.get("Trigger", COMPLETED)
            if trigger not in TRIGGERS:
                raise DefinitionError(
                    f"step {step.name}: DependsOn[{index}]: Trigger {trigger!r} is none of {', '.join(TRIGGERS)}"
                )
        else:
            name = entry
        if not isinstance(name, str):
            raise DefinitionError(f"step {step.name}: DependsOn[{index}] names no step")
    triggers: dict[str, str] = {}
    for dependency in step.dependencies:
        if triggers.setdefault(dependency.step, dependency.trigger) != dependency.trigger:
            raise DefinitionError(
                f"step {step.name}: DependsOn names {dependency.step} with two triggers, "
                f"{triggers[dependency.step]} and {dependency.trigger}"
            )


def _step_keys(kind: StepType) -> frozenset[str]:
    cache = {"CacheConfig"} if kind.cached or kind.retried else set()
    retries = {"RetryPolicies"} if kind.retried else set()
    return STEP_KEYS | kind.keys | cache | retries


def _check_policies(step: Step) -> None:
    try:
        cache_expiry(step.raw.get("CacheConfig"))
        retry_policies(step.raw.get("RetryPolicies"))
        if len(step.property_files) != len(step.raw.get("PropertyFiles") or []):
            raise ValueError("a property file has PropertyFileName, OutputName and FilePath, and a name of its own")
    except DefinitionError as error:
        raise DefinitionError(f"step {step.name}: {error}") from error
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        message = f"step {step.name}: malformed PropertyFiles, CacheConfig or RetryPolicies ({error!r})"
        raise DefinitionError(message) from error


def _check_references(step: Step, definition: Definition) -> None:
    for dependency in step.dependencies:
        if dependency.step not in definition.steps_by_name:
            raise DefinitionError(f"step {step.name}: DependsOn names an unknown step {dependency.step}")
    for _, function, body in expressions(step.own, ""):
        source = referenced_step(function, body)
        if source is not None and source not in definition.steps_by_name:
            raise DefinitionError(f"step {step.name}: {body} refers to an unknown step")
        if function == GET and isinstance(body, str):
            space, _, rest = body.partition(".")
            if space == "Parameters" and rest not in definition.parameters:
                raise DefinitionError(f"step {step.name}: {body} refers to an undeclared parameter")
            if space not in ("Parameters", "Steps", "Execution"):
                raise DefinitionError(f"step {step.name}: {body} is neither of Parameters, nor Steps, nor Execution")
