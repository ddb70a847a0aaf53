"""The metrics as one HTML page, in the style of the report; people have pseudonyms there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from groundloop.errors import UserError
from groundloop.labels.agreement import BoxAgreement
from groundloop.report.chart import Plot, PlotArea, Text, axes, bar, number, whole_ticks
from groundloop.report.numbers import percent, ratio
from groundloop.report.templating import render
from groundloop.review.insight.columns import CHANGES, UNKNOWN, Column, by_labels, short_names, summary, work_columns
from groundloop.review.insight.metrics import WorkMetrics
from groundloop.review.insight.report import Insight
from groundloop.wording import quantity

_SIZE = (480.0, 260.0)
_MAX_DAY_LABELS = 3
#: A day's column is no wider than this, in the chart's units.
_MAX_COLUMN = 60.0


@dataclass(frozen=True, slots=True)
class Card:
    """A metric of the whole source."""

    title: str
    value: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a user gave, short; the whole shows where the pointer rests on it."""

    text: str
    whole: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: names of rows, and texts."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[tuple[Name, ...], tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class WorkerPace:
    """Seconds of a worker; widths are per cent of the slowest."""

    name: Name
    image: str
    box: str
    image_width: str
    box_width: str


def write_insight_page(insight: Insight, path: Path) -> Path:
    """Write the page and return its path; a file of that name is replaced.

    Raises:
        UserError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(insight_page(insight), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}") from None
    return path


def insight_page(insight: Insight) -> str:
    """Return the whole HTML file; it refers to nothing outside itself."""
    work = work_columns(insight)
    short = short_names(insight.workers)
    by_worker = [((_name(worker, short),), metrics) for worker, metrics in by_labels(insight)]
    by_day = [((_name(day or UNKNOWN),), metrics) for day, metrics in insight.days.items()]
    both = [
        ((_name(worker, short), _name(day or UNKNOWN)), metrics)
        for (worker, day), metrics in insight.worker_days.items()
    ]
    pairs = [
        (tuple(_name(worker, short) for worker in pair), found) for pair, found in insight.pairwise.by_pair.items()
    ]
    classes = [((_name(name),), found) for name, found in insight.pairwise.by_class.items()]
    return render(
        "insight.html",
        insight=insight,
        summary=summary(insight),
        cards=_cards(insight),
        charts=_day_charts(insight),
        pace=_pace(insight, short),
        is_shortened=any(short[worker] != worker for worker in short),
        workers=_table("Work by worker", ("worker",), by_worker, work),
        changes=_table("Changes by worker", ("worker",), by_worker, CHANGES),
        by_day=_table("Work by day", ("day",), by_day, work),
        worker_days=_table("Work by worker and day", ("worker", "day"), both, (*work, *CHANGES)),
        pairs=_agreements("Agreement of two workers", ("worker", "other worker"), pairs),
        classes=_agreements("Agreement by class", ("class",), classes),
    )


def _name(text: str, short: Mapping[str, str] | None = None) -> Name:
    return Name((short or {}).get(text, text), text)


def _cards(insight: Insight) -> list[Card]:
    total, pairwise, forecast = insight.total, insight.pairwise, insight.forecast
    workers = quantity(len(insight.workers), "worker")
    cards = [
        Card("Images", f"{total.images:,}", f"{quantity(total.labels, 'label')} by {workers}"),
        Card("Boxes", f"{total.boxes:,}", f"{ratio(total.boxes / max(1, total.labels), 1)} per label"),
    ]
    if insight.hours is not None:
        cost = "active" if insight.cost is None else f"active; cost {insight.cost:,.2f} at {insight.rate:,.2f} an hour"
        cards.append(Card("Hours", ratio(insight.hours, 2), cost))
        per_box = f"median; {ratio(total.median_seconds_per_box, 1)} per box"
        cards.append(Card("Seconds per image", ratio(total.median_seconds_per_image, 1), per_box))
    if total.changed_share is not None:
        shown = quantity(total.images_with_shown_boxes, "label")
        cards.append(Card("Changed", percent(total.changed_share), f"of {shown} that began with boxes"))
    if pairwise.images:
        cards.append(
            Card("Alpha", ratio(insight.alpha, 2), f"on {quantity(pairwise.images, 'image')} of several workers")
        )
        iou = f"IoU {ratio(pairwise.overall.mean_iou, 2)}"
        cards.append(Card("Pairwise F1", ratio(pairwise.overall.f1, 2), iou))
    if total.gold is not None:
        cards.append(Card("F1 on gold", ratio(total.gold.f1, 2), f"on {quantity(total.gold.images, 'label')}"))
    if forecast is not None:
        end = f"{forecast.end:%Y-%m-%d %H:%M %Z}" if forecast.end else "nobody answered in the last 7 days"
        cards.append(Card("To do", f"{forecast.images:,}", f"images; done {end}" if forecast.end else end))
    return cards


def _table(
    title: str,
    keys: tuple[str, ...],
    rows: Iterable[tuple[tuple[Name, ...], WorkMetrics]],
    columns: Sequence[Column],
) -> Table:
    return Table(
        title,
        (*keys, *(column.heading for column in columns)),
        tuple((key, tuple(column.cell(metrics) for column in columns)) for key, metrics in rows),
    )


def _agreements(title: str, keys: tuple[str, ...], rows: Iterable[tuple[tuple[Name, ...], BoxAgreement]]) -> Table:
    cells = tuple((key, (f"{found.boxes:,}", ratio(found.f1, 2), ratio(found.mean_iou, 2))) for key, found in rows)
    return Table(title, (*keys, "boxes of both", "F1", "IoU"), cells)


def _day_charts(insight: Insight) -> list[Plot]:
    """Return the images and the seconds per image of each day; no chart where no answer says them."""
    dated = [(date.fromisoformat(day).toordinal(), metrics) for day, metrics in insight.days.items() if day]
    images = {day: float(metrics.images) for day, metrics in dated if metrics.images}
    seconds = {day: found for day, metrics in dated if (found := metrics.median_seconds_per_image) is not None}
    charts = (("Images by day", "images", images), ("Median seconds per image by day", "seconds", seconds))
    return [_day_chart(title, unit, values) for title, unit, values in charts if values]


def _day_chart(title: str, unit: str, values: Mapping[int, float]) -> Plot:
    """Return a chart with a column for each day, on a time axis without gaps.

    Args:
        title: heading.
        unit: label of the vertical axis.
        values: by day, as `date.toordinal` numbers them.
    """
    first, last = min(values), max(values)
    ticks = whole_ticks(math.ceil(max(values.values())))
    area = PlotArea(_SIZE, x=(first - 0.6, last + 0.6), y=(0, ticks[-1]), right=36)
    placed = axes(area, (), ticks, ("", unit))
    step = max(1, -(-(last - first) // _MAX_DAY_LABELS))
    labels = [
        Text(number(area.x_of(day)), number(area.bottom_edge + 18), date.fromordinal(day).isoformat())
        for day in range(first, last + 1, step)
    ]
    width = max(1.0, min(_MAX_COLUMN, 0.8 * (area.x_of(first + 1) - area.x_of(first))))
    bars = [
        bar(
            area,
            area.x_of(day) - width / 2,
            width,
            value,
            f"{date.fromordinal(day).isoformat()}: {value:,.4g} {unit}",
        )
        for day, value in sorted(values.items())
    ]
    return Plot(title, title, replace(placed, texts=(*placed.texts, *labels)), bars=tuple(bars))


def _pace(insight: Insight, short: Mapping[str, str]) -> list[WorkerPace]:
    """Return the seconds of each worker; none where no answer says them."""
    known = {
        worker: (metrics.median_seconds_per_image, metrics.median_seconds_per_box)
        for worker, metrics in by_labels(insight)
        if metrics.median_seconds_per_image is not None
    }
    slowest = max((max(image or 0, box or 0) for image, box in known.values()), default=0) or 1

    def width(seconds: float | None) -> str:
        return f"{100 * (seconds or 0) / slowest:.1f}"

    return [
        WorkerPace(_name(worker, short), ratio(image, 1), ratio(box, 1), width(image), width(box))
        for worker, (image, box) in known.items()
    ]
