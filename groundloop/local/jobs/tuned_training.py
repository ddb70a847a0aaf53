"""The training jobs of a tuning job: their requests, their summaries, and the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundloop.local.jobs.job import Job
from groundloop.local.search.objective import ObjectiveLog

#: SageMaker's own hyperparameter in each training job of a tuning job.
OBJECTIVE_KEY = "_tuning_objective_metric"
_KEPT_MEMBERS = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)


@dataclass
class TrainingRun:
    """A training job of a tuning job.

    Attributes:
        number: from 0, the search's number of it.
        job: the training job.
        tuned: the values of the hyperparameters that are searched.
        log: reads the objective metric from the job's log.
        result: the objective metric's latest value; None before the first one.
        ended: whether the search knows of the job's end.
    """

    number: int
    job: Job
    tuned: dict[str, str]
    log: ObjectiveLog
    result: float | None = None
    ended: bool = False

    def summary(self, metric: str) -> dict[str, Any]:
        """Return the job's HyperParameterTrainingJobSummary."""
        described = self.job.describe()
        objective = "Pending" if not self.ended else "Failed" if self.result is None else "Succeeded"
        return {
            "TrainingJobName": self.job.name,
            "TrainingJobArn": self.job.arn,
            "CreationTime": self.job.created,
            "TrainingStartTime": described["TrainingStartTime"],
            "TrainingEndTime": described["TrainingEndTime"],
            "TrainingJobStatus": self.job.status,
            "TunedHyperParameters": self.tuned,
            "FailureReason": self.job.failure_reason,
            "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": metric, "Value": self.result}
            if objective == "Succeeded"
            else None,
            "ObjectiveStatus": objective,
        }


def training_request(request: dict[str, Any], name: str, tuned: dict[str, str], arn: str = "") -> dict[str, Any]:
    """Return the CreateTrainingJob request of a tuning job's training job.

    Args:
        request: of CreateHyperParameterTuningJob.
        name: the training job's name.
        tuned: values of the hyperparameters that are searched.
        arn: the tuning job's.
    """
    definition = request["TrainingJobDefinition"]
    resources = definition.get("HyperParameterTuningResourceConfig") or {}
    if resources:
        # The first type is the preferred one, and here there is no lack of any.
        first = (resources.get("InstanceConfigs") or [resources])[0]
        members = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
        resources = {"ResourceConfig": {member: first[member] for member in members if member in first}}
    metric = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    return {
        **{member: definition[member] for member in _KEPT_MEMBERS if member in definition},
        **resources,
        "TrainingJobName": name,
        "HyperParameters": {OBJECTIVE_KEY: metric, **(definition.get("StaticHyperParameters") or {}), **tuned},
        "Tags": request.get("Tags") or [],
        "TuningJobArn": arn,
    }


def best_of(summaries: Sequence[dict[str, Any]], maximize: bool) -> dict[str, Any] | None:
    """Return the training job that completed with the best objective, the earliest of several; None if none did."""
    completed = [
        item
        for item in summaries
        if item["TrainingJobStatus"] == "Completed" and item["FinalHyperParameterTuningJobObjectiveMetric"]
    ]
    sign = 1 if maximize else -1
    return max(
        completed, key=lambda item: sign * item["FinalHyperParameterTuningJobObjectiveMetric"]["Value"], default=None
    )


def status_counters(summaries: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return the TrainingJobStatusCounters of a tuning job's training jobs."""

    def count(*statuses: str) -> int:
        return sum(item["TrainingJobStatus"] in statuses for item in summaries)

    retryable = sum(
        item["TrainingJobStatus"] == "Failed" and str(item["FailureReason"]).startswith("InternalServerError")
        for item in summaries
    )
    return {
        "Completed": count("Completed"),
        "InProgress": count("InProgress", "Stopping"),
        "RetryableError": retryable,
        "NonRetryableError": count("Failed") - retryable,
        "Stopped": count("Stopped"),
    }
