"""The order of the steps: what waits for what, circles, and steps that wait for a branch that may not be taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import Definition, Step
from groundloop.spec.expressions import expressions, steps_of
from groundloop.suggestions import correction, quoted

_TRIGGERS = ("Completed", "Failed", "Stopped", "Any")


def check_order(definition: Definition) -> Iterator[DefinitionFinding]:
    """DependsOn, circles and branches."""
    needs = {step.name: _needs(step, definition) for step in definition.named.values()}
    for step in definition.steps:
        yield from _depends_on(step, definition)
        for name, path in _needs(step, definition).items():
            yield from _branches(step, definition.named[name], path)
    yield from _circles(definition, needs)


def _needs(step: Step, definition: Definition) -> dict[str, str]:
    """The steps that one waits for, without that it stands in, each with the path of the first mention."""
    found: dict[str, str] = {}
    for path, name in step.depends_on:
        found.setdefault(name, path)
    for path, function, body in expressions(step.own, ""):
        if source := steps_of(function, body):
            found.setdefault(source, path)
    return {name: path for name, path in found.items() if name in definition.named}


def _depends_on(step: Step, definition: Definition) -> Iterator[DefinitionFinding]:
    entries = step.raw.get("DependsOn")
    if entries is not None and not isinstance(entries, list):
        told = f"{quoted(entries)} is no list of steps"
        yield DefinitionFinding(DefinitionCode.MALFORMED, step.name, "DependsOn", told, "write a list of step names")
        return
    for index, entry in enumerate(entries or []):
        path = f"DependsOn[{index}]"
        name = entry.get("Step") if isinstance(entry, dict) else entry
        if not isinstance(name, str):
            yield DefinitionFinding(
                DefinitionCode.MALFORMED, step.name, path, f"{quoted(entry)} names no step", "write a step's name"
            )
        elif name not in definition.named:
            remedy = correction(name, definition.named, "name a step of this definition, or remove it")
            yield DefinitionFinding(
                DefinitionCode.UNKNOWN_STEP, step.name, path, f"there is no step {quoted(name)}", remedy
            )
        if isinstance(entry, dict) and entry.get("Trigger", "Completed") not in _TRIGGERS:
            told = f"there is no trigger {quoted(entry['Trigger'])}"
            remedy = correction(entry["Trigger"], _TRIGGERS, f"use one of {', '.join(_TRIGGERS)}")
            yield DefinitionFinding(DefinitionCode.MALFORMED, step.name, f"{path}.Trigger", told, remedy)


def _branches(step: Step, needed: Step, path: str) -> Iterator[DefinitionFinding]:
    for mine, (holder, branch) in zip((*step.inside, *[("", "")] * len(needed.inside)), needed.inside, strict=False):
        if mine == (holder, branch) or step.name == holder:
            continue
        if mine[0] == holder:
            told = f"{needed.name} is in the other branch of {holder}: only one of them runs"
            remedy = f"move one of them out of {holder}, or take the value from elsewhere"
            yield DefinitionFinding(DefinitionCode.OTHER_BRANCH, step.name, path, told, remedy)
        elif branch == "ForEachBody":
            told = f"{needed.name} is in the body of {holder}, which runs it once per item"
            remedy = f"refer to Steps.{holder}.IterationOutputs or Steps.{holder}.Selected"
            yield DefinitionFinding(DefinitionCode.MAY_NOT_RUN, step.name, path, told, remedy)
        else:
            told = f"{needed.name} is in {branch} of {holder}: when that branch isn't taken, {step.name} never runs"
            remedy = f"move {step.name} into {branch} of {holder}"
            yield DefinitionFinding(DefinitionCode.MAY_NOT_RUN, step.name, path, told, remedy)
        return


def _circles(definition: Definition, needs: dict[str, dict[str, str]]) -> Iterator[DefinitionFinding]:
    """A finding for each step that waits for a later one and so for itself.

    Steps are usually listed in the order in which they can run, so what waits for a later one is the likely mistake.
    """
    waits = {
        name: [*needs[name], *([step.inside[-1][0]] if step.inside else [])] for name, step in definition.named.items()
    }
    place = {name: index for index, name in enumerate(waits)}
    for name, needed in needs.items():
        for later, path in needed.items():
            if place[later] >= place[name] and (way := _way(waits, later, name)):
                told = f"steps wait for each other in a circle: {' waits for '.join([name, *way])}"
                yield DefinitionFinding(
                    DefinitionCode.CYCLE,
                    name,
                    path,
                    told,
                    f"remove this reference to {later}, or one of those that lead back to {name}",
                )


def _way(waits: dict[str, list[str]], start: str, end: str) -> list[str]:
    """The shortest way from one step to another along what they wait for; empty if there is none."""
    ways = {start: [start]}
    pending = deque([start])
    while pending:
        name = pending.popleft()
        if name == end:
            return ways[name]
        for following in waits[name]:
            if following in waits and following not in ways:
                ways[following] = [*ways[name], following]
                pending.append(following)
    return []
