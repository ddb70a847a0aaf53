"""Which steps the next execution runs again instead of taking them from the cache, and why.

The comparison assumes an execution of the old definition that is younger than the steps' ExpireAfter, and that both
are started without values for the parameters. AWS compares requests, not what is behind a URI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from groundloop.spec.caching import compared_arguments, is_enabled, model_of_each_execution
from groundloop.spec.step_types import STEP_TYPES
from pipeline.plan.flatten import FlatDefinition, FlatStep, FlatValue, flatten

#: Step types that do nothing that could be reused.
_FREE = {"Condition", "Fail"}


@dataclass(frozen=True)
class StepForecast:
    """A step of the next execution.

    Attributes:
        step: its name.
        reruns: it runs; False: its result comes from the cache.
        reason: why it runs; empty if it doesn't.
        branch: the branch of a Condition step that it is in; empty outside of all branches.
    """

    step: str
    reruns: bool
    reason: str
    branch: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the forecast as `plan --json` prints it; scripts read these keys."""
        return asdict(self)


def forecast(old: FlatDefinition | None, new: FlatDefinition, *, executed: bool) -> list[StepForecast]:
    """Forecast each step that does work, in the definition's order.

    Args:
        old: the definition that AWS has; None if it has none.
        new: the definition that the next execution runs.
        executed: the old definition has been executed.
    """
    forecasts: dict[str, StepForecast] = {}
    for name in new.steps:
        _reruns(name, old if executed else None, new, forecasts)
    return [forecasts[name] for name, step in new.steps.items() if step.type not in _FREE]


def _reruns(name: str, old: FlatDefinition | None, new: FlatDefinition, forecasts: dict[str, StepForecast]) -> bool:
    """Tell whether a step runs again; the steps that it takes values from are forecast first."""
    if name not in forecasts:
        step = new.steps[name]
        forecasts[name] = StepForecast(name, True, "it waits for itself")  # a cycle, which the checker rejects
        reason = _reason(step, old, new, forecasts)
        forecasts[name] = StepForecast(name, bool(reason), reason, step.place)
    return forecasts[name].reruns


def _reason(step: FlatStep, old: FlatDefinition | None, new: FlatDefinition, forecasts: dict[str, StepForecast]) -> str:
    """Say why a step runs again; empty if its result comes from the cache."""
    known = STEP_TYPES.get(step.type)
    if known is None or not known.cached:
        return f"a {step.type} step is never cached"
    types = {name: other.type for name, other in new.steps.items()}
    if model := model_of_each_execution(step.type, step.arguments, types):
        return f"{model} makes a model of another name in each execution"
    if not _cached(step):
        return "its cache is off"
    if old is None:
        return "there is no execution yet"
    before = old.steps.get(step.name)
    if before is None or before.type != step.type:
        return "it is new"
    if not _cached(before):
        return "its cache was off"
    values = _compared_values(step, new)
    if changed := _changed(_compared_values(before, old), values):
        return changed
    for path, value in values.items():
        if value.per_execution:
            return f"{path} is another in each execution"
    for path, value in values.items():
        for source in value.steps:
            if source in new.steps and _reruns(source, old, new, forecasts):
                return f"{path} comes from {source}, which runs again"
    return ""


def _changed(old: Mapping[str, FlatValue], new: Mapping[str, FlatValue]) -> str:
    """Summarise what changed, all code as one word; empty when nothing did."""
    paths, code = [], False
    for path in dict.fromkeys([*old, *new]):
        before, after = old.get(path), new.get(path)
        code = code or (before is not None and after is not None and before.code != after.code)
        # Only the value counts here, not where it comes from.
        if (before and before.text) != (after and after.text):
            paths.append(path)
    changes = ["its code changed"] if code else []
    if paths:
        more = f" and {len(paths) - 2} more" if len(paths) > 2 else ""
        changes.append(f"{', '.join(paths[:2])}{more} changed")
    return " and ".join(changes)


def _compared_values(step: FlatStep, definition: FlatDefinition) -> dict[str, FlatValue]:
    return dict(flatten(compared_arguments(step.type, step.arguments), definition.defaults))


def _cached(step: FlatStep) -> bool:
    return is_enabled(step.raw.get("CacheConfig"))
