"""Which steps the next execution runs again instead of taking them from the cache, and why.

Compared is with an execution of the old definition that is younger than the steps' ExpireAfter; both were started
without values for the parameters. AWS compares requests, not what lies behind a URI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from groundloop.spec.caching import compared_arguments, is_enabled
from groundloop.spec.step_types import STEP_TYPES
from pipeline.plan.flatten import FlatDefinition, FlatStep, FlatValue, flatten

#: They do nothing that could be reused.
_FREE = {"Condition", "Fail"}


@dataclass(frozen=True)
class Run:
    """A step of the next execution. ``again`` False: it comes from the cache. ``reached``: the branch it is in."""

    step: str
    again: bool
    why: str
    reached: str = ""

    def as_json(self) -> dict[str, object]:
        """For ``--json``; these keys stay."""
        return asdict(self)


def runs(old: FlatDefinition | None, new: FlatDefinition, *, ran: bool) -> list[Run]:
    """Each step that does work, in the definition's order.

    Args:
        old: What stands in AWS; None: nothing does.
        ran: That has been executed.
    """
    found: dict[str, Run] = {}
    for name in new.steps:
        _judge(name, old if ran else None, new, found)
    return [found[name] for name, step in new.steps.items() if step.type not in _FREE]


def _judge(name: str, old: FlatDefinition | None, new: FlatDefinition, found: dict[str, Run]) -> bool:
    """Whether a step runs again; those that it takes values from are forecast first."""
    if name not in found:
        step = new.steps[name]
        found[name] = Run(name, True, "it waits for itself")  # a cycle, which the checker refuses
        why = _why(step, old, new, found)
        found[name] = Run(name, bool(why), why, step.place)
    return found[name].again


def _why(step: FlatStep, old: FlatDefinition | None, new: FlatDefinition, found: dict[str, Run]) -> str:
    known = STEP_TYPES.get(step.type)
    if known is None or not known.cached:
        return f"a {step.type} step is never cached"
    if not _cached(step):
        return "its cache is off"
    if old is None:
        return "there is no execution yet"
    before = old.steps.get(step.name)
    if before is None or before.type != step.type:
        return "it is new"
    if not _cached(before):
        return "its cache was off"
    facts = _deciding(step, new)
    if changed := _changed(_deciding(before, old), facts):
        return changed
    for path, fact in facts.items():
        if fact.per_execution:
            return f"{path} is another in each execution"
    for path, fact in facts.items():
        for source in fact.steps:
            if source in new.steps and _judge(source, old, new, found):
                return f"{path} comes from {source}, which runs again"
    return ""


def _changed(old: Mapping[str, FlatValue], new: Mapping[str, FlatValue]) -> str:
    """Summarise what changed, all code as one word; empty when nothing did."""
    paths, code = [], False
    for path in dict.fromkeys([*old, *new]):
        before, after = old.get(path), new.get(path)
        code = code or (before is not None and after is not None and before.code != after.code)
        # From where a value comes doesn't count here, only what it is.
        if (before and before.text) != (after and after.text):
            paths.append(path)
    told = ["its code changed"] if code else []
    if paths:
        more = f" and {len(paths) - 2} more" if len(paths) > 2 else ""
        told.append(f"{', '.join(paths[:2])}{more} changed")
    return " and ".join(told)


def _deciding(step: FlatStep, definition: FlatDefinition) -> dict[str, FlatValue]:
    return dict(flatten(compared_arguments(step.type, step.arguments), definition.defaults))


def _cached(step: FlatStep) -> bool:
    return is_enabled(step.raw.get("CacheConfig"))
