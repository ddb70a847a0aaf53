"""The report's tables of slices: a row for each value of a key, with intervals as bars beside all images' metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groundloop.detections.evaluation import AtThreshold, CountErrors, Evaluation, Interval
from groundloop.report.numbers import interval, ratio

#: Under so many images a slice is flagged: an interval is wide, and a single image moves the metrics.
FEW_IMAGES = 30
_BARS = ("map_50", "recall")


@dataclass(frozen=True, slots=True)
class Bar:
    """A metric between 0 and 1 with its interval; positions in per cent, None where there is none.

    Attributes:
        value: the metric, and `interval` its bounds, in words.
        value_at, interval_at, interval_width: of the slice.
        overall_at: where the metric of all images lies; None in their own row.
    """

    value: str
    interval: str
    value_at: str | None
    interval_at: str | None
    interval_width: str | None
    overall_at: str | None


@dataclass(frozen=True, slots=True)
class SliceRow:
    """The metrics of a slice, or of all images, whose `name` is empty."""

    name: str
    images: int
    few: bool
    boxes: int
    bars: tuple[Bar, ...]
    map: float | None
    at_threshold: AtThreshold
    count: CountErrors


@dataclass(frozen=True, slots=True)
class SliceTable:
    """The slices by one key; `few` is how many of them are flagged."""

    key: str
    rows: tuple[SliceRow, ...]
    few: int


def slices_view(evaluation: Evaluation) -> tuple[SliceTable, ...]:
    """Return a table for each key, its first row of all images."""
    overall = _metrics(evaluation.metrics, evaluation.at_threshold)
    bounds = {metric: interval(evaluation, metric) for metric in _BARS}
    whole = SliceRow(
        name="",
        images=evaluation.test_images,
        few=evaluation.test_images < FEW_IMAGES,
        boxes=sum(row.boxes for row in evaluation.per_class),
        bars=tuple(_bar(overall[metric], bounds[metric], None) for metric in _BARS),
        map=evaluation.metrics.get("map"),
        at_threshold=evaluation.at_threshold,
        count=evaluation.count,
    )
    tables = []
    for key, by_value in evaluation.slices.items():
        rows = []
        for name, of_slice in by_value.items():
            metrics = _metrics(of_slice.metrics, of_slice.at_threshold)
            rows.append(
                SliceRow(
                    name=name,
                    images=of_slice.images,
                    few=of_slice.images < FEW_IMAGES,
                    boxes=of_slice.boxes,
                    bars=tuple(
                        _bar(metrics[metric], of_slice.intervals.get(metric), overall[metric]) for metric in _BARS
                    ),
                    map=of_slice.metrics.get("map"),
                    at_threshold=of_slice.at_threshold,
                    count=of_slice.count,
                )
            )
        tables.append(SliceTable(key, (whole, *rows), sum(row.few for row in rows)))
    return tuple(tables)


def _metrics(metrics: Mapping[str, float | None], at_threshold: AtThreshold) -> dict[str, float | None]:
    return {"map_50": metrics.get("map_50"), "recall": at_threshold.recall}


def _bar(value: float | None, bounds: Interval | None, overall: float | None) -> Bar:
    return Bar(
        value=ratio(value),
        interval=f"{bounds[0]:.2f} to {bounds[1]:.2f}" if bounds else "",
        value_at=_position(value),
        interval_at=_position(bounds[0]) if bounds else None,
        interval_width=_position(bounds[1] - bounds[0]) if bounds else None,
        overall_at=_position(overall),
    )


def _position(value: float | None) -> str | None:
    return None if value is None else f"{100 * value:.1f}"
