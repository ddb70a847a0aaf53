"""Executions of a pipeline as runs: what SageMaker describes, and the files that Prepare and Evaluate left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.executions.content import read_execution
from groundloop.executions.control import Transition
from groundloop.executions.logs import JobLog
from groundloop.s3 import join_uri, read_bytes
from groundloop.spec.training_log import LOG_PHRASES, TrainingLog
from groundloop.tracking.content import (
    EVALUATION_FILES,
    curve_metrics,
    curve_of,
    data_params,
    evaluation_metrics,
    gate_tags,
    pipeline_of,
    training_params,
)
from groundloop.tracking.run import EXECUTION_TAG, TRAINING_JOB_TAG, Metric, Status, TrackedRun

_STATUS: dict[str, Status] = {"Succeeded": "FINISHED", "Failed": "FAILED", "Stopped": "KILLED"}
_JOB_STATUS: dict[str, Status] = {"Completed": "FINISHED", "Failed": "FAILED", "Stopped": "KILLED"}
_LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def run_of_execution(region: str, arn: str) -> TrackedRun:
    """Return an execution as a run, however far it got.

    Args:
        region: AWS region.
        arn: ARN of the execution.
    """
    content = read_execution(region, arn)
    described, definition, changes = content.described, content.definition, content.changes
    evaluation, files = _evaluation(region, content.evaluation_prefix)
    summary, training = content.summary, content.training
    status = _STATUS.get(described["PipelineExecutionStatus"], "RUNNING")
    params = {f"parameter.{name}": value for name, value in content.parameters.items()}
    params |= {f"code.{name}": digest for name, digest in content.code.items()}
    metrics: list[Metric] = []
    tags = {"groundloop.pipeline": pipeline_of(arn)}
    if summary is not None:
        params |= data_params(summary)
    if training is not None:
        params |= training_params(training)
        tags["groundloop.training-job"] = training["TrainingJobName"]
    if evaluation is not None:
        metrics += evaluation_metrics(evaluation)
        tags |= gate_tags(evaluation)
    if training is not None:
        metrics += curve_metrics(curve_of(evaluation or {}) or _logged_curve(region, training["TrainingJobName"]))
    if content.package:
        tags["groundloop.package"] = content.package
    if status == "FAILED":
        reasons = [f"{change.step}: {change.reason}" for change in changes.values() if change.reason]
        tags["groundloop.failure"] = "; ".join(reasons) or described.get("FailureReason", "")
    return TrackedRun(
        tag=EXECUTION_TAG,
        identity=arn,
        name=arn.rpartition("/")[2],
        status=status,
        started=described["CreationTime"],
        ended=None if status == "RUNNING" else described["LastModifiedTime"],
        params=params,
        tags=tags,
        metrics=tuple(metrics),
        artifacts={
            **files,
            "pipeline.json": json.dumps(json.loads(definition), indent=2).encode(),
            **({} if summary is None else {"summary.json": json.dumps(summary, indent=2).encode()}),
        },
        children=tuple(tuning_runs(region, arn, changes.values())),
    )


def _evaluation(region: str, prefix: str | None) -> tuple[dict[str, Any] | None, dict[str, bytes]]:
    """Return the content of evaluation.json, and the files that are there."""
    if prefix is None:
        return None, {}
    files = {}
    for name in EVALUATION_FILES:
        try:
            files[name] = read_bytes(client("s3", region), join_uri(prefix, name))
        except UserError:
            if name == EVALUATION_FILES[0]:
                raise
            continue  # an execution of an earlier release left fewer
    try:
        evaluation: dict[str, Any] = json.loads(files[EVALUATION_FILES[0]])
    except (ValueError, RecursionError) as error:
        raise UserError(f"{join_uri(prefix, EVALUATION_FILES[0])} is not JSON: {error}") from None
    return evaluation, files


def _logged_curve(region: str, job: str) -> list[dict[str, Any]]:
    """Return the training curve from the job's log; empty where the log can't be read, or is gone."""
    try:
        epochs = TrainingLog(JobLog(region, _LOG_GROUP, job).containing(*LOG_PHRASES)).epochs
    except ClientError:
        return []
    return [{**asdict(epoch), "epoch": epoch.number} for epoch in epochs]


def tuning_runs(region: str, arn: str, changes: Iterable[Transition]) -> Iterator[TrackedRun]:
    """Yield a run for each training job of an execution's searches for hyperparameters.

    Args:
        region: AWS region.
        arn: ARN of the execution; executions that reuse a search from the cache have runs of their own.
        changes: its steps.
    """
    pages = client("sagemaker", region).get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    for change in changes:
        if change.kind == "TuningJob":
            for page in pages.paginate(HyperParameterTuningJobName=change.job):
                yield from (_run_of_tuning(arn, job) for job in page["TrainingJobSummaries"])


def _run_of_tuning(arn: str, job: Mapping[str, Any]) -> TrackedRun:
    objective = job.get("FinalHyperParameterTuningJobObjectiveMetric")
    metric = (Metric(objective["MetricName"].replace(":", "/"), float(objective["Value"])),) if objective else ()
    return TrackedRun(
        tag=TRAINING_JOB_TAG,
        identity=f"{arn.rpartition('/')[2]}/{job['TrainingJobName']}",
        name=job["TrainingJobName"],
        status=_JOB_STATUS.get(job["TrainingJobStatus"], "RUNNING"),
        started=job.get("TrainingStartTime", job["CreationTime"]),
        ended=job.get("TrainingEndTime"),
        params=dict(job.get("TunedHyperParameters") or {}),
        tags={"groundloop.failure": job["FailureReason"]} if job.get("FailureReason") else {},
        metrics=metric,
    )
