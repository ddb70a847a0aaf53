"""What became of the captured requests: the lines of the log, the message and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from groundloop.detections.drift.comparison import Drift
from steps.jobs import say
from steps.monitor.metrics import WindowMetrics
from steps.monitor.queueing import Queued
from steps.monitor.served import MonitoredVariant
from steps.monitor.window import MonitoredWindow

#: A message of a Fail step has at most 3072 characters.
_MAX_MESSAGE = 1000


@dataclass(frozen=True)
class VariantResult:
    """What became of one variant's requests."""

    variant: MonitoredVariant
    captured: MonitoredWindow
    drift: Drift
    metrics: WindowMetrics
    queued: Queued | None

    def as_json(self) -> dict[str, Any]:
        """Return the result for drift.json."""
        return {
            "variant": self.variant.name,
            "model_package": self.variant.package.arn,
            "requests": self.captured.requests,
            "notes": self.captured.notes(),
            **self.drift.as_json(),
            "boxes_per_image": self.metrics.boxes_per_image,
            "doubtful": self.metrics.doubtful,
            "queue": asdict(self.queued) if self.queued else None,
        }

    def alarms(self, *, images: bool = True) -> int:
        """Return the number of alarms, with or without the one about the images themselves."""
        return (images and self.drift.input.alarm) + self.drift.answers.alarm + len(self.drift.missed_limits)


def say_result(result: VariantResult) -> None:
    """Write a variant's result to the job's log."""
    drift, name = result.drift, result.variant.name
    say(f"variant {name}, version {result.variant.package.version}: {len(result.captured.window)} images")
    for note in result.captured.notes():
        say(f"  {note}")
    for group in (drift.input, drift.answers):
        p_value = f"p = {group.p_value:.3g}" if group.p_value is not None else f"not decided: {group.undecided}"
        say(f"  {group.group}: {p_value}{', alarm' if group.alarm else ''}")
    for reason in drift.reasons():
        say(f"  {reason}")
    if result.queued:
        chosen = ", ".join(f"{count} {how}" for how, count in sorted(result.queued.selected_by.items()))
        say(f"  queued for review: {result.queued.images} images ({chosen})")
        say(f"  groundloop review new NAME --queue {result.queued.uri}")


def message_of(endpoint: str, results: Sequence[VariantResult], since: datetime, until: datetime) -> str:
    """Say what was found in one sentence for each variant, as short as a Fail step's message has to be."""
    parts = []
    for result in results:
        drift = result.drift
        where = f"{endpoint}, variant {result.variant.name}, version {result.variant.package.version}"
        if drift.found:
            text = "; ".join(drift.reasons())
        elif not drift.decided:
            text = f"nothing was decided: {drift.answers.undecided or drift.input.undecided}"
        else:
            text = "no drift"
        queued = f"; {result.queued.images} images wait for review in {result.queued.uri}" if result.queued else ""
        parts.append(f"{where}: {text} ({len(result.captured.window)} images){queued}")
    return f"{'. '.join(parts)}. Window: {time_text(since)} to {time_text(until)}"[:_MAX_MESSAGE]


def write_report(
    folder: Path, endpoint: str, results: Sequence[VariantResult], since: datetime, until: datetime
) -> None:
    """Write the report page, with the pictures most unlike the baseline's."""
    from groundloop.report.drift_report import DriftSection, write_drift_report

    sections = [
        DriftSection(
            f"Variant {result.variant.name}, version {result.variant.package.version}",
            result.drift,
            strangest=result.captured.window.strangest,
            notes=tuple(result.captured.notes()),
            details={
                "endpoint": endpoint,
                "window": f"{time_text(since)} to {time_text(until)}",
                "requests": str(result.captured.requests),
                "model package": result.variant.package.arn,
                **({"queue": result.queued.uri} if result.queued else {}),
            },
        )
        for result in results
    ]
    write_drift_report(folder / "report.html", sections, f"Drift of endpoint {endpoint}")


def time_text(time: datetime) -> str:
    """Return a time in UTC as ISO 8601, to the second."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
