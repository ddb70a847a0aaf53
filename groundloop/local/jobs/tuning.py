"""Tuning jobs: training jobs with values that the search chooses, and the best of them."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Protocol

from groundloop.local.context import Context, now, random_id
from groundloop.local.jobs.job import TERMINAL, Job
from groundloop.local.jobs.tuned_training import (
    OBJECTIVE_KEY,
    TrainingRun,
    best_of,
    status_counters,
    training_request,
)
from groundloop.local.jobs.tuning_notes import SEARCH_NOTE, stand_in_notes
from groundloop.local.search.completion import Completion
from groundloop.local.search.objective import ObjectiveLog, metric_pattern
from groundloop.local.search.search import Search, plan_of

#: Seconds between two looks at the training jobs.
_POLL = 0.05
#: A tuning job fails when so many training jobs have ended and none has an objective metric.
_ATTEMPTS = 5
_REASON_LENGTH = 1024
logger = logging.getLogger(__name__)


#: Starts a training job, of a request and a note for its log.
StartTraining = Callable[[dict[str, Any], str], Job]


class FinishedSearch(Protocol):
    """A tuning job that another one starts with."""

    def describe(self) -> dict[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob."""

    def summaries(self) -> list[dict[str, Any]]:
        """Return the summaries of the training jobs."""


class TuningJob:
    """One tuning job, from InProgress to Completed, Failed or Stopped.

    Args:
        context: the offline AWS.
        request: a valid CreateHyperParameterTuningJob request.
        start_training: starts a training job.
        parents: tuning jobs whose results the search starts with.
    """

    def __init__(
        self,
        context: Context,
        request: dict[str, Any],
        start_training: StartTraining,
        parents: Sequence[FinishedSearch] = (),
    ) -> None:
        self._context, self.request = context, request
        self._start_training, self._parents = start_training, parents
        self.name: str = request["HyperParameterTuningJobName"]
        self.arn = context.arn(f"hyper-parameter-tuning-job/{self.name}")
        self.log = context.home / "tuning-jobs" / self.name / "log.txt"
        self.status = "InProgress"
        self.failure_reason: str | None = None
        self.created = self.modified = now()
        self.ended: datetime | None = None
        self._config: dict[str, Any] = request["HyperParameterTuningJobConfig"]
        self._definition: dict[str, Any] = request["TrainingJobDefinition"]
        self._metric: str = self._config["HyperParameterTuningJobObjective"]["MetricName"]
        self._plan = plan_of(request)
        self._completion = Completion(self._config.get("TuningJobCompletionCriteria") or {}, self._plan.maximize)
        self._runs: list[TrainingRun] = []
        self._started = monotonic()
        self._stop_asked = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tuning-{self.name}", daemon=True)

    def start(self) -> None:
        """Start the search; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the search and its training jobs to stop; returns at once."""
        with self._context.lock:
            if self.status == "InProgress":
                self.status, self.modified = "Stopping", now()
        self._stop_asked.set()

    def join(self) -> None:
        """Wait for the search's end."""
        self._thread.join()

    # The search

    def _run(self) -> None:
        try:
            status, reason = self._search()
        except Exception as error:
            # A fault of the offline AWS itself: a job always ends, and says how.
            if not self._context.stopping.is_set():
                logger.exception("tuning job %s", self.name)
            status, reason = "Failed", f"InternalServerError: the offline AWS failed: {error!r}"
            self._end_training()
        if status == "Failed" and reason:
            self.failure_reason = reason[:_REASON_LENGTH]
        # Without a log, on a full disk for one, the job ends all the same.
        with contextlib.suppress(OSError):
            self._write_log(f"{status}: {reason}" if reason else status)
        with self._context.lock:
            self.ended = self.modified = now()
            self.status = status
        self._context.bell.ring()

    def _search(self) -> tuple[str, str | None]:
        """Run training jobs until the search is over; return the status and why it is over."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("", encoding="utf-8")
        for note in stand_in_notes(self.request, self._context.programs):
            self._write_log(note)
        search = Search(self._plan)
        self._learn(search)
        while True:
            for run in self._active():
                self._follow(search, run)
            over = self._over()
            if over is None and self._start_more(search) + len(self._active()) == 0:
                over = self._outcome(None)
            if over is not None:
                self._end_training()
                for run in self._active():
                    self._follow(search, run)
                return over
            self._stop_asked.wait(_POLL)

    def _learn(self, search: Search) -> None:
        for parent in self._parents:
            results = [item for item in parent.summaries() if item["ObjectiveStatus"] == "Succeeded"]
            learned = [
                search.learn(item["TunedHyperParameters"], item["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
                for item in results
            ]
            name = parent.describe()["HyperParameterTuningJobName"]
            self._write_log(f"warm start: {sum(learned)} of {len(results)} results of {name} lie in the ranges")

    def _active(self) -> list[TrainingRun]:
        return [run for run in self._runs if not run.ended]

    def _follow(self, search: Search, run: TrainingRun) -> None:
        """Take what a training job has reached since the last look; stop it early if the search says so."""
        # Before the log: what the job wrote at last is in it then.
        has_ended = run.job.status in TERMINAL
        for value in run.log.read(last=has_ended):
            run.result = value
            if search.report(run.number, value) and run.job.status == "InProgress":
                run.job.stop()
                self._write_log(f"{run.job.name}: stopped early, {self._metric} {value:g}")
        if has_ended:
            run.ended, self.modified = True, now()
            completed = run.job.status == "Completed"
            search.end(run.number, completed)
            if run.result is not None:
                self._completion.add(run.result, completed)
            shown = "no objective metric" if run.result is None else f"{self._metric} {run.result:g}"
            self._write_log(f"{run.job.name}: {run.job.status}, {shown}, {run.tuned}")

    def _start_more(self, search: Search) -> int:
        """Start training jobs as far as there is room; return how many."""
        count = 0
        while len(self._active()) < self._plan.parallel and (asked := search.ask()) is not None:
            number, tuned = asked
            request = training_request(self.request, self._training_name(number), tuned, self.arn)
            job = self._start_training(request, f"training job {number + 1} of {self.name}; {SEARCH_NOTE}")
            pattern = metric_pattern(self._metric, self._definition["AlgorithmSpecification"], self._context.programs)
            self._runs.append(TrainingRun(number, job, tuned, ObjectiveLog(job.log, pattern or r"(?!)")))
            self.modified = now()
            count += 1
        return count

    def _training_name(self, number: int) -> str:
        return f"{self.name}-{number + 1:03d}-{random_id(8)}"

    def _over(self) -> tuple[str, str | None] | None:
        """Return the status that the search ends with, and why; None if it goes on."""
        if self._stop_asked.is_set() or self._context.stopping.is_set():
            return "Stopped", None
        ended = [run for run in self._runs if run.ended]
        if len(ended) >= _ATTEMPTS and all(run.result is None for run in ended):
            return self._outcome(None)
        limit = self._config["ResourceLimits"].get("MaxRuntimeInSeconds")
        if limit is not None and monotonic() - self._started > limit:
            return self._outcome(f"MaxRuntimeInSeconds ({limit}) is over")
        if reason := self._completion.reason:
            return "Completed", reason
        return None

    def _outcome(self, why: str | None) -> tuple[str, str | None]:
        """Return Completed if a training job completed with a result, otherwise Failed with the first reason."""
        ended = [run for run in self._runs if run.ended]
        if any(run.result is not None and run.job.status == "Completed" for run in ended):
            return "Completed", why
        if why:
            return "Failed", f"{why}, and no training job has completed with an objective metric"
        if all(run.job.status == "Completed" for run in ended):
            return "Failed", (
                f"No objective metrics found after running {len(ended)} training jobs. Please ensure that the custom "
                "algorithm is emitting the objective metric as defined by the regular expression provided."
            )
        first = next(run for run in ended if run.job.status != "Completed")
        return "Failed", (
            f"No training job succeeded after {len(ended)} attempts. Please take a look at the training job failures "
            f"to get more details. The first, {first.job.name}: {first.job.failure_reason or first.job.status}"
        )

    def _end_training(self) -> None:
        active = self._active()
        for run in active:
            run.job.stop()
        for run in active:
            run.job.join()

    def _write_log(self, line: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"[offline AWS] {line}\n")

    # The answers

    def summaries(self) -> list[dict[str, Any]]:
        """Return the summaries of all training jobs, the first first."""
        return [run.summary(self._metric) for run in list(self._runs)]

    def describe(self) -> dict[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob."""
        summaries = self.summaries()
        best = best_of(summaries, self._plan.maximize)
        return {
            **self.request,
            "TrainingJobDefinition": {
                **self._definition,
                "StaticHyperParameters": {
                    OBJECTIVE_KEY: self._metric,
                    **(self._definition.get("StaticHyperParameters") or {}),
                },
            },
            "HyperParameterTuningJobArn": self.arn,
            "HyperParameterTuningJobStatus": self.status,
            "CreationTime": self.created,
            "HyperParameterTuningEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "TrainingJobStatusCounters": status_counters(summaries),
            "ObjectiveStatusCounters": {
                status: sum(item["ObjectiveStatus"] == status for item in summaries)
                for status in ("Succeeded", "Pending", "Failed")
            },
            "BestTrainingJob": best,
            "OverallBestTrainingJob": self._overall_best(best),
            "FailureReason": self.failure_reason,
            "TuningJobCompletionDetails": {
                "NumberOfTrainingJobsObjectiveNotImproving": self._completion.not_improving,
                "ConvergenceDetectedTime": self._completion.converged,
            },
            "ConsumedResources": {"RuntimeInSeconds": int(((self.ended or now()) - self.created).total_seconds())},
        }

    def _overall_best(self, best: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return the best training job of this search and of its parents, where their results can be compared."""
        if (self.request.get("WarmStartConfig") or {}).get("WarmStartType") != "IdenticalDataAndAlgorithm":
            return None
        described = [parent.describe() for parent in self._parents]
        bests = [
            {**item["BestTrainingJob"], "TuningJobName": item["HyperParameterTuningJobName"]}
            for item in described
            if item.get("BestTrainingJob")
        ]
        mine = [{**best, "TuningJobName": self.name}] if best else []
        return best_of([*bests, *mine], self._plan.maximize)
