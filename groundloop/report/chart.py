"""Small charts as SVG: crisp at any size, in the page's own colours and font, so that names of any script show.

This module computes where everything lies; `templates/chart.html` draws it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from groundloop.images.palette import PALETTE

#: As many classes have lines of their own colour and dash; of more classes, all lines look alike.
MAX_SERIES = 2 * len(PALETTE)

Values = TypeVar("Values", float, NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class PlotArea:
    """A plotting area, which maps data to coordinates of the picture.

    Attributes:
        size: width and height of the picture.
        x, y: the minimum and maximum of each axis.
        left, right, top, bottom: margins around the area.
    """

    size: tuple[float, float]
    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    left: float = 58
    right: float = 12
    top: float = 10
    bottom: float = 44

    @property
    def right_edge(self) -> float:
        """Coordinate of the right end of the x axis."""
        return self.size[0] - self.right

    @property
    def bottom_edge(self) -> float:
        """Coordinate of the lower end of the y axis."""
        return self.size[1] - self.bottom

    def x_of(self, value: Values) -> Values:
        """Return the horizontal coordinate of a value, or of each of an array."""
        return self.left + (value - self.x[0]) / (self.x[1] - self.x[0]) * (self.right_edge - self.left)

    def y_of(self, value: Values) -> Values:
        """Return the vertical coordinate of a value, or of each of an array, which grows downwards."""
        return self.bottom_edge - (value - self.y[0]) / (self.y[1] - self.y[0]) * (self.bottom_edge - self.top)


@dataclass(frozen=True, slots=True)
class Text:
    """A text at a coordinate.

    Attributes:
        anchor: which end of the text lies there, as SVG's `text-anchor` names it.
        transform: SVG's `transform`, if any.
    """

    x: str
    y: str
    text: str
    anchor: str = "middle"
    transform: str | None = None


@dataclass(frozen=True, slots=True)
class Axes:
    """Grid, frame, ticks and labels of a chart: the paths in SVG's syntax, and the texts."""

    view_box: str
    grid: str
    frame: str
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart; the title shows where the pointer rests on it."""

    title: str
    path: str
    look: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A circle of a chart; the title shows where the pointer rests on it."""

    title: str
    x: str
    y: str
    radius: str
    look: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A vertical bar of a chart; the title shows where the pointer rests on it."""

    title: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A scatter plot or a histogram; `alt` is for who can't see it."""

    title: str
    alt: str
    axes: Axes
    dots: tuple[Dot, ...] = ()
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """An entry of a legend: the look of its sample, a name that a user gave or "", and further text."""

    look: str
    name: str
    text: str = ""


def axes(
    area: PlotArea,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    labels: tuple[str, str],
    x_texts: Sequence[tuple[float, str]] = (),
) -> Axes:
    """Place the grid, the ticks, and the labels of the x and the y axis.

    Args:
        area: the plotting area.
        x_ticks: values of the x axis with a line of the grid.
        y_ticks: values of the y axis with one.
        labels: of the x and the y axis.
        x_texts: value and text of each tick of the x axis; empty: the values themselves.
    """
    right, low = area.right_edge, area.bottom_edge
    grid = [f"M{number(area.x_of(tick))} {number(area.top)}V{number(low)}" for tick in x_ticks]
    grid += [f"M{number(area.left)} {number(area.y_of(tick))}H{number(right)}" for tick in y_ticks]
    texts = [
        _text(area.x_of(tick), low + 16, text) for tick, text in x_texts or [(tick, f"{tick:g}") for tick in x_ticks]
    ]
    texts += [_text(area.left - 6, area.y_of(tick) + 4, f"{tick:g}", "end") for tick in y_ticks]
    middle = (area.top + low) / 2
    texts.append(_text((area.left + right) / 2, area.size[1] - 8, labels[0]))
    texts.append(_text(14, middle, labels[1], transform=f"rotate(-90 14 {number(middle)})"))
    return Axes(
        view_box=f"0 0 {number(area.size[0])} {number(area.size[1])}",
        grid="".join(grid),
        frame=f"M{number(area.left)} {number(area.top)}V{number(low)}H{number(right)}",
        texts=tuple(texts),
    )


def line_path(area: PlotArea, x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """Return the SVG path through the points, in tenths of a unit, interrupted where y is not a number.

    Points between two others of equal height are left out.
    """
    across, heights = _numbers(area.x_of(x)), _numbers(area.y_of(y))
    steps: list[str] = []
    pen = "M"
    for index, (right, height, shown) in enumerate(zip(across, heights, np.isfinite(y).tolist(), strict=True)):
        if not shown:
            pen = "M"
            continue
        inside = 0 < index < len(heights) - 1 and heights[index - 1] == height == heights[index + 1]
        if pen == "L" and inside:
            continue
        steps.append(f"{pen}{right} {height}")
        pen = "L"
    return "".join(steps)


def dot(area: PlotArea, x: float, y: float, title: str, radius: float = 4.5, look: str = "dot") -> Dot:
    """Place a circle at a point."""
    return Dot(title, number(area.x_of(x)), number(area.y_of(y)), number(radius), look)


def bar(area: PlotArea, left: float, width: float, value: float, title: str) -> Bar:
    """Place a bar from the x axis up to a value; `left` and `width` are coordinates of the picture."""
    top = area.y_of(value)
    return Bar(title, number(left), number(top), number(width), number(area.bottom_edge - top))


def series_colour(index: int) -> str:
    """Return the CSS class of the colour of a class."""
    return f"s{index % len(PALETTE)}"


def series_look(index: int) -> str:
    """Return the CSS classes of the line of a class; lines are dashed the second time a colour is used."""
    return f"curve {series_colour(index)}" + (" dashed" if index >= len(PALETTE) else "")


def whole_ticks(maximum: int) -> list[int]:
    """Return about five whole numbers from 0 to at least the maximum, which is taken as 1 when it is 0.

    Example:
        >>> whole_ticks(13)
        [0, 5, 10, 15]
    """
    maximum = max(1, maximum)
    step = 1
    while maximum / step > 5:
        # 1, 2, 5, 10, 20, 50 ...
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return list(range(0, maximum + step, step))


def number(value: float) -> str:
    """Format a coordinate in tenths of a unit."""
    return f"{value:.1f}".removesuffix(".0")


def _numbers(values: NDArray[np.float64]) -> list[str]:
    """Format coordinates as `number` does, all at once: a report has hundreds of thousands."""
    return (("%.1f " * len(values)) % tuple(values.tolist())).replace(".0 ", " ").split()


def _text(x: float, y: float, text: str, anchor: str = "middle", transform: str | None = None) -> Text:
    return Text(number(x), number(y), text, anchor, transform)
