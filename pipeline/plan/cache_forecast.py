"""Which steps the next execution runs again instead of taking them from the cache, and why.

The comparison assumes an execution of the old definition that is younger than the steps' ExpireAfter, and that both
are started without values for the parameters. AWS compares requests, not what is behind a URI, so what a step reads
of another's results (a property file, an ExitMessage) decides only when these are known.
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
        certain: False: it runs only if steps before it, which run, give other results than in the last execution.
    """

    step: str
    reruns: bool
    reason: str
    branch: str = ""
    certain: bool = True

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
        _forecast(name, old if executed else None, new, forecasts)
    return [forecasts[name] for name, step in new.steps.items() if step.type not in _FREE]


def _forecast(
    name: str, old: FlatDefinition | None, new: FlatDefinition, forecasts: dict[str, StepForecast]
) -> StepForecast:
    """Return a step's forecast; the steps that it takes values from are forecast first."""
    if name not in forecasts:
        step = new.steps[name]
        forecasts[name] = StepForecast(name, True, "it waits for itself")  # a cycle, which the checker rejects
        reason, certain = _reason(step, old, new, forecasts)
        forecasts[name] = StepForecast(name, bool(reason), reason, step.place, certain)
    return forecasts[name]


def _reason(
    step: FlatStep, old: FlatDefinition | None, new: FlatDefinition, forecasts: dict[str, StepForecast]
) -> tuple[str, bool]:
    """Say why a step runs again, and whether that is certain; empty if its result comes from the cache."""
    if reason := _own_reason(step, old, new):
        return reason, True
    sources = [
        (path, value, _forecast(source, old, new, forecasts))
        for path, value in _compared_values(step, new).items()
        for source in value.steps
        if source in new.steps
    ]
    for path, value, source in sources:
        if source.reruns and source.certain and source.step not in value.contents:
            return f"{path} comes from {source.step}, which runs again", True
    for _, _, source in sources:
        if source.reruns:
            return f"only if {source.step} gives other results than before", False
    return "", True


def _own_reason(step: FlatStep, old: FlatDefinition | None, new: FlatDefinition) -> str:
    """Say why a step runs again whatever the others do; empty if it need not."""
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
    return next((f"{path} is another in each execution" for path, value in values.items() if value.per_execution), "")


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
