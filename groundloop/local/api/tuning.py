"""Create, describe, list, stop and delete hyperparameter tuning jobs.

`groundloop.local.jobs.tuning` does the work; here are the operations, and what AWS rejects. The rules of the requests
are those of `groundloop.spec.tuning`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from groundloop.local.api.jobs import Jobs, check_training
from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context
from groundloop.local.errors import JobError, in_use, invalid, not_found
from groundloop.local.image_stand_ins import ImageStandIn, program_for
from groundloop.local.jobs.tuned_training import training_request
from groundloop.local.jobs.tuning import FinishedSearch, TuningJob
from groundloop.local.search.objective import metric_pattern
from groundloop.spec.tuning import TERMINAL, tuning_job_problems
from groundloop.spec.tuning_warm_start import warm_start_problems

_SUMMARY = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobArn",
    "HyperParameterTuningJobStatus",
    "CreationTime",
    "HyperParameterTuningEndTime",
    "LastModifiedTime",
    "TrainingJobStatusCounters",
    "ObjectiveStatusCounters",
)
_OBJECTIVE = "FinalHyperParameterTuningJobObjectiveMetric"


class EndedTuningJob:
    """A tuning job that ended in an earlier run of an offline AWS whose state is kept."""

    def __init__(self, described: dict[str, Any], summaries: list[dict[str, Any]]) -> None:
        self._described, self._summaries = described, summaries
        self.name: str = described["HyperParameterTuningJobName"]
        self.arn: str = described["HyperParameterTuningJobArn"]
        self.status: str = described["HyperParameterTuningJobStatus"]
        self.created: datetime = described["CreationTime"]
        self.modified: datetime = described["LastModifiedTime"]

    def describe(self) -> dict[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob."""
        return self._described

    def summaries(self) -> list[dict[str, Any]]:
        """Return the summaries of all training jobs, the first first."""
        return self._summaries

    def stop(self) -> None:
        """Do nothing: the job has ended."""

    def join(self) -> None:
        """Return at once: the job has ended."""


class TuningJobs:
    """All tuning jobs of one offline AWS."""

    def __init__(self, context: Context, tags: Tags, jobs: Jobs) -> None:
        self._context, self._tags, self._training = context, tags, jobs
        self._jobs: dict[str, TuningJob | EndedTuningJob] = {}

    def state(self) -> list[dict[str, Any]]:
        """Return all tuning jobs as JSON values and times."""
        return [{"described": job.describe(), "summaries": job.summaries()} for job in self._jobs.values()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take over what `state` returned."""
        for item in state:
            job = EndedTuningJob(item["described"], item["summaries"])
            self._jobs[job.name] = job

    def _find(self, request: dict[str, Any]) -> TuningJob | EndedTuningJob:
        name = request["HyperParameterTuningJobName"]
        try:
            return self._jobs[name]
        except KeyError:
            raise not_found(
                f"Amazon SageMaker can't find a tuning job with the name {name}. Check that you specified the correct "
                "tuning job name, and that the tuning job is in the same region as your request."
            ) from None

    def create_hyper_parameter_tuning_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a tuning job."""
        parents = self._check(request)
        name = request["HyperParameterTuningJobName"]
        with self._context.lock:
            if name in self._jobs:
                raise in_use(
                    "Hyperparameter tuning job names must be unique within an AWS account and region, and a tuning "
                    f"job named {name} already exists."
                )
            job = TuningJob(self._context, request, self._training.start_training, parents)
            self._jobs[name] = job
            self._tags.set(job.arn, request)
            job.start()
        return {"HyperParameterTuningJobArn": job.arn}

    def _check(self, request: dict[str, Any]) -> list[FinishedSearch]:
        """Reject what AWS rejects, and by name what is not offered here; return the parents of a warm start."""
        problems = [*_not_offered(request)]
        if problems:
            raise invalid(" ".join(problems))
        problems = [f"{problem.message} ({problem.path})." for problem in tuning_job_problems(request)]
        problems += _objective_problems(request, self._context.programs)
        parents = [
            self._find({"HyperParameterTuningJobName": item.get("HyperParameterTuningJobName", "")})
            for item in (request.get("WarmStartConfig") or {}).get("ParentHyperParameterTuningJobs", [])
        ]
        described = [parent.describe() for parent in parents]
        problems += [f"{problem.message} ({problem.path})." for problem in warm_start_problems(request, described)]
        if problems:
            raise invalid(" ".join(problem[:1].upper() + problem[1:] for problem in problems))
        check_training(training_request(request, "checked", {}))
        return [*parents]

    def describe_hyper_parameter_tuning_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a tuning job."""
        return self._find(request).describe()

    def list_hyper_parameter_tuning_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        """List tuning jobs by name, status and time."""
        found = [
            job
            for job in list(self._jobs.values())
            if request.get("NameContains", "").lower() in job.name.lower()
            and request.get("StatusEquals", job.status) == job.status
            and within(request, job.created, "CreationTimeAfter", "CreationTimeBefore")
            and within(request, job.modified, "LastModifiedTimeAfter", "LastModifiedTimeBefore")
        ]
        keys = {"Name": lambda job: job.name, "CreationTime": lambda job: job.created, "Status": lambda job: job.status}
        listed = [_summary(job.describe()) for job in in_order(found, request, keys, "Ascending")]
        return page(listed, request, "HyperParameterTuningJobSummaries", default=10)

    def list_training_jobs_for_hyper_parameter_tuning_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """List the training jobs of a tuning job by name, status, time or result."""
        found = [
            item
            for item in self._find(request).summaries()
            if request.get("StatusEquals", item["TrainingJobStatus"]) == item["TrainingJobStatus"]
            and (request.get("SortBy") != "FinalObjectiveMetricValue" or item[_OBJECTIVE])
        ]
        keys = {
            "Name": lambda item: item["TrainingJobName"],
            "CreationTime": lambda item: item["CreationTime"],
            "Status": lambda item: item["TrainingJobStatus"],
            "FinalObjectiveMetricValue": lambda item: item[_OBJECTIVE]["Value"],
        }
        return page(in_order(found, request, keys, "Ascending"), request, "TrainingJobSummaries", default=10)

    def stop_hyper_parameter_tuning_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a tuning job and its training jobs to stop."""
        job = self._find(request)
        if job.status in TERMINAL:
            raise invalid(f"The request was rejected because the tuning job {job.name} is in status {job.status}.")
        job.stop()
        return {}

    def delete_hyper_parameter_tuning_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a tuning job that has ended; its training jobs stay."""
        job = self._find(request)
        if job.status not in TERMINAL:
            raise invalid(f"The request was rejected because the tuning job {job.name} is in status {job.status}.")
        with self._context.lock:
            self._jobs.pop(job.name, None)
            self._tags.drop(job.arn)
        return {}

    def stop_all(self) -> None:
        """Stop every tuning job and wait for its end."""
        running = [job for job in list(self._jobs.values()) if job.status not in TERMINAL]
        for job in running:
            job.stop()
        for job in running:
            job.join()


def _summary(described: dict[str, Any]) -> dict[str, Any]:
    config = described["HyperParameterTuningJobConfig"]
    return {
        **{member: described[member] for member in _SUMMARY},
        "Strategy": config["Strategy"],
        "ResourceLimits": config["ResourceLimits"],
    }


def _not_offered(request: dict[str, Any]) -> Iterator[str]:
    """Yield what AWS has and the offline AWS does not."""
    if request.get("Autotune") or request["HyperParameterTuningJobConfig"].get("ParameterRanges", {}).get(
        "AutoParameters"
    ):
        yield "Autotune is not offered by the offline AWS: give the ranges."
    if request.get("TrainingJobDefinitions"):
        yield "TrainingJobDefinitions is not offered by the offline AWS: give one TrainingJobDefinition."
    elif not request.get("TrainingJobDefinition"):
        yield "TrainingJobDefinition is required."
    elif request["TrainingJobDefinition"].get("CheckpointConfig"):
        # All training jobs would share one place, and go on with each other's weights.
        yield "CheckpointConfig of a tuning job is not offered by the offline AWS."
    if find_spec("optuna") is None:
        # An environment that was set up before tuning jobs were offered.
        yield "A tuning job offline needs Optuna, which is not installed; run: pip install 'groundloop[local]'."
    if not request["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective"):
        yield "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective is required."


def _objective_problems(request: dict[str, Any], programs: Any) -> Iterator[str]:
    """Yield what is wrong with the objective metric and its definition."""
    objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    specification = request["TrainingJobDefinition"]["AlgorithmSpecification"]
    metric, direction = objective["MetricName"], objective["Type"]
    try:
        program: ImageStandIn | None = program_for(specification.get("TrainingImage", ""), programs)
    except JobError:
        program = None
    if program and program.objectives:
        if specification.get("MetricDefinitions"):
            yield (
                "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry your request "
                "without specifying metric definitions."
            )
        if metric not in program.objectives:
            yield (
                f"The objective metric for the hyperparameter tuning job, [{metric}], isn't valid for the algorithm. "
                f"Choose a valid objective metric: {', '.join(program.objectives)}."
            )
        elif direction != program.objectives[metric]:
            yield (
                f"The objective metric type, [{direction}], that you specified for objective metric, [{metric}], isn't "
                "valid for the algorithm. Choose a valid objective metric type."
            )
    elif metric_pattern(metric, specification, programs) is None:
        yield f"The objective metric [{metric}] is not defined by MetricDefinitions of AlgorithmSpecification."
