"""What has happened in a running job, as a line of text and as JSON; each kind of event has its own form of both.

An event of a new kind registers its form with `event_text` and `event_json`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from functools import singledispatch
from typing import Any

from groundloop.executions.polled_job import JobEvent
from groundloop.executions.training_progress import EpochEnded, FindingAppeared
from groundloop.executions.tuning_progress import SearchedJobEnded
from groundloop.spec.tuning_search import value_text


@singledispatch
def event_text(event: JobEvent) -> str:
    """Return the line of an event, without its step."""
    raise TypeError(f"{type(event).__name__} has no text")


@singledispatch
def event_json(event: JobEvent) -> dict[str, Any]:
    """Return the members of an event's JSON, of which `event` is the kind; step and job are added."""
    raise TypeError(f"{type(event).__name__} has no JSON")


@event_text.register
def _(event: EpochEnded) -> str:
    metrics, best = event.metrics, event.best
    parts = [f"epoch {metrics.number}/{event.epochs}"]
    if metrics.validation_map is not None:
        beaten = best is not None and best.validation_map is not None and best.epoch != metrics.epoch
        of_best = f" (best {best.validation_map:.2f} at {best.number})" if beaten and best is not None else ""
        parts.append(f"mAP {metrics.validation_map:.2f}{of_best}")
    if metrics.cross_entropy is not None or metrics.smooth_l1 is not None:
        parts.append(f"loss {_loss(metrics.cross_entropy)}/{_loss(metrics.smooth_l1)}")
    if event.throughput is not None:
        parts.append(f"{event.throughput:.3g} img/s")
    if event.expected_end is not None:
        parts.append(f"done {_clock_time(event.expected_end)}")
    return "  ".join(parts)


@event_json.register
def _(event: EpochEnded) -> dict[str, Any]:
    metrics, best = event.metrics, event.best
    return {
        "event": "epoch",
        "epoch": metrics.number,
        "epochs": event.epochs,
        "validation_map": finite(metrics.validation_map),
        "best_map": None if best is None else best.validation_map,
        "best_epoch": None if best is None else best.number,
        "cross_entropy": finite(metrics.cross_entropy),
        "smooth_l1": finite(metrics.smooth_l1),
        "images_per_second": finite(event.throughput),
        "expected_end": None if event.expected_end is None else event.expected_end.isoformat(),
    }


@event_text.register
def _(event: FindingAppeared) -> str:
    return f"finding {event.finding.text}"


@event_json.register
def _(event: FindingAppeared) -> dict[str, Any]:
    finding = event.finding
    return {
        "event": "finding",
        "code": finding.code,
        "epoch": finding.epoch,
        "message": finding.message,
        "remedy": finding.remedy,
    }


@event_text.register
def _(event: SearchedJobEnded) -> str:
    of = "" if event.max_jobs is None else f"/{event.max_jobs}"
    job = event.job
    parts = [f"training job {event.number}{of}"]
    if job.objective is not None:
        parts.append(f"mAP {job.objective:.3f}{' (best so far)' if event.is_best else ''}")
    parts.append(", ".join(f"{name} {value_text(value)}" for name, value in job.values.items()))
    parts.append(f"{job.status}: {event.reason}" if event.reason else job.status)
    return "  ".join(parts)


@event_json.register
def _(event: SearchedJobEnded) -> dict[str, Any]:
    job = event.job
    return {
        "event": "training_job",
        "training_job": job.name,
        "number": event.number,
        "max_jobs": event.max_jobs,
        "status": job.status,
        "values": job.values,
        "map": job.objective,
        "best_so_far": event.is_best,
        "ended_because": event.reason,
    }


def finite(value: float | None) -> float | None:
    """Return a number that JSON can hold; None for nan and the infinities."""
    return value if value is not None and math.isfinite(value) else None


def without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that JSON can hold: None in place of nan and the infinities."""
    return {name: finite(value) if isinstance(value, float) else value for name, value in values.items()}


def _loss(value: float | None) -> str:
    return "?" if value is None else f"{value:.2g}"


def _clock_time(time: datetime) -> str:
    """Write a time of day in the local time zone; of another day, with its date."""
    local, today = time.astimezone(), datetime.now().astimezone().date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
