"""The progress of a running step's job, from what SageMaker describes, the job's log and its output."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, explain, poll_seconds
from groundloop.errors import UserError
from groundloop.executions.control import Transition
from groundloop.executions.logs import JobLog
from groundloop.s3 import error_code, read_bytes, split_uri
from groundloop.spec.object_detection import HYPERPARAMETERS
from groundloop.spec.training_log import TrainingLog

# SageMaker throttles, and a job of hours makes no progress in less.
_TRAINING_POLL_SECONDS = 5
# Each look lists all outputs, 1,000 in a request.
_TRANSFORM_POLL_SECONDS = 15
_WAITING = "waiting for the instances"


@dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    Attributes:
        phase: what SageMaker says it is doing, such as `Downloading: Downloading the training image`; empty where
            `unit` says more.
        unit: what is counted: `epoch` or `image`; empty if nothing is.
        done, total: how many are completed, and of how many.
        fraction: share that is completed, from 0 to 1; None if it isn't known.
        seconds_left: estimate from the speed so far; None before there is one.
        validation_map: the last epoch's mAP on the validation split.
        best_map: the highest so far.
        loss: the last epoch's training loss.
    """

    phase: str = ""
    unit: str = ""
    done: int = 0
    total: int = 0
    fraction: float | None = None
    seconds_left: float | None = None
    validation_map: float | None = None
    best_map: float | None = None
    loss: float | None = None


class ProgressReader:
    """Reads the progress of the jobs of one execution; each read asks only for what is new.

    Args:
        region: AWS region.
        now: returns the time, in UTC.
    """

    def __init__(self, region: str, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> None:
        self._region, self._now = region, now
        self._jobs: dict[str, _Training | _Transform | _Processing | _Unreadable] = {}

    def read(self, step: Transition) -> JobProgress | None:
        """Return the progress of a running step; None for a step that runs no job, or whose job has no name yet."""
        if not step.job or step.kind not in _KINDS:
            return None
        job = self._jobs.get(step.job)
        if job is None:
            job = self._jobs[step.job] = _KINDS[step.kind](self._region, step, self._now)
        try:
            return job.read()
        except ClientError as error:
            if "Throttling" in error_code(error):
                return job.last
            # Progress is an extra: without the permission for it, the execution is watched all the same.
            self._jobs[step.job] = _Unreadable(f"progress can't be read: {explain(error)}")
            return self._jobs[step.job].read()


class _Polled(ABC):
    """A job that is looked at every few seconds at most."""

    poll_seconds = 5.0

    def __init__(self, region: str, step: Transition, now: Callable[[], datetime]) -> None:
        self._region, self._step, self._now = region, step, now
        self._next = 0.0
        self.last = JobProgress()

    def read(self) -> JobProgress:
        """Return the progress, looked up again when it is time to."""
        if time.monotonic() >= self._next:
            self.last = self._look()
            self._next = time.monotonic() + poll_seconds(self.poll_seconds)
        return self.last

    @abstractmethod
    def _look(self) -> JobProgress:
        """Return the progress as AWS knows it now."""

    def _describe(self) -> dict[str, Any]:
        kind = self._step.kind.removesuffix("Job").lower()
        describe = getattr(client("sagemaker", self._region), f"describe_{kind}_job")
        described: dict[str, Any] = describe(**{f"{self._step.kind}Name": self._step.job})
        return described


class _Processing(_Polled):
    """A processing job, of which only its start is known."""

    poll_seconds = 30.0

    def _look(self) -> JobProgress:
        return JobProgress() if self._describe().get("ProcessingStartTime") else JobProgress(phase=_WAITING)


class _Training(_Polled):
    """A training job of the built-in algorithm; of another algorithm, only the phase is known."""

    poll_seconds = _TRAINING_POLL_SECONDS

    def __init__(self, region: str, step: Transition, now: Callable[[], datetime]) -> None:
        super().__init__(region, step, now)
        self._job_log = JobLog(region, step.log_group, step.job)
        self._log = TrainingLog()
        self._percent_at: datetime | None = None

    def _look(self) -> JobProgress:
        described = self._describe()
        phase = described.get("SecondaryStatus", "")
        transitions = described.get("SecondaryStatusTransitions") or [{}]
        message = transitions[-1].get("StatusMessage", "")
        if phase != "Training":
            return JobProgress(phase=f"{phase}: {message}" if message else phase or _WAITING)
        self._read_log()
        epochs = self._log.epochs
        if self._log.percent is None and not epochs:
            return JobProgress(phase="Training: the first epoch has not ended yet")
        total = int(described.get("HyperParameters", {}).get("epochs", HYPERPARAMETERS["epochs"].default))
        percent = self._log.percent
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

    def _read_log(self) -> None:
        for event in self._job_log.next_page():
            before = self._log.percent
            self._log.add(event.text)
            if self._log.percent != before:
                self._percent_at = event.time

    def _seconds_left(self, started: datetime | None) -> float | None:
        if started is None or self._percent_at is None or not self._log.percent:
            return None
        spent = (self._percent_at - started).total_seconds()
        left = spent * (100 - self._log.percent) / self._log.percent
        since = (self._now() - self._percent_at).total_seconds()
        return max(0.0, left - max(0.0, since))


class _Transform(_Polled):
    """A batch transform job: an output per image, and as many images as its manifest has entries."""

    poll_seconds = _TRANSFORM_POLL_SECONDS

    def __init__(self, region: str, step: Transition, now: Callable[[], datetime]) -> None:
        super().__init__(region, step, now)
        self._total: int | None = None

    def _look(self) -> JobProgress:
        described = self._describe()
        started = described.get("TransformStartTime")
        if started is None:
            return JobProgress(phase=_WAITING)
        if self._total is None:
            self._total = self._count_images(described["TransformInput"]["DataSource"]["S3DataSource"])
        if not self._total:
            return JobProgress()
        done = self._count_outputs(described["TransformOutput"]["S3OutputPath"], started)
        spent = (self._now() - started).total_seconds()
        return JobProgress(
            unit="image",
            done=done,
            total=self._total,
            fraction=min(1.0, done / self._total),
            seconds_left=spent * (self._total - done) / done if done and spent > 0 else None,
        )

    def _count_images(self, source: dict[str, Any]) -> int:
        """Return the number of entries of a ManifestFile; 0 for a prefix, whose objects nobody counts for this."""
        if source.get("S3DataType") != "ManifestFile":
            return 0
        try:
            entries = json.loads(read_bytes(client("s3", self._region), source["S3Uri"]))
        except (ValueError, UserError):
            return 0  # the job itself fails on it, and says why
        # The first entry is the prefix of the others.
        return len(entries) - 1 if isinstance(entries, list) else 0

    def _count_outputs(self, uri: str, since: datetime) -> int:
        bucket, prefix = split_uri(uri)
        pages = client("s3", self._region).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        # S3 keeps whole seconds.
        since = since.replace(microsecond=0)
        return sum(
            item["Key"].endswith(".out") and item["LastModified"] >= since
            for page in pages
            for item in page.get("Contents", [])
        )


class _Unreadable:
    """A job whose progress can't be read; the reason is its phase."""

    def __init__(self, reason: str) -> None:
        self.last = JobProgress(phase=reason)

    def read(self) -> JobProgress:
        """Return the reason."""
        return self.last


_KINDS: dict[str, type[_Training] | type[_Transform] | type[_Processing]] = {
    "TrainingJob": _Training,
    "TransformJob": _Transform,
    "ProcessingJob": _Processing,
}
