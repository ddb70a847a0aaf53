"""What differs between two executions, printed as tables."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from groundloop.errors import UserError
from groundloop.wording import quantity
from pipeline.cli.output import print_json, print_line, print_table, print_values
from pipeline.cli.progress import duration

if TYPE_CHECKING:
    from groundloop.tracking.compared_run import ComparedRun
    from groundloop.tracking.comparison import Comparison, Difference, MetricDifference
    from pipeline.config import Config

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SECTIONS = {
    "parameters": "parameter",
    "hyperparameters": "hyperparameter",
    "configuration": "configuration",
    "data": "data",
    "code": "code",
    "gate": "gate",
    "cost": "cost",
}
#: Of the parts of evaluation.json with many rows, the one metric of a row that the table shows.
_SHOWN_OF_ROW = {"per_class": "ap_50", "slices": "map_50"}


def compare_runs(settings: Config, pipeline: str, names: tuple[str, str], *, as_json: bool) -> None:
    """Print what differs between two executions or versions.

    Raises:
        UserError: there is no such execution or version, or both are the same.
    """
    from groundloop.tracking.compared_run import read_run
    from groundloop.tracking.comparison import compare

    region, group = settings.aws.region, settings.registry.group
    a, b = (read_run(region, pipeline, group, which) for which in names)
    if (a.execution or a.package) == (b.execution or b.package):
        raise UserError(f"{names[0]} and {names[1]} are the same: {a.execution or a.package}")
    comparison = compare(a, b)
    if as_json:
        print_json(comparison.as_json())
        return
    print_values({"A": _title(a), "B": _title(b)})
    if comparison.differences:
        print_line()
        print_table(("", "name", "A", "B"), [_row(one) for one in comparison.differences])
    else:
        print_line("\nparameters, data and code are the same")
    _print_metrics(comparison)
    for note in comparison.notes:
        print_line(f"note: {note}")


def _print_metrics(comparison: Comparison) -> None:
    shown = [one for one in comparison.metrics if _is_shown(one)]
    if not shown:
        if comparison.equal["metrics"]:
            print_line("\nthe metrics are the same")
        return
    print_line()
    print_table(
        ("metric", "A", "B", "difference", "interval of A", "interval of B"),
        [_metric_row(one) for one in shown],
        right=("A", "B", "difference"),
    )
    if hidden := len(comparison.metrics) - len(shown):
        print_line(f"{quantity(hidden, 'more metric differs', 'more metrics differ')}: --json has them")


def _is_shown(one: MetricDifference) -> bool:
    root, _, rest = one.name.partition(".")
    return root not in _SHOWN_OF_ROW or rest.rpartition(".")[2] == _SHOWN_OF_ROW[root]


def _title(run: ComparedRun) -> str:
    parts = [run.name]
    if run.execution and not run.execution.endswith(f"/{run.name}"):
        parts.append(f"execution {run.execution.rpartition('/')[2]}")
    if run.package and not run.name.startswith("version "):
        parts.append(f"version {run.package.rpartition('/')[2]}")
    if run.status:
        parts.append(run.status)
    if run.started:
        parts.append(f"started {datetime.fromisoformat(run.started).astimezone():%Y-%m-%d %H:%M}")
    return ", ".join(parts)


def _row(one: Difference) -> tuple[str, str, str, str]:
    return _SECTIONS.get(one.section, one.section), one.name, _cell(one, one.a), _cell(one, one.b)


def _cell(one: Difference, value: str | float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return duration(value) if one.section == "cost" else f"{value:g}"
    return f"{value[:12]}..." if _SHA256.fullmatch(value) else value


def _metric_row(one: MetricDifference) -> tuple[str, ...]:
    difference = "-" if one.difference is None else f"{one.difference:+.4f}"
    return one.name, _number(one.a), _number(one.b), difference, _interval(one.a_interval), _interval(one.b_interval)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(value: tuple[float, float] | None) -> str:
    return "" if value is None else f"{value[0]:.4f} to {value[1]:.4f}"
