"""The headline metrics, each a card with its interval in words and as a bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundloop.detections.evaluation import Evaluation
from groundloop.report.chart import whole_ticks
from groundloop.report.numbers import interval, percent, ratio, signed
from groundloop.wording import quantity


@dataclass(frozen=True, slots=True)
class Card:
    """A headline metric.

    Attributes:
        subtitle: what the value means, in a few words.
        interval: the bounds in words.
        value_at, threshold_at, interval_at, interval_width: positions on the bar in per cent; None where there is none.
        scale: both ends of the bar.
    """

    metric: str
    value: str
    subtitle: str
    interval: str
    value_at: str | None
    threshold_at: str | None
    interval_at: str | None
    interval_width: str | None
    scale: tuple[str, str]


def cards(evaluation: Evaluation, gate: Mapping[str, Any]) -> list[Card]:
    """Return the card of each headline metric, with the thresholds of the gate marked."""
    thresholds = {row["metric"]: row["threshold"] for row in gate["requirements"] if not row.get("against")}
    metrics, at, count = evaluation.metrics, evaluation.at_threshold, evaluation.count
    detected = quantity(at.true_positives + at.false_positives, "detection")
    objects = quantity(at.true_positives + at.false_negatives, "object")
    bounds = interval(evaluation, "count.mae")
    mae_scale = max(count.mae, bounds[1] if bounds else 0.0)
    mae_scale = 1.0 if mae_scale <= 1 else float(whole_ticks(int(mae_scale) + 1)[-1])

    def card(metric: str, value: float | None, subtitle: str, maximum: float = 1.0, in_percent: bool = False) -> Card:
        return _card(evaluation, metric, value, subtitle, thresholds.get(metric), maximum, in_percent)

    return [
        card("map_50", metrics.get("map_50"), "mean AP at IoU 0.50"),
        card("map", metrics.get("map"), "mean AP, IoU 0.50 to 0.95"),
        card("voc_map", metrics.get("voc_map"), "mean AP as VOC 2010"),
        card("at_threshold.f1", at.f1, "precision and recall in one"),
        card("at_threshold.precision", at.precision, f"{at.true_positives:,} of {detected} right"),
        card("at_threshold.recall", at.recall, f"{at.true_positives:,} of {objects} found"),
        card("count.exact_share", count.exact_share, "of images, in every class", in_percent=True),
        card("count.mae", count.mae, f"objects per image, bias {signed(count.bias, 2)}", maximum=mae_scale),
    ]


def interval_level(evaluation: Evaluation) -> str:
    """Format the level of the intervals, such as `95 %`."""
    return f"{100 * evaluation.interval_level:g} %"


def _card(
    evaluation: Evaluation,
    metric: str,
    value: float | None,
    subtitle: str,
    threshold: float | None,
    maximum: float,
    in_percent: bool,
) -> Card:
    def written(number: float | None) -> str:
        return percent(number) if in_percent else ratio(number, 3 if maximum <= 1 else 2)

    def position(number: float | None) -> str | None:
        return None if number is None else f"{_position(number, maximum):.1f}"

    bounds = interval(evaluation, metric)
    low, high = bounds or (None, None)
    width = max(0.0, _position(bounds[1], maximum) - _position(bounds[0], maximum)) if bounds else None
    return Card(
        metric=metric,
        value=written(value),
        subtitle=subtitle,
        interval=f"{interval_level(evaluation)} interval {written(low)} to {written(high)}"
        if bounds
        else "no interval",
        value_at=position(value),
        threshold_at=position(threshold),
        interval_at=position(low),
        interval_width=None if width is None else f"{width:.1f}",
        scale=("0 %", "100 %") if in_percent else ("0", f"{maximum:g}"),
    )


def _position(value: float, maximum: float) -> float:
    """Return where a value lies on a bar from 0 to the maximum, in per cent."""
    return min(100.0, max(0.0, 100 * value / maximum))
