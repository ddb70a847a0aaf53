"""Precision over recall, and precision, recall and F1 over the score threshold: a line a class, a thick mean."""

from __future__ import annotations

import numpy as np

from groundloop.detections.evaluation import ClassMetrics, Curve, Curves, Evaluation
from groundloop.report.chart import MOST_SERIES, PlotArea, chart, dot, key, line, series, text
from groundloop.report.markup import Content, Markup, join, name, section, tag
from groundloop.report.numbers import share

_TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1.0)
_SIZE = (480.0, 340.0)
_RECALLS = np.linspace(0, 1, 101)
# Every 5th of 1001 thresholds: more would not show, and the file holds four charts of every class.
_STEP = 5
_THRESHOLDS = np.linspace(0, 1, 1001)
_KINDS = ("f1", "precision", "recall")


def curves_section(evaluation: Evaluation) -> Markup:
    """The four charts with one legend for all of them."""
    charts = [_precision_recall(evaluation), *(_over_threshold(evaluation, kind) for kind in _KINDS)]
    many = len(drawn(evaluation)) > MOST_SERIES
    keys = [key(join("mean over classes: AP@50 ", share(evaluation.metrics.get("map_50"))), class_="mean")]
    if many:
        keys.append(key("one line a class; rest the pointer on a line to read its name", class_="many"))
    for index, row in enumerate(evaluation.per_class):
        if row.curves is None:
            keys.append(key(join(name(row.name), ": no true box, so no curve"), class_="grid"))
        elif not many:
            keys.append(key(join(name(row.name), ": AP@50 ", share(row.ap_50)), **series(index)))
    told = (
        f"At IoU 0.50 on the {evaluation.test_images:,} test images. The dashed line marks the score threshold "
        f"{evaluation.threshold:.3f}: {evaluation.threshold_rule}."
    )
    return section(
        "Curves",
        tag("p", told),
        tag("div", *charts, class_="charts"),
        tag("ul", *keys, class_="keys"),
        key="curves",
    )


def drawn(evaluation: Evaluation) -> list[tuple[int, ClassMetrics, Curves]]:
    """The classes that have curves, with their ids."""
    return [(index, row, row.curves) for index, row in enumerate(evaluation.per_class) if row.curves is not None]


def at(curve: Curve, threshold: float) -> float:
    """The value of a curve of (1001,) at a score threshold."""
    return float(curve[min(1000, max(0, round(threshold * 1000)))])


def thresholds_differ(evaluation: Evaluation) -> bool:
    """Whether classes have thresholds of their own."""
    return any(row.threshold != evaluation.threshold for row in evaluation.per_class)


def _precision_recall(evaluation: Evaluation) -> Markup:
    plane = PlotArea(_SIZE)
    lines = _lines(evaluation, plane, _RECALLS, "precision_at_recall", 1)
    picture = chart(plane, _TICKS, _TICKS, ("recall", "precision"), "Precision over recall, by class", *lines)
    return tag("figure", tag("figcaption", tag("b", "Precision and recall")), picture)


def _over_threshold(evaluation: Evaluation, kind: str) -> Markup:
    plane = PlotArea(_SIZE)
    said = "F1" if kind == "f1" else kind
    body: list[Content] = list(_lines(evaluation, plane, _THRESHOLDS, kind, _STEP))
    threshold = evaluation.threshold
    place = plane.across(threshold)
    body.append(tag("path", class_="cut", d=f"M{place:.1f} {plane.top}V{plane.ends[1]:g}"))
    own = thresholds_differ(evaluation) and len(drawn(evaluation)) <= MOST_SERIES
    for _, row, curves in drawn(evaluation) if own else ():
        value = at(getattr(curves, kind), row.threshold)
        if np.isfinite(value):
            body.append(dot(plane, row.threshold, value, f"{row.name}: {value:.3f} at {row.threshold:.3f}", 3))
    value = at(getattr(evaluation.curves, kind), threshold)
    words = f"at {threshold:.3f}"
    if np.isfinite(value):
        body.append(dot(plane, threshold, value, f"mean {said} {value:.3f} at the threshold {threshold:.3f}"))
        words = f"{value:.3f} at {threshold:.3f}"
    left = threshold > 0.45
    look: dict[str, Content] = {"class_": "strong halo", "text_anchor": "end" if left else "start"}
    body.append(text(place - 7 if left else place + 7, plane.ends[1] - 10, words, **look))
    alt = f"{said} over the score threshold, by class; mean {words}"
    picture = chart(plane, _TICKS, _TICKS, ("score threshold", said), alt, *body)
    return tag("figure", tag("figcaption", tag("b", f"{said[0].upper()}{said[1:]} over threshold")), picture)


def _lines(evaluation: Evaluation, plane: PlotArea, x: Curve, kind: str, step: int) -> list[Markup]:
    found = drawn(evaluation)
    lines = []
    for index, row, curves in found:
        look = series(index) if len(found) <= MOST_SERIES else {"class_": "many"}
        lines.append(line(plane, x[::step], getattr(curves, kind)[::step], row.name, **look))
    lines.append(line(plane, x[::step], getattr(evaluation.curves, kind)[::step], "mean over classes", class_="mean"))
    return lines
