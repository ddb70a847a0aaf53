"""Charts of a search for hyperparameters: its progress, and the objective over each tuned value, on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundloop.report.chart import Dot, LegendEntry, Line, PlotArea, axes, dot, line_path, whole_ticks
from groundloop.report.curves import CurveChart
from groundloop.report.templating import render
from groundloop.spec.tuning_search import SearchedJob, TuningSearch, value_text

_SIZE = (480.0, 340.0)
_MAP_TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1.0)
# From this ratio of the largest to the smallest value on, the axis is logarithmic.
_LOG_RATIO = 10
_TICKS = 5


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """The axis of a hyperparameter's values.

    Attributes:
        label: its label.
        ends: of the axis, in its coordinates.
        ticks: where they lie, and their texts.
        places: the coordinate of each text of a value.
    """

    label: str
    ends: tuple[float, float]
    ticks: tuple[tuple[float, str], ...]
    places: dict[str, float]


def write_tuning_charts(search: TuningSearch, folder: Path) -> Path:
    """Write `tuning.html` and return its path.

    Args:
        search: the tuning job.
        folder: made when missing; a file of the same name is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "tuning.html"
    scored = [job for job in search.jobs if job.objective is not None]
    charts = [_progress(search, scored), *(_scatter(search, scored, name) for name in search.tuned)] if scored else []
    text = render(
        "tuning.html",
        search=search,
        rows=[_row(search, job) for job in search.ranked],
        heads=("training job", *search.tuned, "epochs", "mAP", "status", "ended because"),
        charts=charts,
        legend=[LegendEntry("mean", "", "best so far")],
    )
    target.write_text(text, encoding="utf-8", newline="\n")
    return target


def value_axis(name: str, values: Sequence[str]) -> ValueAxis:
    """Place the values of a hyperparameter on an axis: by size, logarithmic where they span magnitudes, or by name.

    Example:
        >>> value_axis("optimizer", ["sgd", "adam"]).places
        {'adam': 0.0, 'sgd': 1.0}
    """
    try:
        numbers = {text: float(text) for text in values}
    except ValueError:
        names = sorted(set(values))
        places = {text: float(index) for index, text in enumerate(names)}
        return ValueAxis(name, (-0.5, len(names) - 0.5), tuple((places[text], text) for text in names), places)
    low, high = min(numbers.values()), max(numbers.values())
    logarithmic = low > 0 and high / low >= _LOG_RATIO
    scaled = {text: math.log10(number) if logarithmic else number for text, number in numbers.items()}
    left, right = min(scaled.values()), max(scaled.values())
    margin = (right - left) * 0.05 or abs(left) * 0.05 or 0.5
    ticks = np.linspace(left, right, _TICKS) if right > left else np.array([left])
    if not logarithmic and all(number.is_integer() for number in numbers.values()):
        ticks = np.unique(np.round(ticks))
    shown = [(float(tick), f"{10**tick if logarithmic else tick:.2g}") for tick in ticks]
    label = f"{name}, logarithmic" if logarithmic else name
    return ValueAxis(label, (left - margin, right + margin), tuple(shown), scaled)


def _row(search: TuningSearch, job: SearchedJob) -> tuple[str, list[str], SearchedJob, str]:
    values = [value_text(job.values.get(name, "")) for name in search.tuned]
    return search.label(job), values, job, search.end_of(job)


def _progress(search: TuningSearch, scored: Sequence[SearchedJob]) -> CurveChart:
    numbers = {job.name: number for number, job in enumerate(search.jobs, start=1)}
    x = np.array([numbers[job.name] for job in scored], dtype=np.float64)
    # A job that was stopped is never the best.
    reached = [job.objective if job.status == "Completed" else math.nan for job in scored]
    best = np.fmax.accumulate(np.array(reached, dtype=np.float64))
    ticks = [tick for tick in whole_ticks(len(search.jobs)) if tick]
    area = PlotArea(_SIZE, x=(0.0, float(max(ticks[-1], len(search.jobs)))))
    highest = f"; the best is {best[-1]:.3f}" if math.isfinite(best[-1]) else ""
    return CurveChart(
        title="Progress of the search",
        alt=f"{search.metric} of each training job in the order of their start{highest}",
        axes=axes(area, ticks, _MAP_TICKS, ("training job", search.metric)),
        lines=(Line("best so far", line_path(area, x, best), "mean"),),
        dots=tuple(_dot(area, numbers[job.name], job, search) for job in scored),
    )


def _scatter(search: TuningSearch, scored: Sequence[SearchedJob], name: str) -> CurveChart:
    tried = [job for job in scored if name in job.values]
    axis = value_axis(name, [job.values[name] for job in tried] or ["0"])
    area = PlotArea(_SIZE, x=axis.ends)
    drawn = axes(area, [place for place, _ in axis.ticks], _MAP_TICKS, (axis.label, search.metric), x_texts=axis.ticks)
    return CurveChart(
        title=name,
        alt=f"{search.metric} over {name}, of each training job",
        axes=drawn,
        lines=(),
        dots=tuple(_dot(area, axis.places[job.values[name]], job, search) for job in tried),
    )


def _dot(area: PlotArea, x: float, job: SearchedJob, search: TuningSearch) -> Dot:
    is_best = job.name == search.best_name
    values = ", ".join(f"{name} {job.values.get(name, '')}" for name in search.tuned)
    title = f"{job.name}: {job.objective:.3f}, {values}"
    return dot(area, x, job.objective or 0.0, title, *((6.0, "dot") if is_best else (3.2, "point s0")))
