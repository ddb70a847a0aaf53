"""True against detected counts: bubbles whose area says how many images, and the table of errors."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from groundloop.detections.evaluation import CountErrors, Evaluation
from groundloop.report.chart import PlotArea, chart, text
from groundloop.report.markup import Content, Markup, name, scrolling, section, tag
from groundloop.report.numbers import many, percent, signed

#: So many classes have a panel of their own, those with the largest errors first to be chosen.
MOST_PANELS = 11
_SIDE = 260.0
_LARGEST, _LEAST = 17.0, 2.4


def counts_section(evaluation: Evaluation) -> Markup:
    """Panels of all classes together and of each class, with the errors below."""
    total = evaluation.counts.sum(axis=1)
    panels = [_panel("all classes", total, "sum exact")]
    chosen = panel_classes(evaluation)
    if len(evaluation.classes) > 1:
        panels += [_panel(evaluation.classes[class_id], evaluation.counts[:, class_id]) for class_id in chosen]
    told = (
        "Objects at the thresholds in each test image. A bubble is as large as the number of images there: on the line "
        "(solid edge) counted exactly, above it (dashed edge) too many detected, below too few."
    )
    left_out = len(evaluation.classes) - len(chosen)
    if left_out > 0:
        told += f" Of {len(evaluation.classes)} classes the {len(chosen)} with the largest errors are drawn."
    table = scrolling(_table(evaluation), "Count errors")
    return section(
        "Counts", tag("p", told), tag("div", *panels, class_="panels"), tag("h3", "Count errors"), table, key="counts"
    )


def panel_classes(evaluation: Evaluation) -> list[int]:
    """The ids of the classes that have a panel, in id order."""
    ranked = sorted(range(len(evaluation.classes)), key=lambda index: -evaluation.per_class[index].count.mae)
    return sorted(ranked[:MOST_PANELS])


def bubbles(counts: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """(true, detected, images) of all pairs there are, those of most images first, so that small ones lie on top.

    Args:
        counts: (images, 2).
    """
    pairs = Counter((int(true), int(found)) for true, found in counts.tolist())
    return sorted(((*pair, images) for pair, images in pairs.items()), key=lambda row: (-row[2], row[0], row[1]))


def ticks(most: int) -> list[int]:
    """About five whole numbers from 0 to at least `most`, which is taken as 1 when it is 0."""
    most = max(1, most)
    step = 1
    while most / step > 5:
        # 1, 2, 5, 10, 20, 50 ...
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return list(range(0, most + step, step))


def radius(images: int, most: int, largest: float, least: float) -> float:
    """Of a bubble whose area says how many of the greatest number of images it stands for."""
    return float(max(least, largest * np.sqrt(images / most)))


def _panel(title: str, counts: NDArray[np.int64], told: str = "exact") -> Markup:
    found = bubbles(counts)
    marks = ticks(int(counts.max(initial=0)))
    pad = marks[-1] * 0.12
    span = (-pad, marks[-1] + pad)
    plane = PlotArea((_SIDE, _SIDE), span, span, left=52, bottom=46)
    ends = (
        f"M{plane.across(span[0]):.1f} {plane.down(span[0]):.1f}L{plane.across(span[1]):.1f} {plane.down(span[1]):.1f}"
    )
    body: list[Content] = [tag("path", class_="axis", stroke_dasharray="2 3", d=ends)]
    gap = (plane.ends[0] - plane.left) / (span[1] - span[0])
    # Neighbours may touch, but not hide one another, as long as numbers lie far enough apart.
    largest = min(_LARGEST, max(5.0, gap * 0.55))
    most = max((images for _, _, images in found), default=1)
    for true, detected, images in found:
        size = radius(images, most, largest, _LEAST)
        words = f"{many(images, 'image')}: {true} true, {detected} detected"
        place = {"cx": f"{plane.across(true):.1f}", "cy": f"{plane.down(detected):.1f}", "r": f"{size:.1f}"}
        body.append(tag("circle", tag("title", words), class_="right" if true == detected else "wrong", **place))
        if size >= 7 + 2.6 * (len(str(images)) - 1):
            body.append(text(plane.across(true), plane.down(detected) + 4, str(images), class_="in"))
    alt = f"Detected over true counts of {title}, {many(len(counts), 'image')}"
    picture = chart(plane, marks, marks, ("true", "detected"), alt, *body)
    exact = float((counts[:, 0] == counts[:, 1]).mean()) if len(counts) else None
    caption = tag("figcaption", tag("b", name(title)), " ", tag("small", f"{told} on {percent(exact)}"))
    return tag("figure", caption, picture)


def _table(evaluation: Evaluation) -> Markup:
    heads = ("class", "mean error", "RMS error", "bias", "exact")
    rows = [_row("all classes", evaluation.count, "all")]
    rows += [_row(row.name, row.count, None) for row in evaluation.per_class]
    return tag(
        "table",
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *rows),
        class_="wide",
    )


def _row(label: str, count: CountErrors, kind: str | None) -> Markup:
    values = (f"{count.mae:.2f}", f"{count.rmse:.2f}", signed(count.bias, 2), percent(count.exact_share))
    return tag("tr", tag("th", name(label), scope="row"), *(tag("td", value) for value in values), class_=kind)
