"""A run as it is logged: what an execution, or a job of its search for hyperparameters, amounts to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

#: The tag that says which execution a run is of; its value is the execution's ARN.
EXECUTION_TAG = "groundloop.execution"
#: The tag that says which job of a search a child run is of: the execution's id, a slash, the training job's name.
TRAINING_JOB_TAG = "groundloop.training-job"

#: The statuses of MLflow (`RunStatus`), but SCHEDULED.
Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


class Metric(NamedTuple):
    """One value of a metric; the step is the epoch, 0 for a metric of the model."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """The content of a run.

    Attributes:
        tag, identity: name and value of the tag by which the run is found again.
        name: shown in MLflow.
        status: MLflow's.
        started, ended: None where it isn't known.
        params, tags: by name.
        metrics: values in any order.
        artifacts: content by file name.
        children: the runs below it.
    """

    tag: str
    identity: str
    name: str
    status: Status
    started: datetime | None = None
    ended: datetime | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    children: tuple[TrackedRun, ...] = ()
