"""True against detected counts as a plot: a panel of all classes, and one a class."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundloop.detections.evaluation import Evaluation
from groundloop.report.counts import bubbles, panel_classes, radius, ticks
from groundloop.report.fonts import plot_names
from groundloop.report.numbers import percent, signed
from groundloop.report.plot_curves import COLOURS, INK, LINE, MUTED

_COLUMNS = 4
# Of bubbles, in points.
_LARGEST, _LEAST = 15.0, 2.5


def panels(evaluation: Evaluation) -> tuple[int, int]:
    """Rows and columns of panels."""
    number = 1 if len(evaluation.classes) == 1 else 1 + len(panel_classes(evaluation))
    columns = min(_COLUMNS, number)
    return math.ceil(number / columns), columns


def draw_counts(figure: Any, evaluation: Evaluation) -> None:
    """The more images, the larger a bubble; filled circles on the line are exact, diamonds off it are not."""
    rows, columns = panels(evaluation)
    count = evaluation.count
    told = f"mean error {count.mae:.2f}, bias {signed(count.bias, 2)}, exact {percent(count.exact_share)}"
    figure.suptitle(f"Counts per image: {told}")
    figure.supxlabel("circle: counted exactly, diamond: not; size and number: images", fontsize=9, color=MUTED)
    total = evaluation.counts.sum(axis=1)
    names = plot_names(evaluation.classes)
    _panel(figure.add_subplot(rows, columns, 1), "all classes", total)
    if len(names) > 1:
        for place, class_id in enumerate(panel_classes(evaluation), start=2):
            _panel(figure.add_subplot(rows, columns, place), names[class_id], evaluation.counts[:, class_id])


def _panel(axes: Any, title: str, counts: NDArray[np.int64]) -> None:
    marks = ticks(int(counts.max(initial=0)))
    pad = marks[-1] * 0.1
    span = (-pad, marks[-1] + pad)
    axes.plot(span, span, color=MUTED, linewidth=1, linestyle=(0, (2, 3)), zorder=1)
    found = bubbles(counts)
    most = max((images for _, _, images in found), default=1)
    # About 150 points for all marks: neighbours may touch, but not hide one another.
    largest = min(_LARGEST, max(4.0, 150 / (span[1] - span[0]) * 0.5))
    for true, detected, images in found:
        size = radius(images, most, largest, _LEAST)
        exact = true == detected
        axes.plot(
            [true],
            [detected],
            marker="o" if exact else "D",
            markersize=2 * size if exact else 1.6 * size,
            color=COLOURS[0] if exact else COLOURS[1],
            markeredgecolor="white",
            markeredgewidth=0.5,
            alpha=0.75,
            zorder=2,
        )
        if size >= 6 + 2 * (len(str(images)) - 1):
            axes.annotate(str(images), (true, detected), ha="center", va="center", fontsize=7, color=INK, zorder=3)
    axes.set(xlim=span, ylim=span, xticks=marks, yticks=marks, aspect="equal", xlabel="true", ylabel="detected")
    axes.set_title(title, fontsize=10)
    axes.grid(color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
