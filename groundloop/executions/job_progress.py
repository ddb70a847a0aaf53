"""The progress of a running step's job, from what SageMaker describes, the job's log and its output."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from groundloop.aws import client, explain
from groundloop.errors import UserError
from groundloop.executions.control import RUNNING, Transition
from groundloop.executions.polled_job import WAITING, JobEvent, JobProgress, PolledJob
from groundloop.executions.training_progress import TrainingProgress
from groundloop.executions.tuning_progress import TuningProgress
from groundloop.s3 import error_code, read_bytes, split_uri

# Each look lists all outputs, 1,000 in a request.
_TRANSFORM_POLL_SECONDS = 15


class ProgressReader:
    """Reads the progress of the jobs of one execution; each read asks only for what is new.

    Args:
        region: AWS region.
        now: returns the time, in UTC.
    """

    def __init__(self, region: str, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> None:
        self._region, self._now, self._since = region, now, now()
        self._jobs: dict[str, PolledJob | _Unreadable] = {}

    def read(self, step: Transition) -> JobProgress | None:
        """Return the progress of a running step; None for a step that runs no job, or whose job has no name yet."""
        if not step.job or step.kind not in _KINDS:
            return None
        job = self._job(step)
        try:
            return job.read()
        except ClientError as error:
            if "Throttling" in error_code(error):
                return job.last
            # Progress is an extra: without the permission for it, the execution is watched all the same.
            unreadable = self._jobs[step.job] = _Unreadable(f"progress can't be read: {explain(error)}")
            return unreadable.read()

    def take_events(self, step: Transition) -> list[JobEvent]:
        """Return what has happened in a step's job since the last call, oldest first.

        The reads of a running job find the events; of a job that has ended, the rest is looked up once more. A job may
        have begun and ended between two reads; one that had ended before the first has no events.
        """
        if step.job not in self._jobs and not self._ended_since(step):
            return []
        job = self._job(step)
        if isinstance(job, _Unreadable):
            return []
        if step.status not in RUNNING:
            # Events are an extra, as progress is.
            with contextlib.suppress(ClientError, BotoCoreError):
                job.finish()
            del self._jobs[step.job]
        return job.take_events()

    def _job(self, step: Transition) -> PolledJob | _Unreadable:
        if step.job not in self._jobs:
            self._jobs[step.job] = _KINDS[step.kind](self._region, step, self._now)
        return self._jobs[step.job]

    def _ended_since(self, step: Transition) -> bool:
        """Tell whether a step whose job is of a known kind ended after this reader was made."""
        if step.kind not in _KINDS or not step.job or step.started is None or step.seconds is None:
            return False
        return step.started + timedelta(seconds=step.seconds) > self._since


class _Processing(PolledJob):
    """A processing job, of which only its start is known."""

    poll_seconds = 30.0

    def _look(self) -> JobProgress:
        return JobProgress() if self._describe().get("ProcessingStartTime") else JobProgress(phase=WAITING)


class _Transform(PolledJob):
    """A batch transform job: an output per image, and as many images as its manifest has entries."""

    poll_seconds = _TRANSFORM_POLL_SECONDS

    def __init__(self, region: str, step: Transition, now: Callable[[], datetime]) -> None:
        super().__init__(region, step, now)
        self._total: int | None = None

    def _look(self) -> JobProgress:
        described = self._describe()
        started = described.get("TransformStartTime")
        if started is None:
            return JobProgress(phase=WAITING)
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


_KINDS: dict[str, type[PolledJob]] = {
    "TrainingJob": TrainingProgress,
    "TransformJob": _Transform,
    "TuningJob": TuningProgress,
    "ProcessingJob": _Processing,
}
