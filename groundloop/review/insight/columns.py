"""The columns of the tables, and the lines of the summary, that the terminal and the page show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from groundloop.report.numbers import UNDEFINED, percent, ratio
from groundloop.review.insight.metrics import FAST_SECONDS, LabelAgreement, WorkMetrics
from groundloop.review.insight.report import Forecast, Insight, hours_of
from groundloop.wording import quantity

#: A worker's id, as Ground Truth and queues write it outside.
_WORKER_ID = re.compile(r"(?:private|public)\.[^.]+\.([A-Za-z0-9]{8})[A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: short, for a terminal.
        heading: for the page.
        cell: the text of some metrics.
    """

    name: str
    heading: str
    cell: Callable[[WorkMetrics], str]


def _count(name: str, heading: str, count: Callable[[WorkMetrics], int | None]) -> Column:
    def cell(metrics: WorkMetrics) -> str:
        value = count(metrics)
        return UNDEFINED if value is None else f"{value:,}"

    return Column(name, heading, cell)


def _ratio(value: float | None) -> str:
    return ratio(value, 2)


_GOLD = Column("gold F1", "F1 on gold", lambda metrics: _ratio(metrics.gold.f1 if metrics.gold else None))
_WORK = (
    _count("images", "images", lambda metrics: metrics.images),
    _count("boxes", "boxes", lambda metrics: metrics.boxes),
    Column("hours", "active hours", lambda metrics: _ratio(hours_of(metrics))),
    Column("s/image", "seconds per image", lambda metrics: ratio(metrics.median_seconds_per_image, 1)),
    Column("s/box", "seconds per box", lambda metrics: ratio(metrics.median_seconds_per_box, 1)),
    Column("changed", "labels changed", lambda metrics: percent(metrics.changed_share)),
    Column("F1", "F1", lambda metrics: _ratio(metrics.consolidated.f1)),
    Column("IoU", "IoU", lambda metrics: _ratio(metrics.consolidated.mean_iou)),
)

#: The day of answers that don't say when they were given.
UNKNOWN = "unknown"

#: What became of the shown boxes, and the answers that are no labels.
CHANGES = (
    _count("added", "added", lambda metrics: metrics.added),
    _count("deleted", "deleted", lambda metrics: metrics.deleted),
    _count("moved", "moved", lambda metrics: metrics.moved),
    _count("new class", "new class", lambda metrics: metrics.relabelled),
    _count("fast", f"accepted in < {FAST_SECONDS:g} s", lambda metrics: metrics.accepted_fast),
    _count("skipped", "skipped", lambda metrics: metrics.skipped),
    _count("unsure", "unsure", lambda metrics: metrics.unsure),
    _count("late", "late", lambda metrics: metrics.late),
)


def work_columns(insight: Insight) -> tuple[Column, ...]:
    """Return the columns on how much, how fast and how well."""
    return _WORK if insight.total.gold is None else (*_WORK, _GOLD)


def short_names(workers: Iterable[str]) -> dict[str, str]:
    """Return short names for the ids that Ground Truth gives workers, such as `private.us-east-1.` and 26 characters.

    Example:
        >>> short_names(["private.us-east-1.CYUQXZT3LFXJIUFCZMZ6HC2KFM", "ann"])
        {'private.us-east-1.CYUQXZT3LFXJIUFCZMZ6HC2KFM': 'CYUQXZT3', 'ann': 'ann'}
    """
    found = {worker: match[1] if (match := _WORKER_ID.fullmatch(worker)) else worker for worker in workers}
    return found if len(set(found.values())) == len(found) else {worker: worker for worker in found}


def by_labels(insight: Insight) -> list[tuple[str, WorkMetrics]]:
    """Return the workers, those with most labels first."""
    return sorted(insight.workers.items(), key=lambda item: -item[1].labels)


def summary(insight: Insight) -> dict[str, str]:
    """Return the metrics of the whole source in words, by what they are called."""
    total, pairwise = insight.total, insight.pairwise
    workers, boxes = quantity(len(insight.workers), "worker"), quantity(total.boxes, "box", "boxes")
    values = {
        "labels": f"{total.labels:,} by {workers}, of {quantity(total.images, 'image')}; {boxes}",
        "work": _work(insight),
    }
    if pairwise.images:
        values["agreement"] = (
            f"alpha {_ratio(insight.alpha)} ({_ratio(insight.alpha_75)} at IoU 0.75), pairwise F1 "
            f"{_ratio(pairwise.overall.f1)}, IoU {_ratio(pairwise.overall.mean_iou)}, on "
            f"{quantity(pairwise.images, 'image')} of several workers"
        )
    if total.blind.images:
        values["blind"] = f"{_agreement(total.blind)} on images drawn at random and shown without boxes"
    if total.gold is not None:
        values["gold"] = _agreement(total.gold)
    if total.accepted_fast:
        fast = quantity(total.accepted_fast, "label")
        values["fast"] = f"{fast} with boxes accepted unchanged in under {FAST_SECONDS:g} seconds"
    if insight.forecast is not None:
        values["to do"] = _forecast(insight.forecast, insight.source.images or 0)
    return {**values, "days": f"begin at midnight, {insight.time_zone}"}


def _work(insight: Insight) -> str:
    if insight.hours is None:
        return "the answers don't say how long they took"
    text = f"{insight.hours:.2f} hours"
    return text if insight.cost is None else f"{text}, cost {insight.cost:,.2f} at {insight.rate:,.2f} an hour"


def _agreement(found: LabelAgreement) -> str:
    return f"F1 {_ratio(found.f1)}, IoU {_ratio(found.mean_iou)}, {quantity(found.images, 'label')}"


def _forecast(found: Forecast, images: int) -> str:
    text = f"{found.images:,} of {quantity(images, 'image')}"
    if found.answers != found.images:
        text += f", {quantity(found.answers, 'answer')}"
    if found.hours is not None:
        text += f", {found.hours:.2f} hours of work"
    if found.end is not None and found.answers_per_day is not None:
        text += f"; done {found.end:%Y-%m-%d %H:%M %Z} at {found.answers_per_day:,.0f} answers a day"
    return text
