"""Checks of the order of the steps: cycles, and steps that wait for a branch that may not be taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import COMPLETED, DEPENDENCY_KEYS, TRIGGERS, Definition, Json, Step
from groundloop.spec.expressions import referenced_step
from groundloop.spec.graph import find_cycle, predecessors, references, runs_only_after
from groundloop.suggestions import correction, quoted


def check_order(definition: Definition) -> Iterator[DefinitionFinding]:
    """Check DependsOn, cycles, and references into branches."""
    graph = predecessors(definition)
    for step in definition.steps:
        yield from _depends_on(step, definition)
        for name, path in references(step).items():
            needed = definition.steps_by_name.get(name)
            if needed is not None and not runs_only_after(step, needed, graph):
                yield from _branches(step, needed, path)
    yield from _cycles(definition, graph)


def _depends_on(step: Step, definition: Definition) -> Iterator[DefinitionFinding]:
    entries = step.raw.get("DependsOn")
    if entries is not None and not isinstance(entries, list):
        message = f"{quoted(entries)} is not a list of steps"
        yield DefinitionFinding(DefinitionCode.MALFORMED, step.name, "DependsOn", message, "write a list of step names")
        return
    for index, entry in enumerate(entries or []):
        path = f"DependsOn[{index}]"
        name = entry.get("Step") if isinstance(entry, dict) else entry
        if not isinstance(name, str):
            yield DefinitionFinding(
                DefinitionCode.MALFORMED, step.name, path, f"{quoted(entry)} names no step", "write a step's name"
            )
        elif name not in definition.steps_by_name:
            remedy = correction(name, definition.steps_by_name, "name a step of this definition, or remove it")
            yield DefinitionFinding(
                DefinitionCode.UNKNOWN_STEP, step.name, path, f"there is no step {quoted(name)}", remedy
            )
        elif definition.steps_by_name[name].type == "Condition":
            message = f"{name} is a Condition step, and CreatePipeline is reported to reject a dependency on one"
            remedy = f"depend on a step in a branch of {name}, or move {step.name} into the branch"
            yield DefinitionFinding(DefinitionCode.AFTER_CONDITION, step.name, path, message, remedy)
        if isinstance(entry, dict):
            yield from _trigger(step, entry, path)
    yield from _conflicts(step)


def _trigger(step: Step, entry: Json, path: str) -> Iterator[DefinitionFinding]:
    """Check an entry of DependsOn with a run condition."""
    for key in entry.keys() - DEPENDENCY_KEYS:
        remedy = correction(key, DEPENDENCY_KEYS, "remove it")
        message = f"an entry of DependsOn has no {quoted(key)}"
        yield DefinitionFinding(DefinitionCode.UNKNOWN_KEY, step.name, f"{path}.{key}", message, remedy)
    trigger = entry.get("Trigger", COMPLETED)
    if trigger not in TRIGGERS:
        message = f"there is no trigger {quoted(trigger)}"
        remedy = correction(str(trigger), TRIGGERS, f"use one of {', '.join(TRIGGERS)}")
        yield DefinitionFinding(DefinitionCode.MALFORMED, step.name, f"{path}.Trigger", message, remedy)


def _conflicts(step: Step) -> Iterator[DefinitionFinding]:
    """Check that each step is waited for with one trigger, and that no failed step's properties are used."""
    triggers: dict[str, str] = {}
    needed = {source for _, function, body in step.expressions if (source := referenced_step(function, body))}
    for dependency in step.dependencies:
        name, trigger = dependency.step, dependency.trigger
        if triggers.setdefault(name, trigger) != trigger:
            message = f"{name} is named with two triggers, {triggers[name]} and {trigger}"
            yield DefinitionFinding(
                DefinitionCode.MALFORMED, step.name, dependency.path, message, "keep one of the entries"
            )
        elif trigger in ("Failed", "Stopped") and name in needed:
            message = (
                f"{step.name} runs when {name} has {trigger.lower()}, and takes properties of {name}, which are there "
                "only when it has succeeded"
            )
            remedy = f"take the properties of {name} out of {step.name}, or use another trigger"
            yield DefinitionFinding(DefinitionCode.MAY_NOT_RUN, step.name, dependency.path, message, remedy)


def _branches(step: Step, needed: Step, path: str) -> Iterator[DefinitionFinding]:
    for mine, (holder, branch) in zip((*step.inside, *[("", "")] * len(needed.inside)), needed.inside, strict=False):
        if mine == (holder, branch) or step.name == holder:
            continue
        if mine[0] == holder:
            message = f"{needed.name} is in the other branch of {holder}: only one of them runs"
            remedy = f"move one of them out of {holder}, or take the value from elsewhere"
            yield DefinitionFinding(DefinitionCode.OTHER_BRANCH, step.name, path, message, remedy)
        elif branch == "ForEachBody":
            message = f"{needed.name} is in the body of {holder}, which runs it once per item"
            remedy = f"refer to Steps.{holder}.IterationOutputs or Steps.{holder}.Selected"
            yield DefinitionFinding(DefinitionCode.MAY_NOT_RUN, step.name, path, message, remedy)
        elif step.type != "Condition":  # which can't be in a branch, so this is how it follows one
            message = f"{needed.name} is in {branch} of {holder}: when that branch isn't taken, {step.name} never runs"
            remedy = f"move {step.name} into {branch} of {holder}"
            yield DefinitionFinding(DefinitionCode.MAY_NOT_RUN, step.name, path, message, remedy)
        return


def _cycles(definition: Definition, graph: Mapping[str, list[str]]) -> Iterator[DefinitionFinding]:
    """Yield a finding for each cycle, at a step that waits for a later one.

    Steps are usually listed in the order in which they can run, so the reference to a later step is the likely mistake.
    It is taken out before the next cycle is looked for.
    """
    graph = dict(graph)
    position = {name: index for index, name in enumerate(graph)}
    while cycle := find_cycle(graph):
        following = dict(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        name = next(name for name in cycle if position[following[name]] >= position[name])
        later, start = following[name], cycle.index(name)
        way = " waits for ".join([*cycle[start:], *cycle[:start], name])
        yield DefinitionFinding(
            DefinitionCode.CYCLE,
            name,
            references(definition.steps_by_name[name])[later],
            f"steps wait for each other in a cycle: {way}",
            f"remove this reference to {later}, or one of those that lead back to {name}",
        )
        graph[name] = [source for source in graph[name] if source != later]
