"""The metrics as JSON and CSV; people have pseudonyms there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from groundloop.errors import UserError
from groundloop.labels.agreement import BoxAgreement
from groundloop.review.insight.metrics import LabelAgreement, WorkMetrics
from groundloop.review.insight.report import Insight, as_hours

#: Names of the CSV files of a folder.
WORKERS, DAYS, WORKER_DAYS = "workers.csv", "days.csv", "worker_days.csv"
_AGREEMENTS = ("consolidated", "blind", "gold")


def as_json(insight: Insight) -> dict[str, Any]:
    """Return all metrics as JSON has them; what the source doesn't record is null."""
    pairwise, source, forecast = insight.pairwise, insight.source, insight.forecast
    hours, other = as_hours(insight.total.active_seconds), as_hours(insight.total.other_seconds)
    return {
        "source": {
            "kind": source.kind.value,
            "name": source.name,
            "images": source.images,
            "unfinished": source.unfinished,
        },
        "time_zone": insight.time_zone,
        "not_recorded": list(insight.not_recorded),
        "total": asdict(insight.total),
        "workers": [{"worker": worker, **asdict(metrics)} for worker, metrics in insight.workers.items()],
        "days": [{"day": day, **asdict(metrics)} for day, metrics in insight.days.items()],
        "worker_days": [
            {"worker": worker, "day": day, **asdict(metrics)} for (worker, day), metrics in insight.worker_days.items()
        ],
        "agreement": {
            "images": pairwise.images,
            "alpha": insight.alpha,
            "alpha_75": insight.alpha_75,
            **_agreement(pairwise.overall),
            "by_class": {name: _agreement(found) for name, found in pairwise.by_class.items()},
            "by_pair": [{"workers": list(pair), **_agreement(found)} for pair, found in pairwise.by_pair.items()],
        },
        "hours": hours,
        "other_hours": other,
        "rate": insight.rate,
        "cost": insight.cost_of(hours),
        "other_cost": insight.cost_of(other),
        "forecast": None
        if forecast is None
        else {
            "images": forecast.images,
            "answers": forecast.answers,
            "hours": forecast.hours,
            "answers_per_day": forecast.answers_per_day,
            "end": forecast.end.isoformat(timespec="seconds") if forecast.end else None,
        },
        "findings": [{"file": finding.file, "message": finding.message} for finding in insight.findings],
    }


def as_csv(insight: Insight) -> dict[str, str]:
    """Return the tables of workers, of days, and of workers by day, by file name."""
    return {
        WORKERS: _csv(("worker",), (((worker,), metrics) for worker, metrics in insight.workers.items())),
        DAYS: _csv(("day",), (((day,), metrics) for day, metrics in insight.days.items())),
        WORKER_DAYS: _csv(("worker", "day"), insight.worker_days.items()),
    }


def write_csv(insight: Insight, path: Path) -> list[Path]:
    """Write the table of workers by day to a `.csv` file, or all three tables to a folder; files are replaced.

    Returns:
        The files.

    Raises:
        UserError: they can't be written.
    """
    tables = as_csv(insight)
    files = (
        {path: tables[WORKER_DAYS]} if path.suffix == ".csv" else {path / name: text for name, text in tables.items()}
    )
    for file, text in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise UserError(f"{file} can't be written: {error.strerror}") from None
    return list(files)


def _agreement(found: BoxAgreement) -> Mapping[str, float | None]:
    return {"f1": found.f1, "mean_iou": found.mean_iou}


def _csv(keys: tuple[str, ...], rows: Iterable[tuple[tuple[str | None, ...], WorkMetrics]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = [field.name for field in fields(WorkMetrics)]
    parts = [f"{name}_{part}" for name in _AGREEMENTS for part in ("images", "f1", "mean_iou")]
    plain = [name for name in names if name not in _AGREEMENTS]
    writer.writerow([*keys, *plain, *parts])
    for key, metrics in rows:
        agreements = [value for name in _AGREEMENTS for value in _parts(getattr(metrics, name))]
        writer.writerow([*map(_cell, key), *(getattr(metrics, name) for name in plain), *agreements])
    return stream.getvalue()


def _cell(text: str | None) -> str | None:
    """Return a name such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text


def _parts(found: LabelAgreement | None) -> tuple[int | None, float | None, float | None]:
    return (None, None, None) if found is None else (found.images, found.f1, found.mean_iou)
