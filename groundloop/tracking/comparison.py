"""Two executions, or versions, side by side: what differs in parameters, data, code, metrics, gate and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from groundloop.tracking.compared_run import ComparedRun, Value


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not the same on both sides; None where a side has none.

    Attributes:
        section: `parameters`, `configuration`, `hyperparameters`, `data`, `code`, `gate` or `cost`.
    """

    section: str
    name: str
    a: Value
    b: Value


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """A metric that is not the same on both sides.

    Attributes:
        name: its path in evaluation.json, joined by dots.
        a, b: None where the data does not define it, or a side has no such metric.
        difference: b - a; None where one of them is None.
        a_interval, b_interval: confidence intervals, where evaluation.json has them.
        intervals_overlap: None without both of them.
    """

    name: str
    a: float | None
    b: float | None
    difference: float | None
    a_interval: tuple[float, float] | None = None
    b_interval: tuple[float, float] | None = None
    intervals_overlap: bool | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two runs.

    Attributes:
        a, b: the runs.
        differences: values that differ, by section.
        metrics: metrics that differ, in the order of evaluation.json.
        equal: by section, how many values are the same; `metrics` among them.
        notes: what to keep in mind, in sentences.
    """

    a: ComparedRun
    b: ComparedRun
    differences: list[Difference]
    metrics: list[MetricDifference]
    equal: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return {
            "a": self.a.as_json(),
            "b": self.b.as_json(),
            "differences": [asdict(one) for one in self.differences],
            "metrics": [asdict(one) for one in self.metrics],
            "equal": self.equal,
            "notes": self.notes,
        }


def compare(a: ComparedRun, b: ComparedRun) -> Comparison:
    """Compare two runs.

    Example:
        >>> one = ComparedRun("1", sections={"parameters": {"Epochs": "30", "Mode": "plain"}}, metrics={"map": 0.5})
        >>> two = ComparedRun("2", sections={"parameters": {"Epochs": "60", "Mode": "plain"}}, metrics={"map": 0.75})
        >>> found = compare(one, two)
        >>> found.differences
        [Difference(section='parameters', name='Epochs', a='30', b='60')]
        >>> found.metrics[0].difference, found.equal
        (0.25, {'parameters': 1, 'metrics': 0})
    """
    differences: list[Difference] = []
    equal: dict[str, int] = {}
    for section in dict.fromkeys((*a.sections, *b.sections)):
        left, right = a.sections.get(section, {}), b.sections.get(section, {})
        names = dict.fromkeys((*left, *right))
        changed = [name for name in names if left.get(name) != right.get(name)]
        differences += [Difference(section, name, left.get(name), right.get(name)) for name in changed]
        equal[section] = len(names) - len(changed)
    paths = dict.fromkeys((*a.metrics, *b.metrics))
    metrics = [_metric(name, a, b) for name in paths if a.metrics.get(name) != b.metrics.get(name)]
    equal["metrics"] = len(paths) - len(metrics)
    return Comparison(a, b, differences, metrics, equal, _notes(a, b))


def _metric(name: str, a: ComparedRun, b: ComparedRun) -> MetricDifference:
    left, right = a.metrics.get(name), b.metrics.get(name)
    difference = None if left is None or right is None else right - left
    first, second = a.intervals.get(name), b.intervals.get(name)
    overlap = None if first is None or second is None else first[0] <= second[1] and second[0] <= first[1]
    return MetricDifference(name, left, right, difference, first, second, overlap)


def _notes(a: ComparedRun, b: ComparedRun) -> list[str]:
    notes = [f"{run.name}: {note}" for run in (a, b) for note in run.notes]
    if not (a.metrics and b.metrics):
        return notes
    data: tuple[Mapping[str, Value], ...] = tuple(run.sections.get("data", {}) for run in (a, b))
    if data[0].get("fingerprint") != data[1].get("fingerprint"):
        notes.append("the data differs, so the metrics may be of other test images")
    if data[0].get("classes") != data[1].get("classes"):
        notes.append("the class lists differ, so metrics over all classes are of other classes")
    return notes
