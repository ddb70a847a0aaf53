"""Charts of a statistic's distribution in a baseline and in a window of captured requests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundloop.detections.drift.comparison import StatisticResult
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import CLASS_SHARE
from groundloop.report.chart import Axes, Bar, Line, PlotArea, axes, bar, number
from groundloop.report.numbers import UNDEFINED, percent
from groundloop.wording import quantity

Floats = NDArray[np.float64]
_SIZE = (480.0, 280.0)
_BINS = 16
# Counts up to this have a bar each.
_MAX_COUNTS = 30
# A few extreme images must not squeeze all others into one bar: they are in the outermost ones.
_RANGE = (0.5, 99.5)


@dataclass(frozen=True, slots=True)
class DistributionChart:
    """The baseline as bars, the window as a line over them.

    Attributes:
        title: of the statistic.
        caption: the means and the distance, in words.
        look: CSS class of the caption's verdict; "" for one that didn't change.
        verdict: whether it changed, in a word or two.
    """

    title: str
    caption: str
    look: str
    verdict: str
    alt: str
    axes: Axes
    bars: tuple[Bar, ...]
    line: Line


def distribution_chart(result: StatisticResult, baseline: Sample, window: Sample, changed: bool) -> DistributionChart:
    """Place the chart of a statistic.

    Args:
        result: of the comparison.
        baseline, window: where the values are from.
        changed: whether it counts as changed.
    """
    name, title = result.statistic.name, result.statistic.title
    values = baseline.column(name), window.column(name)
    edges = _edges(name, *values)
    shares = [_shares(part, edges) for part in values]
    y_ticks = _ticks(0.0, max(0.05, *(float(share.max(initial=0.0)) for share in shares)), 4)
    x_ticks = [tick for tick in _ticks(edges[0], edges[-1], 6) if edges[0] <= tick <= edges[-1]]
    area = PlotArea(_SIZE, x=(edges[0], edges[-1]), y=(0.0, y_ticks[-1]))
    caption = f"mean {written(result.baseline_mean)} in the baseline, {written(result.window_mean)} in the window"
    if result.distance is not None:
        caption += f"; distance {result.distance:.2f} standard deviations"
    if result.p_value is not None:
        caption += f", p = {result.p_value:.3f}"
    return DistributionChart(
        title=title,
        caption=caption,
        look="bad" if changed else "",
        verdict="changed" if changed else "",
        alt=f"Distribution of {title}: {caption}",
        axes=axes(area, x_ticks, y_ticks, (title, "share of images")),
        bars=tuple(_bars(area, edges, shares[0], len(values[0]))),
        line=Line(f"window: {quantity(len(values[1]), 'image')}", _outline(area, edges, shares[1]), "curve s3 window"),
    )


def written(value: float | None) -> str:
    """Format a mean in three digits; a dash stands for one that is not defined."""
    return UNDEFINED if value is None else f"{value:.3g}".replace("-", "\u2212")


def _edges(name: str, baseline: Floats, window: Floats) -> list[float]:
    """Return the limits of the bars."""
    if name.startswith(CLASS_SHARE):
        return np.linspace(0, 1, 11).tolist()
    pooled = np.concatenate([baseline, window])
    if not len(pooled):
        return [0.0, 1.0]
    if name == "boxes" and pooled.max() <= _MAX_COUNTS:
        return (np.arange(0, pooled.max() + 2) - 0.5).tolist()
    low, high = np.percentile(pooled, _RANGE).tolist()
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, _BINS + 1).tolist()


def _shares(values: Floats, edges: Sequence[float]) -> Floats:
    """Return the share of the images in each bar; those beyond the outermost count there."""
    if not len(values):
        return np.zeros(len(edges) - 1)
    # A value on the last limit belongs to the last bar.
    inside = np.clip(values, edges[0], edges[-1])
    return np.asarray(np.histogram(inside, bins=np.array(edges))[0] / len(values), dtype=np.float64)


def _bars(area: PlotArea, edges: Sequence[float], shares: Floats, images: int) -> list[Bar]:
    width = area.x_of(edges[1]) - area.x_of(edges[0])
    return [
        bar(area, area.x_of(low) + 0.5, width - 1, share, f"baseline: {percent(share)} of {quantity(images, 'image')}")
        for low, share in zip(edges, shares.tolist(), strict=False)
        if share
    ]


def _outline(area: PlotArea, edges: Sequence[float], shares: Floats) -> str:
    """Return the SVG path of the steps of a histogram."""
    path = [f"M{number(area.x_of(edges[0]))} {number(area.y_of(0.0))}"]
    for high, share in zip(edges[1:], shares.tolist(), strict=True):
        path.append(f"V{number(area.y_of(share))}H{number(area.x_of(high))}")
    return "".join([*path, f"V{number(area.y_of(0.0))}"])


def _ticks(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round numbers from `low` or less to `high` or more.

    Example:
        >>> _ticks(0.0, 0.37, 4)
        [0.0, 0.1, 0.2, 0.3, 0.4]
    """
    rough = (high - low) / count
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]
