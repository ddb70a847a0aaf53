"""The training curve: loss and validation mAP of each epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from groundloop.report.chart import (
    LegendEntry,
    Line,
    PlotArea,
    axes,
    dot,
    line_path,
    series_look,
    whole_ticks,
)
from groundloop.report.content import TrainingCurve
from groundloop.report.curves import CurveChart, CurvesView
from groundloop.spec.training_log import EpochMetrics, best_epoch

_SIZE = (480.0, 340.0)
_LOSSES = ("cross_entropy", "smooth_l1")
_LABELS = {"cross_entropy": "cross entropy (classes)", "smooth_l1": "smooth L1 (boxes)"}
_MAP_TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1.0)


def training_view(curve: TrainingCurve) -> CurvesView | None:
    """Place the charts of losses and mAP; None where no epoch has any."""
    charts = [chart for chart in (_loss_chart(curve.epochs), _map_chart(curve.epochs)) if chart is not None]
    if not charts:
        return None
    losses = [LegendEntry(series_look(index), "", _LABELS[name]) for index, name in enumerate(_LOSSES)]
    return CurvesView(tuple(charts), (*losses, LegendEntry("mean", "", "mAP on the validation split")))


def _loss_chart(epochs: Sequence[EpochMetrics]) -> CurveChart | None:
    values = [value for name in _LOSSES for epoch in epochs if (value := _finite(getattr(epoch, name))) is not None]
    if not values:
        return None
    ticks = loss_ticks(max(values))
    area = _area(epochs, ticks[-1])
    return CurveChart(
        title="Training loss",
        alt="Training loss of each epoch",
        axes=axes(area, _epoch_ticks(epochs), ticks, ("epoch", "loss")),
        lines=tuple(_line(area, epochs, name, series_look(index)) for index, name in enumerate(_LOSSES)),
    )


def _map_chart(epochs: Sequence[EpochMetrics]) -> CurveChart | None:
    best = best_epoch(epochs)
    if best is None or best.validation_map is None:
        return None
    area = _area(epochs, 1.0)
    value = best.validation_map
    return CurveChart(
        title="Validation mAP",
        alt=f"mAP of each epoch on the validation split; the best is {value:.3f} in epoch {best.epoch + 1}",
        axes=axes(area, _epoch_ticks(epochs), _MAP_TICKS, ("epoch", "validation mAP")),
        lines=(_line(area, epochs, "validation_map", "mean"),),
        dots=(dot(area, best.epoch + 1, value, f"epoch {best.epoch + 1}: {value:.3f}, the best"),),
    )


def _area(epochs: Sequence[EpochMetrics], maximum: float) -> PlotArea:
    return PlotArea(_SIZE, x=(0.0, float(_epoch_ticks(epochs)[-1])), y=(0.0, maximum))


def _epoch_ticks(epochs: Sequence[EpochMetrics]) -> list[int]:
    return whole_ticks(epochs[-1].epoch + 1)


def _line(area: PlotArea, epochs: Sequence[EpochMetrics], name: str, look: str) -> Line:
    numbers = np.array([epoch.epoch + 1 for epoch in epochs], dtype=np.float64)
    values = [_finite(getattr(epoch, name)) for epoch in epochs]
    heights = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    return Line(_LABELS.get(name, "validation mAP"), line_path(area, numbers, heights), look)


def loss_ticks(maximum: float) -> list[float]:
    """Return about five ticks from 0 to at least the maximum, in steps of 1, 2 or 5 times a power of ten.

    Example:
        >>> loss_ticks(2.7)
        [0.0, 1.0, 2.0, 3.0]
    """
    if maximum <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(maximum / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * 5 >= maximum)
    return [round(number * step, 12) for number in range(math.ceil(maximum / step) + 1)]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
