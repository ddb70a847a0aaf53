"""The order of the steps: the dependencies of each, and cycles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from groundloop.spec.definition import COMPLETED, Definition, Step
from groundloop.spec.expressions import referenced_step


def references(step: Step) -> dict[str, str]:
    """Return the steps that a step names in DependsOn and in its expressions, each with the path of the first place."""
    result: dict[str, str] = {}
    for dependency in step.dependencies:
        result.setdefault(dependency.step, dependency.path)
    for path, function, body in step.expressions:
        if source := referenced_step(function, body):
            result.setdefault(source, path)
    return result


def predecessors(definition: Definition) -> dict[str, list[str]]:
    """Return for each step those that have to be done before it, with the Condition or loop that it is in.

    Names that no step has are left out.
    """
    steps = definition.steps_by_name
    return {
        name: [
            *(source for source in references(step) if source in steps),
            *([step.branch[0]] if step.branch else []),
        ]
        for name, step in steps.items()
    }


def run_conditions(step: Step) -> dict[str, str]:
    """Return the run conditions of a step: for steps that it doesn't wait for the success of, the trigger.

    Example:
        >>> on_failure = {"Step": "Train", "Trigger": "Failed"}
        >>> run_conditions(Step("Notify", "Lambda", {"DependsOn": ["Prepare", on_failure]}))
        {'Train': 'Failed'}
    """
    return {entry.step: entry.trigger for entry in step.dependencies if entry.trigger != COMPLETED}


def needed_successes(step: Step) -> set[str]:
    """Return the steps that have to succeed before a step can run: those of plain dependencies and of its expressions.

    A step's properties are there once it has succeeded, so that a reference to them waits for that too.
    """
    plain = {entry.step for entry in step.dependencies if entry.trigger == COMPLETED}
    sources = (referenced_step(function, body) for _, function, body in step.expressions)
    return plain | {source for source in sources if source}


def enclosing_condition(step: Step) -> str | None:
    """Return the innermost Condition step that a step is in a branch of; None if it is in no branch.

    A Condition step may not be in one: "SageMaker Pipelines doesn't support the use of nested condition steps"
    (developer guide, "Pipelines steps", Condition step).
    """
    return next((holder for holder, branch in reversed(step.inside) if branch != "ForEachBody"), None)


def runs_only_after(step: Step, needed: Step, graph: Mapping[str, Iterable[str]]) -> bool:
    """Return whether a step around this one, or this one, can't start before another step has run.

    Args:
        step: the step in question.
        needed: the step that has to have run.
        graph: the names of the steps that each step waits for.
    """
    pending, seen = [holder for holder, _ in step.inside], set[str]()
    while pending:
        name = pending.pop()
        if name == needed.name:
            return True
        if name not in seen:
            seen.add(name)
            pending += graph.get(name, ())
    return False


def find_cycle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the names of steps that wait for each other, each followed by one that it waits for; empty if none do.

    Args:
        graph: the names of the steps that each step waits for.

    Example:
        >>> find_cycle({"A": ["B"], "B": ["C"], "C": ["A"]})
        ['A', 'B', 'C']
        >>> find_cycle({"A": ["B"], "B": []})
        []
    """
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        names: list[str] = error.args[1][:0:-1]
        start = min(range(len(names)), key=lambda index: list(graph).index(names[index]))
        return names[start:] + names[:start]
    return []
