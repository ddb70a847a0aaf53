"""The progress of a training job of the built-in algorithm: its epochs, and what the rules find in its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from groundloop.executions.control import Transition
from groundloop.executions.logs import JobLog
from groundloop.executions.polled_job import WAITING, JobEvent, JobProgress, PolledJob
from groundloop.spec.training_log import EpochMetrics, TrainingLog, best_epoch
from groundloop.spec.training_rules import RuleCode, TrainingFinding, TrainingJobDescription, find, projected_end

# SageMaker throttles, and a job of hours makes no progress in less.
_POLL_SECONDS = 5
# Of a job's log after its end, pages of up to 10,000 lines.
_MAX_LAST_PAGES = 100


@dataclass(frozen=True)
class EpochEnded(JobEvent):
    """The end of an epoch.

    Attributes:
        metrics: of the epoch.
        epochs: number of epochs that the job is to have.
        throughput: images per second, of the newest epoch that states it; None before one does.
        best: the epoch with the highest mAP so far; None where no epoch has one.
        expected_end: when the last epoch will end at the pace so far; None after the last epoch, or if it isn't known.
    """

    metrics: EpochMetrics
    epochs: int
    throughput: float | None = None
    best: EpochMetrics | None = None
    expected_end: datetime | None = None


@dataclass(frozen=True)
class FindingAppeared(JobEvent):
    """A rule found something for the first time in a job."""

    finding: TrainingFinding


class TrainingProgress(PolledJob):
    """A training job of the built-in algorithm; of another algorithm, only the phase is known."""

    poll_seconds = _POLL_SECONDS

    def __init__(self, region: str, step: Transition, now: Callable[[], datetime]) -> None:
        super().__init__(region, step, now)
        self._job_log = JobLog(region, step.log_group, step.job)
        self._log = TrainingLog()
        self._job = TrainingJobDescription()
        self._is_described = False
        self._shown_epoch = -1
        self._found: set[RuleCode] = set()

    def finish(self) -> None:
        """Read the log to its end, for the last epoch."""
        if not self._is_described:  # it ended before the first look
            self._take(self._describe())
        for _ in range(_MAX_LAST_PAGES):
            self._read_log()
            if self._job_log.at_end:
                break
        self._collect_events(ended=True)

    def _look(self) -> JobProgress:
        described = self._describe()
        self._take(described)
        phase = described.get("SecondaryStatus", "")
        transitions = described.get("SecondaryStatusTransitions") or [{}]
        message = transitions[-1].get("StatusMessage", "")
        if phase != "Training":
            return JobProgress(phase=f"{phase}: {message}" if message else phase or WAITING)
        self._read_log()
        self._collect_events()
        epochs = self._log.epochs
        if self._log.percent is None and not epochs:
            return JobProgress(phase="Training: the first epoch has not ended yet")
        total, percent = self._job.epochs, self._log.percent
        scores = [epoch.validation_map for epoch in epochs if epoch.validation_map is not None]
        losses = [epoch.loss for epoch in epochs if epoch.loss is not None]
        return JobProgress(
            unit="epoch",
            done=len(epochs) if percent is None else round(percent * total / 100),
            total=total,
            fraction=None if percent is None else percent / 100,
            seconds_left=self._seconds_left(transitions[-1].get("StartTime")),
            validation_map=scores[-1] if scores else None,
            best_map=self._log.best_map,
            loss=losses[-1] if losses else None,
        )

    def _take(self, described: Mapping[str, Any]) -> None:
        self._job, self._is_described = TrainingJobDescription.of(described), True

    def _read_log(self) -> None:
        for event in self._job_log.next_page():
            self._log.add(event.text, event.time)

    def _collect_events(self, ended: bool = False) -> None:
        epochs = self._log.epochs
        for metrics in epochs:
            if metrics.epoch > self._shown_epoch and (ended or _is_complete(metrics, epochs[-1])):
                self._shown_epoch = metrics.epoch
                self._events.append(self._epoch_ended(metrics, epochs))
        # Lines that are not read yet may be newer than those that make a job look stalled.
        now = self._now() if self._job_log.at_end and not ended else None
        for finding in find(self._log, self._job, now):
            if finding.code not in self._found:
                self._found.add(finding.code)
                self._events.append(FindingAppeared(finding))

    def _epoch_ended(self, metrics: EpochMetrics, epochs: list[EpochMetrics]) -> EpochEnded:
        until = epochs[: epochs.index(metrics) + 1]
        is_last = metrics.epoch == epochs[-1].epoch and metrics.number < self._job.epochs
        end = projected_end(self._log, self._job) if is_last else None
        throughputs = [epoch.throughput for epoch in until if epoch.throughput is not None]
        return EpochEnded(metrics, self._job.epochs, throughputs[-1] if throughputs else None, best_epoch(until), end)

    def _seconds_left(self, started: datetime | None) -> float | None:
        percent, at = self._log.percent, self._log.percent_at
        if started is None or at is None or not percent:
            return None
        left = (at - started) * ((100 - percent) / percent)
        since = max(timedelta(), self._now() - at)
        return max(0.0, (left - since).total_seconds())


def _is_complete(metrics: EpochMetrics, last: EpochMetrics) -> bool:
    """Tell whether all metrics of an epoch are known, or a later epoch has begun without the rest of them."""
    return metrics.epoch < last.epoch or (metrics.loss is not None and metrics.validation_map is not None)
