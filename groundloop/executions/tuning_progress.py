"""The progress of a tuning job: its training jobs, each reported once it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from groundloop.executions.control import Transition
from groundloop.executions.polled_job import JobEvent, JobProgress, PolledJob
from groundloop.executions.tuning import read_search
from groundloop.spec.tuning import TERMINAL
from groundloop.spec.tuning_search import ENDED, SearchedJob, TuningSearch

_POLL_SECONDS = 15.0


@dataclass(frozen=True)
class SearchedJobEnded(JobEvent):
    """The end of a training job of a search.

    Attributes:
        job: the training job.
        number: how many have ended with it.
        max_jobs: how many there can be; None if it isn't known.
        reason: why it ended.
        is_best: it completed, and no job that completed before it has reached more.
    """

    job: SearchedJob
    number: int
    max_jobs: int | None
    reason: str
    is_best: bool


class TuningProgress(PolledJob):
    """A tuning job: how many of its training jobs have ended, and the best metric so far."""

    poll_seconds = _POLL_SECONDS

    def __init__(self, region: str, step: Transition, now: Callable[[], datetime]) -> None:
        super().__init__(region, step, now)
        self._reported: set[str] = set()
        self._best: float | None = None

    def finish(self) -> None:
        """Report the training jobs that ended with the search."""
        self._look()

    def _look(self) -> JobProgress:
        search = read_search(self._region, self._step.job)
        for job in search.jobs:
            is_over = job.status in ENDED and (not job.pending or search.status in TERMINAL)
            if is_over and job.name not in self._reported:
                self._reported.add(job.name)
                self._events.append(self._ended(job, search))
        total = search.max_jobs or 0
        running = [job for job in search.jobs if job.status not in ENDED]
        if not search.jobs:
            return JobProgress(phase="the first training job has not started yet")
        return JobProgress(
            unit="training job",
            done=len(self._reported),
            total=total or len(search.jobs),
            fraction=min(1.0, len(self._reported) / total) if total else None,
            validation_map=next((job.objective for job in running if job.objective is not None), self._best),
            best_map=self._best,
        )

    def _ended(self, job: SearchedJob, search: TuningSearch) -> SearchedJobEnded:
        # One that was stopped is never the best (API reference, BestTrainingJob).
        is_better = job.objective is not None and (self._best is None or job.objective > self._best)
        is_best = is_better and job.status == "Completed"
        if is_best:
            self._best = job.objective
        return SearchedJobEnded(job, len(self._reported), search.max_jobs, search.end_of(job), is_best)
