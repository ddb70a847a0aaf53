"""The four curves: precision over recall, and precision, recall and F1 over the score threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundloop.detections.evaluation import ClassMetrics, Curve, Curves, Evaluation
from groundloop.report.chart import (
    MAX_SERIES,
    Axes,
    Dot,
    LegendEntry,
    Line,
    PlotArea,
    Text,
    axes,
    dot,
    line_path,
    number,
    series_look,
)
from groundloop.report.numbers import ratio

_TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1.0)
_AREA = PlotArea((480.0, 340.0))
_RECALLS = np.linspace(0, 1, 101)
# Every 5th of 1001 thresholds: more would not show, and the file holds four charts of every class.
_STEP = 5
_THRESHOLDS = np.linspace(0, 1, 1001)


@dataclass(frozen=True, slots=True)
class CurveChart:
    """One chart: a thin line per class, a thick one for their mean.

    Attributes:
        threshold_line: path of the line that marks the threshold, and its caption; None of precision over recall.
    """

    title: str
    alt: str
    axes: Axes
    lines: tuple[Line, ...]
    dots: tuple[Dot, ...] = ()
    threshold_line: str | None = None
    caption: Text | None = None


@dataclass(frozen=True, slots=True)
class CurvesView:
    """The charts and their common legend."""

    charts: tuple[CurveChart, ...]
    legend: tuple[LegendEntry, ...]


def curves_view(evaluation: Evaluation) -> CurvesView:
    """Place the four charts, and one legend for all of them."""
    kinds = (("f1", "F1"), ("precision", "precision"), ("recall", "recall"))
    charts = [_over_threshold(evaluation, kind, label) for kind, label in kinds]
    return CurvesView((_precision_recall(evaluation), *charts), _legend(evaluation))


def _legend(evaluation: Evaluation) -> tuple[LegendEntry, ...]:
    alike = len(_with_curves(evaluation)) > MAX_SERIES
    entries = [LegendEntry("mean", "", f"mean over classes: AP@50 {ratio(evaluation.metrics.get('map_50'))}")]
    if alike:
        entries.append(LegendEntry("many", "", "one line per class; rest the pointer on a line to read its name"))
    for index, row in enumerate(evaluation.per_class):
        if row.curves is None:
            entries.append(LegendEntry("grid", row.name, ": no ground-truth box, so no curve"))
        elif not alike:
            entries.append(LegendEntry(series_look(index), row.name, f": AP@50 {ratio(row.ap_50)}"))
    return tuple(entries)


def _with_curves(evaluation: Evaluation) -> list[tuple[int, ClassMetrics, Curves]]:
    """Return the classes that have curves, with their ids."""
    return [(index, row, row.curves) for index, row in enumerate(evaluation.per_class) if row.curves is not None]


def _precision_recall(evaluation: Evaluation) -> CurveChart:
    return CurveChart(
        title="Precision and recall",
        alt="Precision over recall, by class",
        axes=axes(_AREA, _TICKS, _TICKS, ("recall", "precision")),
        lines=_lines(evaluation, _RECALLS, "precision_at_recall", 1),
    )


def _over_threshold(evaluation: Evaluation, kind: str, label: str) -> CurveChart:
    threshold = evaluation.threshold
    dots = []
    own_thresholds = any(row.threshold != threshold for row in evaluation.per_class)
    classes = _with_curves(evaluation)
    for _, row, curves in classes if own_thresholds and len(classes) <= MAX_SERIES else ():
        value = _at(getattr(curves, kind), row.threshold)
        if np.isfinite(value):
            dots.append(dot(_AREA, row.threshold, value, f"{row.name}: {value:.3f} at {row.threshold:.3f}", 3))
    value = _at(getattr(evaluation.curves, kind), threshold)
    caption = f"at {threshold:.3f}"
    if np.isfinite(value):
        dots.append(dot(_AREA, threshold, value, f"mean {label} {value:.3f} at the threshold {threshold:.3f}"))
        caption = f"{value:.3f} at {threshold:.3f}"
    x = _AREA.x_of(threshold)
    on_the_left = threshold > 0.45
    return CurveChart(
        title=f"{label[0].upper()}{label[1:]} over threshold",
        alt=f"{label} over the score threshold, by class; mean {caption}",
        axes=axes(_AREA, _TICKS, _TICKS, ("score threshold", label)),
        lines=_lines(evaluation, _THRESHOLDS, kind, _STEP),
        dots=tuple(dots),
        threshold_line=f"M{number(x)} {number(_AREA.top)}V{number(_AREA.bottom_edge)}",
        caption=Text(
            number(x - 7 if on_the_left else x + 7),
            number(_AREA.bottom_edge - 10),
            caption,
            "end" if on_the_left else "start",
        ),
    )


def _at(curve: Curve, threshold: float) -> float:
    """Return the value of a curve of (1001,) at a score threshold."""
    return float(curve[min(1000, max(0, round(threshold * 1000)))])


def _lines(evaluation: Evaluation, x: Curve, kind: str, step: int) -> tuple[Line, ...]:
    """Return the line of each class, then that of the mean."""

    def line(curves: Curves, title: str, look: str) -> Line:
        return Line(title, line_path(_AREA, x[::step], getattr(curves, kind)[::step]), look)

    classes = _with_curves(evaluation)
    alike = len(classes) > MAX_SERIES
    lines = [line(curves, row.name, "many" if alike else series_look(index)) for index, row, curves in classes]
    return (*lines, line(evaluation.curves, "mean over classes", "mean"))
