"""Tuning jobs: their training jobs with the values that were tried, what they reached, and why they ended."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from groundloop.aws import client, is_not_found
from groundloop.errors import UserError
from groundloop.executions.control import no_pipeline, steps
from groundloop.executions.logs import JobLog
from groundloop.spec.object_detection import HYPERPARAMETERS
from groundloop.spec.training_log import LOG_PHRASES, TrainingLog
from groundloop.spec.tuning import RANGE_LISTS, combinations
from groundloop.spec.tuning_search import SearchedJob, TuningSearch
from groundloop.suggestions import near_misses

_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_LOG_READERS = 8
# The most that the API gives at once; it gives 10 if it isn't asked.
_PAGE_SIZE = 100
# Executions are looked through for the newest search; older ones are given by name.
_MAX_EXECUTIONS = 50


def read_search(region: str, name: str, *, logs: bool = False) -> TuningSearch:
    """Read a tuning job and its training jobs.

    Args:
        region: AWS region.
        name: of the tuning job.
        logs: read the training jobs' logs too, for the number of their epochs.

    Raises:
        UserError: there is no such tuning job.
    """
    sagemaker = client("sagemaker", region)
    try:
        described = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    except ClientError as error:
        if not is_not_found(error):
            raise
        raise UserError(f"there is no tuning job {name!r} in {region}") from None
    jobs = list(searched_jobs(region, name))
    if logs:
        with ThreadPoolExecutor(_LOG_READERS) as pool:
            counts = pool.map(lambda job: _epochs_run(region, job), jobs)
            jobs = [replace(job, epochs=epochs) for job, epochs in zip(jobs, counts, strict=True)]
    config = described["HyperParameterTuningJobConfig"]
    definition = described.get("TrainingJobDefinition") or {}
    listed = config.get("ParameterRanges") or {}
    epochs = (definition.get("StaticHyperParameters") or {}).get("epochs", str(HYPERPARAMETERS["epochs"].default))
    return TuningSearch(
        name=name,
        arn=described["HyperParameterTuningJobArn"],
        status=described["HyperParameterTuningJobStatus"],
        reason=described.get("FailureReason", ""),
        strategy=config["Strategy"],
        metric=(config.get("HyperParameterTuningJobObjective") or {}).get("MetricName", ""),
        max_jobs=combinations(described)
        if config["Strategy"] == "Grid"
        else config["ResourceLimits"].get("MaxNumberOfTrainingJobs"),
        stops_early=config.get("TrainingJobEarlyStoppingType") == "Auto",
        tuned=tuple(item["Name"] for kind in RANGE_LISTS.values() for item in listed.get(kind) or []),
        epochs=int(epochs) if epochs.isdecimal() else None,
        ended=described.get("HyperParameterTuningEndTime"),
        jobs=tuple(jobs),
        best_name=(described.get("BestTrainingJob") or {}).get("TrainingJobName", ""),
        request=described,
    )


def searched_jobs(region: str, name: str) -> Iterator[SearchedJob]:
    """Yield the training jobs of a tuning job, in the order in which they were started."""
    pages = client("sagemaker", region).get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    for page in pages.paginate(
        HyperParameterTuningJobName=name,
        SortBy="CreationTime",
        SortOrder="Ascending",
        PaginationConfig={"PageSize": _PAGE_SIZE},
    ):
        for item in page["TrainingJobSummaries"]:
            value = (item.get("FinalHyperParameterTuningJobObjectiveMetric") or {}).get("Value")
            yield SearchedJob(
                name=item["TrainingJobName"],
                status=item["TrainingJobStatus"],
                values=dict(item.get("TunedHyperParameters") or {}),
                objective=None if value is None else float(value),
                pending=item["ObjectiveStatus"] == "Pending",
                reason=item.get("FailureReason", ""),
                started=item.get("TrainingStartTime"),
                ended=item.get("TrainingEndTime"),
            )


def searches(region: str, pipeline: str) -> Iterator[tuple[str, str]]:
    """Yield name and execution's ARN of each tuning job that a pipeline's executions ran, the newest first.

    Raises:
        UserError: there is no such pipeline.
    """
    pages = client("sagemaker", region).get_paginator("list_pipeline_executions")
    found: set[str] = set()
    try:
        executions = [
            str(summary["PipelineExecutionArn"])
            for page in pages.paginate(
                PipelineName=pipeline,
                SortBy="CreationTime",
                SortOrder="Descending",
                PaginationConfig={"MaxItems": _MAX_EXECUTIONS},
            )
            for summary in page["PipelineExecutionSummaries"]
        ]
    except ClientError as error:
        if not is_not_found(error):
            raise
        raise no_pipeline(region, pipeline) from None
    for execution in executions:
        for step in steps(region, execution):
            name = (step.get("Metadata", {}).get("TuningJob", {}).get("Arn") or "").rpartition("/")[2]
            if name and name not in found:  # a search from the cache belongs to several executions
                found.add(name)
                yield name, execution


def find_search(region: str, pipeline: str, name: str | None, *, logs: bool = False) -> TuningSearch:
    """Read a tuning job by its name, or the newest one of a pipeline.

    Args:
        region: AWS region.
        pipeline: name of the pipeline.
        name: of the tuning job; None for the newest.
        logs: as of `read_search`.

    Raises:
        UserError: there is none.
    """
    if name is None:
        newest = next(searches(region, pipeline), None)
        if newest is None:
            raise UserError(
                f"pipeline {pipeline!r} has run no search yet: name the one that has with --name, or with its "
                "configuration, such as --config configs/tune.yaml"
            )
        return read_search(region, newest[0], logs=logs)
    try:
        return read_search(region, name, logs=logs)
    except UserError as error:
        known = [found for found, _ in searches(region, pipeline)]
        near = near_misses(name, known, count=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else f"; {pipeline} ran {', '.join(known[:5])}" if known else ""
        raise UserError(f"{error}{hint}") from None


def best_objective(region: str, name: str) -> float | None:
    """Return the objective metric of a tuning job's best training job; None if it has none.

    Args:
        region: AWS region.
        name: of the tuning job.
    """
    described: dict[str, Any] = client("sagemaker", region).describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name
    )
    metric = (described.get("BestTrainingJob") or {}).get("FinalHyperParameterTuningJobObjectiveMetric") or {}
    return float(metric["Value"]) if "Value" in metric else None


def _epochs_run(region: str, job: SearchedJob) -> int | None:
    if job.started is None:
        return None
    try:
        return len(TrainingLog(JobLog(region, _LOG_GROUP, job.name).containing(LOG_PHRASES[0])).epochs)
    except (ClientError, BotoCoreError):
        return None  # an extra: without the permission for logs, the search is shown all the same
