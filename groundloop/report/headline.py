"""The headline metrics: a card each, with its interval in words and as a bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundloop.detections.evaluation import Evaluation
from groundloop.report.counts import ticks
from groundloop.report.markup import Markup, join, section, tag
from groundloop.report.numbers import interval, many, percent, share, signed, title


@dataclass(frozen=True, slots=True)
class _Card:
    metric: str
    value: float | None
    said: str
    most: float = 1.0
    in_percent: bool = False

    def write(self, value: float | None) -> str:
        return percent(value) if self.in_percent else share(value, 3 if self.most <= 1 else 2)


def headline_section(evaluation: Evaluation, gate: Mapping[str, Any]) -> Markup:
    """The cards, what their intervals mean, and all other metrics folded away."""
    asked = {row["metric"]: row["threshold"] for row in gate["requirements"] if not row.get("against")}
    cards = [_card(card, evaluation, asked.get(card.metric)) for card in _cards(evaluation)]
    told = (
        f"How sure the metrics are: {many(evaluation.test_images, 'test image')} were drawn again with replacement, "
        f"{evaluation.interval_resamples:,} times; {_level(evaluation)} of the metrics lie in the interval."
        if evaluation.intervals
        else "No intervals were computed."
    )
    told += " Bar: the light band is the interval, the mark the metric, the dashed line what the gate asks."
    return section(
        "Metrics",
        tag("div", *cards, class_="cards"),
        tag("p", tag("small", told), style="margin-top:12px"),
        _all_metrics(evaluation),
        key="metrics",
    )


def _cards(evaluation: Evaluation) -> list[_Card]:
    metrics, at, count = evaluation.metrics, evaluation.at_threshold, evaluation.count
    detected = at.true_positives + at.false_positives
    truths = at.true_positives + at.false_negatives
    ends = interval(evaluation, "count.mae")
    most = max(count.mae, ends[1] if ends else 0.0)
    return [
        _Card("map_50", metrics.get("map_50"), "mean AP at IoU 0.50"),
        _Card("map", metrics.get("map"), "mean AP, IoU 0.50 to 0.95"),
        _Card("voc_map", metrics.get("voc_map"), "mean AP as VOC 2010"),
        _Card("at_threshold.f1", at.f1, "precision and recall in one"),
        _Card("at_threshold.precision", at.precision, f"{at.true_positives:,} of {many(detected, 'detection')} right"),
        _Card("at_threshold.recall", at.recall, f"{at.true_positives:,} of {many(truths, 'object')} found"),
        _Card("count.exact_share", count.exact_share, "of images, in every class", in_percent=True),
        _Card(
            "count.mae",
            count.mae,
            f"objects an image, bias {signed(count.bias, 2)}",
            most=1.0 if most <= 1 else float(ticks(int(most) + 1)[-1]),
        ),
    ]


def _card(card: _Card, evaluation: Evaluation, asked: float | None) -> Markup:
    ends = interval(evaluation, card.metric)
    marks = []
    if ends:
        low, high = (_along(end, card.most) for end in ends)
        marks.append(tag("i", style=f"left:{low:.1f}%;width:{max(0.0, high - low):.1f}%"))
        words = f"{_level(evaluation)} interval {card.write(ends[0])} to {card.write(ends[1])}"
    else:
        words = "no interval"
    if asked is not None:
        marks.append(tag("u", style=f"left:{_along(asked, card.most):.1f}%"))
    if card.value is not None:
        marks.append(tag("b", style=f"left:{_along(card.value, card.most):.1f}%"))
    scale = ("0 %", "100 %") if card.in_percent else ("0", f"{card.most:g}")
    return tag(
        "div",
        tag("b", title(card.metric)),
        tag("span", card.write(card.value), class_="value"),
        tag("small", card.said),
        tag("small", words),
        tag("div", *marks, class_="bar", aria_hidden="true"),
        tag("div", *(tag("span", end) for end in scale), class_="ends", aria_hidden="true"),
        class_="card",
    )


def _level(evaluation: Evaluation) -> str:
    return f"{100 * evaluation.interval_level:g} %"


def _along(value: float, most: float) -> float:
    return min(100.0, max(0.0, 100 * value / most))


def _all_metrics(evaluation: Evaluation) -> Markup:
    rows = []
    for metric, value in evaluation.metrics.items():
        ends = interval(evaluation, metric)
        rows.append(
            tag(
                "tr",
                tag("th", join(title(metric) or metric, " ", tag("small", metric)), scope="row"),
                tag("td", share(value)),
                tag("td", f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else None),
            )
        )
    heads = tag("tr", *(tag("th", head, scope="col") for head in ("metric", "value", "interval")))
    table = tag("table", tag("thead", heads), tag("tbody", *rows))
    return tag("details", tag("summary", "All metrics of COCO and VOC"), tag("div", table, class_="scroll"))
