"""A tuning job as its answers describe it: what was tried, what it reached, and why each training job ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from groundloop.spec.tuning import CONFIG, part

#: Statuses of a training job that has ended.
ENDED = frozenset({"Completed", "Failed", "Stopped"})
# Training jobs that the search stops when it ends have ended a moment before or after it.
_WITH_THE_SEARCH = timedelta(seconds=5)


@dataclass(frozen=True)
class SearchedJob:
    """A training job of a search.

    Attributes:
        name: of the training job.
        status: its status, such as `Completed`.
        values: of the tuned hyperparameters, as the API has them.
        objective: value of the objective metric; None where it has none, or none yet.
        pending: the search has not taken its result yet, which comes a moment after its end.
        reason: why it failed; empty if it didn't.
        started, ended: when training started and ended; None before.
        epochs: how many epochs its log states; None where the log wasn't read.
    """

    name: str
    status: str
    values: dict[str, str]
    objective: float | None = None
    pending: bool = False
    reason: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    epochs: int | None = None

    @property
    def seconds(self) -> float | None:
        """How long it trained; None while it does."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


@dataclass(frozen=True)
class TuningSearch:
    """A tuning job and its training jobs.

    Attributes:
        name: of the tuning job.
        arn: its ARN.
        status: its status, such as `InProgress`.
        reason: why it failed; empty if it didn't.
        strategy: such as `Bayesian`.
        metric: name of the objective metric.
        max_jobs: maximum number of training jobs; None if it isn't known.
        stops_early: it ends training jobs early that are worse than others.
        tuned: names of the tuned hyperparameters.
        epochs: of each training job, if it isn't stopped; None where that isn't known.
        ended: when it ended; None while it runs.
        jobs: in the order in which they were started.
        best_name: name of the best training job; empty while there is none.
        request: what DescribeHyperParameterTuningJob answered.
    """

    name: str
    arn: str
    status: str
    reason: str
    strategy: str
    metric: str
    max_jobs: int | None
    stops_early: bool
    tuned: tuple[str, ...]
    epochs: int | None
    ended: datetime | None
    jobs: tuple[SearchedJob, ...]
    best_name: str
    request: dict[str, Any]

    @property
    def best(self) -> SearchedJob | None:
        """The best training job; None while there is none."""
        return next((job for job in self.jobs if job.name == self.best_name), None)

    @property
    def ranked(self) -> list[SearchedJob]:
        """The training jobs, the best first, those without a result last."""

        def key(job: SearchedJob) -> tuple[bool, bool, float]:
            return (job.name != self.best_name, job.objective is None, -(job.objective or 0.0))

        return sorted(self.jobs, key=key)

    def label(self, job: SearchedJob) -> str:
        """Return the part of a training job's name that tells it from the others of the search."""
        return job.name.removeprefix(f"{self.name}-")

    def end_of(self, job: SearchedJob) -> str:
        """Say why a training job of the search ended; empty while it runs."""
        if job.status == "Failed":
            return job.reason or "it failed, and no reason was given"
        if job.status == "Completed":
            if job.epochs is None or self.epochs is None or job.epochs >= self.epochs:
                return "all epochs"
            return "validation mAP no longer rose (early_stopping)"
        if job.status != "Stopped":
            return ""
        end = self._cut_short_at
        if end is not None and job.ended is not None and job.ended >= end - _WITH_THE_SEARCH:
            return "the search ended"
        if self.strategy == "Hyperband":
            return "worse than others (hyperband)"
        return "worse than the median (early stopping)" if self.stops_early else "it was stopped"

    @property
    def _cut_short_at(self) -> datetime | None:
        """When the search ended, or was asked to, before its training jobs had; None if it waited for them."""
        if self.status == "Stopping":
            return self.request.get("LastModifiedTime")
        if self.ended is None or self.status in ("Stopped", "Failed"):
            return self.ended
        config = part(self.request.get(CONFIG))
        seconds, created = part(config, "ResourceLimits").get("MaxRuntimeInSeconds"), self.request.get("CreationTime")
        is_over = bool(seconds and created and (self.ended - created).total_seconds() >= seconds)
        are_fewer = self.max_jobs is not None and len(self.jobs) < self.max_jobs
        return self.ended if is_over or are_fewer or config.get("TuningJobCompletionCriteria") else None


def value_text(text: str) -> str:
    """Write a tuned value with the digits that matter.

    Example:
        >>> value_text("0.0012345678"), value_text("16"), value_text("sgd")
        ('0.00123457', '16', 'sgd')
    """
    try:
        return f"{float(text):g}"
    except ValueError:
        return text
