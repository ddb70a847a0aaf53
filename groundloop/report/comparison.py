"""Rows of the report's tables of requirements and of the champion: value, threshold, difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from groundloop.detections.evaluation import Evaluation
from groundloop.report.numbers import display_name, interval, is_improvement, ratio, signed
from groundloop.wording import quantity

_MODELS = {"candidate": "This model", "champion": "Champion"}
_OPERATORS = {">=": "\u2265", "<=": "\u2264"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement of the gate, as the report shows it; `against` is `champion` where it is made of its metric."""

    metric: str
    met: bool
    value: str
    threshold: str
    against: str
    difference: str
    interval: str


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict in words, and its requirements.

    Attributes:
        status: `met`, `missed`, or "" where nothing is required.
    """

    status: str
    verdict: str
    message: str
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class ComparedMetric:
    """A metric of this model beside the champion's; `improved` None: neither better nor worse."""

    metric: str
    candidate: str
    champion: str
    difference: str
    improved: bool | None
    same: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """This model beside the champion: metrics of all classes together, then of single classes."""

    overall: tuple[ComparedMetric, ...]
    by_class: tuple[ComparedMetric, ...]


@dataclass(frozen=True, slots=True)
class MetricOnLabels:
    """A metric of one model on the labels before and after corrections."""

    metric: str
    before: str
    after: str
    difference: str


@dataclass(frozen=True, slots=True)
class ModelOnLabels:
    """A model's metrics on the labels before and after corrections."""

    model: str
    metrics: tuple[MetricOnLabels, ...]


def gate_view(gate: Mapping[str, Any], evaluation: Evaluation) -> Gate:
    """Put the verdict into words, and a row for every requirement."""
    requirements, missed = gate["requirements"], gate["thresholds_missed"]
    count = quantity(len(requirements), "requirement")
    if not requirements:
        status, verdict = "", "No verdict: the gate has no requirements"
    elif missed:
        status, verdict = (
            "missed",
            f"\u2717 Not passed: {missed} of {count} missed",
        )
    else:
        status, verdict = "met", f"\u2713 Passed: {count} met"
    return Gate(status, verdict, gate["message"], tuple(_requirement(row, evaluation) for row in requirements))


def champion_view(champion: Mapping[str, Any]) -> Comparison:
    """Compare every metric that at least one of the two models defines; without a champion there is none."""
    theirs: Mapping[str, float | None] = champion.get("metrics") or {}
    ours: Mapping[str, float | None] = champion.get("candidate") or {}
    defined = [metric for metric in theirs if theirs[metric] is not None or ours.get(metric) is not None]
    rows = [_compared(metric, theirs[metric], ours.get(metric)) for metric in defined]
    return Comparison(
        overall=tuple(row for row in rows if display_name(row.metric)),
        by_class=tuple(row for row in rows if not display_name(row.metric)),
    )


def corrections_view(corrections: Mapping[str, Any]) -> tuple[ModelOnLabels, ...]:
    """Return each model's metrics before and after label corrections, those of all classes together."""
    return tuple(
        ModelOnLabels(heading, tuple(_on_labels(corrections["before"][model], corrections["after"][model])))
        for model, heading in _MODELS.items()
        if model in corrections["after"]
    )


def _on_labels(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> Iterator[MetricOnLabels]:
    for metric, value in after.items():
        then = before.get(metric)
        if display_name(metric) and (value is not None or then is not None):
            difference = None if value is None or then is None else value - then
            yield MetricOnLabels(metric, _value(metric, then), _value(metric, value), signed(difference))


def _requirement(row: Mapping[str, Any], evaluation: Evaluation) -> Requirement:
    value, threshold = row["value"], row["threshold"]
    # The value beside the champion's is of the images that both were tested on, the interval of all test images.
    bounds = None if row.get("against") else interval(evaluation, row["metric"])
    return Requirement(
        metric=row["metric"],
        met=row["met"],
        value=_value(row["metric"], value),
        threshold=f"{_OPERATORS.get(row['operator'], row['operator'])} {_exact(threshold)}",
        against=row.get("against") or "",
        difference=_difference(value, threshold),
        interval=f"{bounds[0]:.2f} to {bounds[1]:.2f}" if bounds else "",
    )


def _compared(metric: str, theirs: float | None, ours: float | None) -> ComparedMetric:
    difference = None if theirs is None or ours is None else ours - theirs
    return ComparedMetric(
        metric=metric,
        candidate=_value(metric, ours),
        champion=_value(metric, theirs),
        difference=signed(difference),
        improved=None if difference is None else is_improvement(metric, difference),
        same=difference == 0,
    )


def _value(metric: str, value: float | None) -> str:
    return signed(value) if metric.endswith("bias") else ratio(value)


def _difference(value: float | None, threshold: float) -> str:
    if value is None:
        return signed(None)
    difference = value - threshold
    # A narrow miss must not look like none.
    return signed(difference, 3 if abs(difference) >= 0.0005 or difference == 0 else 9)


def _exact(threshold: float) -> str:
    """Format a threshold as it was written, unless it was computed."""
    text = f"{threshold:g}"
    return text if float(text) == threshold else f"{threshold:.3f}"
