"""A running step's job that is looked at again and again: how far it is, and what has happened in it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from groundloop.aws import client, offline_endpoint
from groundloop.executions.control import Transition

#: Pause between two looks at a job of the offline AWS, which takes seconds.
_OFFLINE_SECONDS = 0.5
#: Phase of a job that has no instances yet.
WAITING = "waiting for the instances"


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


class JobEvent:
    """Something that happened in a job and is reported once, such as the end of an epoch; the base of each kind."""


def _pause(aws: float) -> float:
    """Return the seconds between two looks at a job; `aws`: those on AWS."""
    return _OFFLINE_SECONDS if offline_endpoint() else aws


class PolledJob(ABC):
    """A job that is looked at every few seconds at most."""

    poll_seconds = 5.0

    def __init__(self, region: str, step: Transition, now: Callable[[], datetime]) -> None:
        self._region, self._step, self._now = region, step, now
        self._next = 0.0
        self._events: list[JobEvent] = []
        self.last = JobProgress()

    def read(self) -> JobProgress:
        """Return the progress, looked up again when it is time to."""
        if time.monotonic() >= self._next:
            self.last = self._look()
            self._next = time.monotonic() + _pause(self.poll_seconds)
        return self.last

    def finish(self) -> None:  # noqa: B027 (most kinds have no events)
        """Look once more, at a job that has ended, for the events that no read has seen yet."""

    def take_events(self) -> list[JobEvent]:
        """Return the events since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    @abstractmethod
    def _look(self) -> JobProgress:
        """Return the progress as AWS knows it now."""

    def _describe(self) -> dict[str, Any]:
        kind = self._step.kind.removesuffix("Job").lower()
        describe = getattr(client("sagemaker", self._region), f"describe_{kind}_job")
        described: dict[str, Any] = describe(**{f"{self._step.kind}Name": self._step.job})
        return described
