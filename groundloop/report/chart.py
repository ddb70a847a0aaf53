"""Small charts as SVG: crisp at any size, in the page's own colours and font, so that names of any script show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundloop.report.markup import Content, Markup, escape, join, tag

#: As many classes have lines of their own colour and dash; more are drawn alike.
MOST_SERIES = 14
_COLOURS = 7


@dataclass(frozen=True, slots=True)
class PlotArea:
    """A plotting area: where numbers lie in the picture's units.

    Attributes:
        size: width, height of the picture; x, y: the least and greatest number of each axis.
    """

    size: tuple[float, float]
    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    left: float = 58
    right: float = 12
    top: float = 10
    bottom: float = 44

    @property
    def ends(self) -> tuple[float, float]:
        """Right and lower end."""
        return self.size[0] - self.right, self.size[1] - self.bottom

    def across(self, value: float) -> float:
        return self.left + (value - self.x[0]) / (self.x[1] - self.x[0]) * (self.ends[0] - self.left)

    def down(self, value: float) -> float:
        return self.ends[1] - (value - self.y[0]) / (self.y[1] - self.y[0]) * (self.ends[1] - self.top)


def chart(
    plane: PlotArea,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    labels: tuple[str, str],
    alt: str,
    *body: Content,
) -> Markup:
    """A picture with grid, ticks and labels of both axes, and the body over them.

    Args:
        labels: of the x and the y axis.
        alt: what the picture shows, for those who cannot see it.
    """
    right, low = plane.ends
    parts: list[Content] = []
    lines = [f"M{_n(plane.across(tick))} {_n(plane.top)}V{_n(low)}" for tick in x_ticks]
    lines += [f"M{_n(plane.left)} {_n(plane.down(tick))}H{_n(right)}" for tick in y_ticks]
    parts.append(tag("path", class_="grid", d="".join(lines)))
    for tick in x_ticks:
        parts.append(text(plane.across(tick), low + 16, f"{tick:g}", text_anchor="middle"))
    for tick in y_ticks:
        parts.append(text(plane.left - 6, plane.down(tick) + 4, f"{tick:g}", text_anchor="end"))
    parts.append(text((plane.left + right) / 2, plane.size[1] - 8, labels[0], text_anchor="middle"))
    middle = (plane.top + low) / 2
    parts.append(text(14, middle, labels[1], text_anchor="middle", transform=f"rotate(-90 14 {_n(middle)})"))
    parts.append(tag("path", class_="axis", d=f"M{_n(plane.left)} {_n(plane.top)}V{_n(low)}H{_n(right)}"))
    box = f"0 0 {_n(plane.size[0])} {_n(plane.size[1])}"
    return tag("svg", join(*parts, *body), viewBox=box, role="img", aria_label=alt)


def text(x: float, y: float, words: str, **attributes: Content) -> Markup:
    return tag("text", words, x=_n(x), y=_n(y), **attributes)


def line(plane: PlotArea, x: NDArray[np.float64], y: NDArray[np.float64], title: str, **attributes: Content) -> Markup:
    """A line through the points; where y is no number it is interrupted.

    Args:
        title: shown where the pointer rests on it.
    """
    return tag("path", tag("title", title), d=_path(plane, x, y), **attributes)


def dot(plane: PlotArea, x: float, y: float, title: str, radius: float = 4.5) -> Markup:
    place = {"cx": _n(plane.across(x)), "cy": _n(plane.down(y)), "r": _n(radius)}
    return tag("circle", tag("title", title), class_="dot", **place)


def series(index: int) -> dict[str, str]:
    """The look of the line of one class: seven colours, dashed the second time around."""
    look = {"class_": "curve", "style": f"stroke:var(--s{index % _COLOURS})"}
    return look | ({"stroke_dasharray": "7 3"} if index >= _COLOURS else {})


def key(label: Content, **look: Content) -> Markup:
    """An entry of a legend."""
    sample = tag("svg", tag("path", d="M1 7H27", **look), viewBox="0 0 28 14", aria_hidden="true")
    return tag("li", sample, tag("span", label))


def _path(plane: PlotArea, x: NDArray[np.float64], y: NDArray[np.float64]) -> Markup:
    """Through the points, in tenths of a unit; those on the way between equal heights are left out."""
    across = [_n(plane.across(value)) if np.isfinite(value) else "" for value in x.tolist()]
    down = [_n(plane.down(value)) if np.isfinite(value) else "" for value in y.tolist()]
    steps: list[str] = []
    pen = "M"
    for index, (right, low) in enumerate(zip(across, down, strict=True)):
        if not low:
            pen = "M"
            continue
        inside = 0 < index < len(down) - 1 and down[index - 1] == low == down[index + 1]
        if pen == "L" and inside:
            continue
        steps.append(f"{pen}{right} {low}")
        pen = "L"
    return escape("".join(steps))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
