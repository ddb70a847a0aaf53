"""The quality gate: compares a model's metrics with the thresholds and the champion, in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundloop.errors import UserError
from steps.evaluate.metric_names import ERROR_METRICS, metrics_of, value_of
from steps.evaluate.requirements import AT_LEAST, AT_MOST, Requirement

# A failed step's FailureReason holds 1024 characters (ListPipelineExecutionSteps), the Fail step's own words included.
_MAX_MESSAGE_LENGTH = 900
# Two computations of one metric may differ in the last digit.
_TOLERANCE = 1e-12


def verdict(
    evaluation: Mapping[str, Any],
    requirements: Sequence[Requirement],
    champion: Mapping[str, Any] | None = None,
    improvements: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return the `gate` part of evaluation.json.

    Args:
        evaluation: all other parts of evaluation.json.
        requirements: the thresholds.
        champion: the `champion` part (:mod:`steps.evaluate.champion`); None when the registry was not read.
        improvements: minimum improvement over the champion by metric; a negative one allows the model to be worse by
            that much.

    Returns:
        `requirements`: one entry for each threshold and improvement: metric, operator, threshold, value (None:
        undefined), met, and against: "" or "champion", from whose value the threshold is then computed.
        `missed`: the metrics that miss theirs. `thresholds_missed`: their number.
        `message`: all of it in words, in at most 900 characters.

    Raises:
        UserError: the evaluation doesn't have a metric, or there is no champion part to compare improvements with.
    """
    metrics = metrics_of(evaluation)
    intervals = evaluation.get("intervals") or {}
    entries: list[dict[str, Any]] = []
    met: list[str] = []
    missed: list[str] = []
    for requirement in requirements:
        value = value_of(metrics, requirement.metric)
        is_met = value is not None and requirement.is_met(value)
        entries.append(_entry(requirement, value, is_met, ""))
        if is_met and value is not None:
            threshold = requirement.threshold
            met.append(f"{requirement.metric} {_rounded(value, threshold)} {requirement.operator} {threshold:g}")
        else:
            missed.append(_describe_miss(requirement, value, _interval(intervals, requirement.metric)))
    if improvements and champion is None:
        raise UserError("--min-improvement needs --champion-group, the group of the champion")
    for metric in improvements or {}:
        value_of(metrics, metric)
    if improvements and champion is not None and champion["package"]:
        for metric, improvement in improvements.items():
            entry, description = _compare(champion, metric, improvement)
            entries.append(entry)
            (met if entry["met"] else missed).append(description)
    if missed:
        message = _join(missed)
    elif met:
        message = _join(met, "all thresholds met: ", ", ")
    else:
        message = "no thresholds are set: every model passes"
    if not missed and improvements and champion is not None and not champion["package"]:
        message += f"; {champion['message']}"
    return {
        "requirements": entries,
        "missed": [entry["metric"] for entry in entries if not entry["met"]],
        "thresholds_missed": len(missed),
        "message": message,
    }


def _entry(requirement: Requirement, value: float | None, met: bool, against: str) -> dict[str, Any]:
    return {
        "metric": requirement.metric,
        "operator": requirement.operator,
        "threshold": requirement.threshold,
        "value": value,
        "met": met,
        "against": against,
    }


def _compare(champion: Mapping[str, Any], metric: str, improvement: float) -> tuple[dict[str, Any], str]:
    """Compare one metric with the champion's; return the entry and its description."""
    ours, theirs = value_of(champion["candidate"], metric), champion["metrics"].get(metric)
    less_is_better = metric.rpartition(".")[2] in ERROR_METRICS
    operator = AT_MOST if less_is_better else AT_LEAST
    version = f"version {champion['version']}"
    if theirs is None or ours is None:
        # Anything is an improvement over an undefined value; an undefined value never is.
        entry = _entry(Requirement(metric, operator, 0.0), ours, ours is not None, "champion")
        return entry, f"{metric} is {_or_undefined(ours)}, {_or_undefined(theirs)} for {version}"
    requirement = Requirement(metric, operator, theirs - improvement if less_is_better else theirs + improvement)
    gain = theirs - ours if less_is_better else ours - theirs
    met = gain >= improvement - _TOLERANCE
    digits = 3 if met or improvement - gain >= 0.0005 else 9
    relation = f"{abs(gain):.{digits}f} {'better' if gain > 0 else 'worse'} than"
    if abs(gain) <= _TOLERANCE:
        relation = "as good as"
    description = f"{metric} is {ours:.{digits}f}, {relation} the {theirs:.{digits}f} of {version}"
    if not met:
        shortfall = f"{improvement - gain:.{digits}f} under the required improvement of {improvement:g}"
        description += f" on {_compared_images(champion)}, {shortfall}"
    return _entry(requirement, ours, met, "champion"), description


def _compared_images(champion: Mapping[str, Any]) -> str:
    shared = champion["images_shared"]
    return f"the {shared} test images that both have" if shared else "other test images"


def _describe_miss(requirement: Requirement, value: float | None, interval: str) -> str:
    metric, threshold = requirement.metric, requirement.threshold
    if value is None:
        return f"{metric} is undefined: the test images hold nothing to measure it on, but {requirement} is required"
    side = "under" if requirement.operator == AT_LEAST else "over"
    difference = _rounded(abs(threshold - value), 0)
    return f"{metric} is {_rounded(value, threshold)}{interval}, {difference} {side} its threshold {threshold:g}"


def _interval(intervals: Mapping[str, Any], metric: str) -> str:
    bounds = (intervals.get("metrics") or {}).get(metric)
    if not bounds:
        return ""
    return f" ({float(intervals.get('level', 0.95)) * 100:g} % interval {bounds[0]:.2f} to {bounds[1]:.2f})"


def _rounded(value: float, beside: float) -> str:
    """Return a metric with three digits, or with more where it would look equal to the number beside it."""
    if value == int(value) and abs(value) > 1:
        return f"{value:.0f}"  # a number of images or boxes
    digits = 3 if value == beside or abs(value - beside) >= 0.0005 else 9
    return f"{value:.{digits}f}"


def _or_undefined(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _join(parts: Sequence[str], start: str = "", separator: str = "; ") -> str:
    """Join the parts; those for which there is no room are only counted."""
    text = start + separator.join(parts)
    kept = len(parts)
    while len(text) > _MAX_MESSAGE_LENGTH and kept:
        kept -= 1
        rest = f"{len(parts) - kept} more, listed under gate in evaluation.json"
        text = start + separator.join([*parts[:kept], f"and {rest}" if kept else rest])
    return text
