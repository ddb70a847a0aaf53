"""True over detected counts: bubbles whose area says how many images there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundloop.detections.evaluation import Evaluation
from groundloop.report.chart import Axes, Dot, PlotArea, Text, axes, dot, number, whole_ticks
from groundloop.report.numbers import percent
from groundloop.wording import quantity

#: So many classes have a panel of their own: those with the largest count errors.
MAX_PANELS = 11
_SIDE = 260.0
_MAX_RADIUS, _MIN_RADIUS = 17.0, 2.4


@dataclass(frozen=True, slots=True)
class CountPanel:
    """The counts of one class, or of all together.

    Attributes:
        diagonal: path of the line on which counts are exact.
        numbers: of images, in the bubbles that are large enough.
    """

    title: str
    caption: str
    alt: str
    axes: Axes
    diagonal: str
    bubbles: tuple[Dot, ...]
    numbers: tuple[Text, ...]


def count_panels(evaluation: Evaluation) -> list[CountPanel]:
    """Place the panel of all classes together, then those of single classes in id order."""
    panels = [_panel("all classes", evaluation.counts.sum(axis=1), "sum exact")]
    if len(evaluation.classes) > 1:
        panels += [_panel(evaluation.classes[k], evaluation.counts[:, k]) for k in panel_classes(evaluation)]
    return panels


def panel_classes(evaluation: Evaluation) -> list[int]:
    """Return the ids of the classes that have a panel."""
    ranked = sorted(range(len(evaluation.classes)), key=lambda index: -evaluation.per_class[index].count.mae)
    return sorted(ranked[:MAX_PANELS])


def _images_by_counts(counts: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return (true, detected, images) of all pairs there are, most images first, so that small bubbles lie on top.

    Args:
        counts: (images, 2).
    """
    pairs = Counter((int(true), int(detected)) for true, detected in counts.tolist())
    return sorted(((*pair, images) for pair, images in pairs.items()), key=lambda row: (-row[2], row[0], row[1]))


def _panel(title: str, counts: NDArray[np.int64], exact_label: str = "exact") -> CountPanel:
    pairs = _images_by_counts(counts)
    ticks = whole_ticks(int(counts.max(initial=0)))
    margin = ticks[-1] * 0.12
    span = (-margin, ticks[-1] + margin)
    area = PlotArea((_SIDE, _SIDE), span, span, left=52, bottom=46)
    unit = (area.right_edge - area.left) / (span[1] - span[0])
    # Neighbours may touch, but not hide one another, as long as numbers lie far enough apart.
    max_radius = min(_MAX_RADIUS, max(5.0, unit * 0.55))
    max_images = max((images for _, _, images in pairs), default=1)
    bubbles, numbers = [], []
    for true, detected, images in pairs:
        radius = float(max(_MIN_RADIUS, max_radius * np.sqrt(images / max_images)))
        label = f"{quantity(images, 'image')}: {true} true, {detected} detected"
        bubbles.append(dot(area, true, detected, label, radius, "right" if true == detected else "wrong"))
        if radius >= 7 + 2.6 * (len(str(images)) - 1):
            numbers.append(Text(number(area.x_of(true)), number(area.y_of(detected) + 4), str(images)))
    low, high = (f"{number(area.x_of(end))} {number(area.y_of(end))}" for end in span)
    exact = float((counts[:, 0] == counts[:, 1]).mean()) if len(counts) else None
    return CountPanel(
        title=title,
        caption=f"{exact_label} on {percent(exact)}",
        alt=f"Detected over true counts of {title}, {quantity(len(counts), 'image')}",
        axes=axes(area, ticks, ticks, ("true", "detected")),
        diagonal=f"M{low}L{high}",
        bubbles=tuple(bubbles),
        numbers=tuple(numbers),
    )
