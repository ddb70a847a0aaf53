"""The base of all jobs: a thread, a folder, a log, one program at a time, and the statuses of AWS."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from groundloop.local.context import Context, now
from groundloop.local.errors import JobError, JobStoppedError
from groundloop.local.logs import LogShipper, last_line
from groundloop.local.s3 import S3
from groundloop.local.subprocess_guard import Child

#: Seconds between two looks at a running program.
_POLL = 0.05
#: Seconds between two shipments of a log.
_SHIP = 1.0
#: Length limit of FailureReason and of ExitMessage in the service's model.
_REASON_LENGTH = 1024

logger = logging.getLogger(__name__)

TERMINAL = ("Completed", "Failed", "Stopped")


class Job(ABC):
    """One job, from InProgress to Completed, Failed or Stopped."""

    #: As in `CreateTrainingJob`: the prefix of the API's member names.
    kind: ClassVar[str]
    #: SageMaker's default MaxRuntimeInSeconds for this kind of job.
    default_runtime: ClassVar[int] = 86400

    def __init__(self, context: Context, request: dict[str, Any]) -> None:
        self.context = context
        self.request = request
        self.name: str = request[f"{self.kind}Name"]
        self.arn = context.arn(f"{self.kind.removesuffix('Job').lower()}-job/{self.name}")
        self.folder = (context.home / "jobs" / self.name).resolve()
        self.log = self.folder / "log.txt"
        self.s3 = S3(context.account)
        self.status = "InProgress"
        self.failure_reason: str | None = None
        self.created = self.modified = now()
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.out_of_time = False
        self._stop_asked = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"job-{self.name}", daemon=True)
        self._shipper = LogShipper(context, *log_stream(self.kind, self.name, self.created), self.log)
        self._shipped = 0.0

    def start(self) -> None:
        """Start the job; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the job to stop; returns at once."""
        with self.context.lock:
            if self.status == "InProgress":
                self.status = "Stopping"
                self.modified = now()
        self._stop_asked.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the job's end."""
        self._thread.join(timeout)

    @property
    def stopped(self) -> bool:
        """Whether the job was asked to stop."""
        return self._stop_asked.is_set() or self.context.stopping.is_set()

    @abstractmethod
    def work(self) -> None:
        """Do what the job is for. Raises JobError or JobStoppedError."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the answer of the Describe operation."""

    def closing(self) -> None:  # noqa: B027 (most kinds have nothing to close)
        """Release resources, whichever way the job ended, before its status says that it has."""

    def _run(self) -> None:
        status, reason = "Completed", None
        try:
            # A home that was used before may hold a job of this name; the server's own state is always fresh.
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self.log.touch()
            self.started = now()
            self.work()
        except JobStoppedError:
            status = "Stopped"
        except JobError as error:
            status, reason = "Failed", f"{error.kind}: {error.text}"
        except Exception as error:
            # A fault of the offline AWS itself: a job always ends, and says how.
            logger.exception("job %s", self.name)
            status, reason = "Failed", f"InternalServerError: the offline AWS failed: {error!r}"
        try:
            self.closing()
            self._shipper.ship(last=True)
        except Exception as error:
            if not self.context.stopping.is_set():
                status, reason = "Failed", reason or f"InternalServerError: the offline AWS failed: {error!r}"
        with self.context.lock:
            self.failure_reason = reason[:_REASON_LENGTH] if reason else None
            self.ended = self.modified = now()
            self.status = status
        self.context.bell.ring()

    def write_log(self, line: str) -> None:
        """Write a line of the offline AWS to the job's log."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"[offline AWS] {line}\n")

    def check_stop(self) -> None:
        """Raise JobStoppedError if the job was asked to stop."""
        if self.stopped:
            raise JobStoppedError

    def run_program(
        self, command: Sequence[str], environment: dict[str, str], watch: Callable[[], None] = lambda: None
    ) -> int:
        """Run one program to its end and return its exit code; `watch` is called often and may raise.

        Raises:
            JobStoppedError: the job was asked to stop, or ran out of time.
        """
        limit = self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", self.default_runtime)
        deadline = time.monotonic() + limit
        # Temporary files end with the job, as they do with a container: also those of a program that was killed.
        temporary = self.folder / ".tmp"
        temporary.mkdir(exist_ok=True)
        variables = self.context.job_environment(self.folder, {"TMPDIR": str(temporary), **environment})
        child = Child(command, variables, self.folder, self.log)
        try:
            while (code := child.wait(_POLL)) is None:
                watch()
                self.ship_log()
                self.check_stop()
                if time.monotonic() > deadline:
                    self.out_of_time = True
                    self.write_log(f"stopped: MaxRuntimeInSeconds ({limit}) is over")
                    raise JobStoppedError
        finally:
            child.end()
            shutil.rmtree(temporary, ignore_errors=True)
        return code

    def ship_log(self) -> None:
        """Send the log on, now and then."""
        if time.monotonic() - self._shipped > _SHIP:
            self._shipped = time.monotonic()
            self._shipper.ship()

    def algorithm_error(self, code: int, message: str = "") -> JobError:
        """Build the error of a program that ended with `code`, from its message or the last line of its log."""
        text = (message or last_line(self.log)).strip()[: _REASON_LENGTH - 200]
        return JobError("AlgorithmError", f"{text}, exit code: {code} (log: {self.shown(self.log)})")

    @staticmethod
    def shown(path: Path) -> str:
        """Return a path for a message: relative to the working directory if that is shorter."""
        relative = os.path.relpath(path)
        return relative if len(relative) < len(str(path)) else str(path)

    @staticmethod
    def read_message(path: Path) -> str:
        """Return what a program left in a message file; empty if nothing."""
        return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""


class EndedJob:
    """A job that ended in an earlier run of an offline AWS whose state is kept."""

    def __init__(self, context: Context, kind: str, described: dict[str, Any], modified: datetime) -> None:
        self._context, self._kind, self._described = context, kind, described
        self.name: str = described[f"{kind}Name"]
        self.arn: str = described[f"{kind}Arn"]
        self.status: str = described[f"{kind}Status"]
        self.created: datetime = described["CreationTime"]
        self.modified = modified

    def describe(self) -> dict[str, Any]:
        """Return the answer of the Describe operation."""
        return self._described

    def ship_log(self) -> None:
        """Send the log, a file in the job's folder, to CloudWatch Logs."""
        log = self._context.home / "jobs" / self.name / "log.txt"
        LogShipper(self._context, *log_stream(self._kind, self.name, self.created), log).ship(last=True)

    def stop(self) -> None:
        """Do nothing: the job has ended."""

    def join(self) -> None:
        """Return at once: the job has ended."""


def log_stream(kind: str, name: str, created: datetime) -> tuple[str, str]:
    """Return the log group and the log stream of a job, as SageMaker names them."""
    return f"/aws/sagemaker/{kind}s", f"{name}/algo-1-{int(created.timestamp())}"
