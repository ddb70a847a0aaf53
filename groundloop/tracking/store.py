"""What the export needs of a tracking server: MLflow's client behind it, or a record in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from groundloop.errors import UserError
from groundloop.tracking.run import Metric, Status


class TrackingError(UserError):
    """A tracking server that can't be reached, refuses, or answers nonsense; the text says which and why."""


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """What a run holds on the server; of each metric the last value."""

    status: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


class RunStore(Protocol):
    """A tracking server. Each method raises `TrackingError` if the server doesn't do it."""

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, which is created if it does not exist."""

    def find(self, experiment: str, tag: str, value: str) -> str | None:
        """Return the id of the oldest run with this value of a tag; None if there is none."""

    def create(self, experiment: str, name: str, tags: Mapping[str, str], started_ms: int | None) -> str:
        """Create a run and return its id."""

    def read(self, run: str) -> LoggedRun:
        """Return what a run holds."""

    def history(self, run: str, metric: str) -> set[tuple[int, float]]:
        """Return step and value of all that was logged of a metric."""

    def log(self, run: str, metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Log values; however many there are."""

    def artifacts(self, run: str) -> Mapping[str, int | None]:
        """Return the sizes of a run's artifacts by file name."""

    def upload(self, run: str, name: str, content: bytes) -> None:
        """Write an artifact; one of the same name is replaced."""

    def finish(self, run: str, status: Status, ended_ms: int | None) -> None:
        """Set how a run ended."""
