"""Start an execution, follow its steps, stop it."""

from __future__ import annotations

import difflib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labels.errors import UserError
from pipeline.aws import client, error_code, offline_endpoint

_RUNNING = {"Executing", "Stopping", "Starting"}
# Metadata key of a job step to the CloudWatch log group of its jobs.
_LOG_GROUPS = {
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
}


@dataclass(frozen=True)
class Transition:
    """A step's change of status, as one line of the log."""

    step: str
    status: str
    seconds: float | None
    cached: bool
    attempt: int
    job: str
    log_group: str


@dataclass(frozen=True)
class Outcome:
    """How an execution ended; ``reason`` is a line per failed step."""

    arn: str
    status: str
    reason: str
    seconds: float

    @property
    def succeeded(self) -> bool:
        return self.status == "Succeeded"


def start(region: str, pipeline: str, assignments: Sequence[str]) -> str:
    """Start an execution and return its ARN.

    Args:
        assignments: ``Name=Value`` texts for the pipeline's parameters.

    Raises:
        UserError: no such pipeline or parameter, or a value that isn't allowed.
    """
    sagemaker = client("sagemaker", region)
    try:
        definition = json.loads(sagemaker.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"])
    except ClientError as error:
        if error_code(error) == "ResourceNotFound":
            raise UserError(f"there is no pipeline {pipeline!r} in {region}: run `groundloop upsert` first") from None
        raise
    declared = {parameter["Name"]: parameter for parameter in definition["Parameters"]}
    parameters = [_parameter(assignment, declared) for assignment in assignments]
    answer = sagemaker.start_pipeline_execution(PipelineName=pipeline, PipelineParameters=parameters)
    return str(answer["PipelineExecutionArn"])


def _parameter(assignment: str, declared: dict[str, dict[str, Any]]) -> dict[str, str]:
    name, equals, value = assignment.partition("=")
    if not equals:
        raise UserError(f"-p {assignment}: write it as -p Name=Value")
    if name not in declared:
        near = difflib.get_close_matches(name, declared, n=1)
        there = f"did you mean {near[0]}?" if near else f"parameters: {', '.join(declared)}"
        raise UserError(f"-p {assignment}: the pipeline has no parameter {name!r}; {there}")
    choices = declared[name].get("EnumValues")
    if choices and value not in choices:
        raise UserError(f"-p {assignment}: {name} must be one of {', '.join(choices)}")
    kind = declared[name]["Type"]
    try:
        {"Integer": int, "Float": float}.get(kind, str)(value)
    except ValueError:
        raise UserError(f"-p {assignment}: {name} is of type {kind}") from None
    return {"Name": name, "Value": value}


def latest(region: str, pipeline: str) -> str:
    """ARN of the newest execution of a pipeline."""
    found = client("sagemaker", region).list_pipeline_executions(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )["PipelineExecutionSummaries"]
    if not found:
        raise UserError(f"pipeline {pipeline!r} has no execution yet: run `groundloop start`")
    return str(found[0]["PipelineExecutionArn"])


def watch(region: str, arn: str, tell: Callable[[Transition], None]) -> Outcome:
    """Follow an execution to its end; ``tell`` gets every change of a step's status once, in order of time.

    The outcome's reason is that of the steps that failed: the execution's own only says that some did.
    """
    sagemaker = client("sagemaker", region)
    told: set[tuple[str, int, str]] = set()
    failed: dict[str, str] = {}
    # The offline AWS is asked often, since its steps take seconds; AWS throttles and its steps take minutes.
    pause = 0.3 if offline_endpoint() else 5.0
    while True:
        execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        for step in steps(region, arn):
            change = (step["StepName"], _attempt(step), step["StepStatus"])
            if step["StepStatus"] != "Starting" and change not in told:
                told.add(change)
                tell(_transition(step))
                if step["StepStatus"] == "Failed":
                    failed[step["StepName"]] = step.get("FailureReason", "no reason was given")
        status = execution["PipelineExecutionStatus"]
        if status not in _RUNNING:
            seconds = (execution["LastModifiedTime"] - execution["CreationTime"]).total_seconds()
            reasons = [f"{name} failed: {reason}" for name, reason in failed.items()]
            return Outcome(arn, status, "\n".join(reasons) or execution.get("FailureReason", ""), seconds)
        time.sleep(pause)


def steps(region: str, arn: str) -> Iterator[dict[str, Any]]:
    """The steps that an execution has begun, oldest first, as ListPipelineExecutionSteps gives them."""
    pages = client("sagemaker", region).get_paginator("list_pipeline_execution_steps")
    for page in pages.paginate(PipelineExecutionArn=arn, SortOrder="Ascending"):
        yield from page["PipelineExecutionSteps"]


def stop(region: str, arn: str, patience_seconds: float = 60) -> str:
    """Ask an execution to stop, wait until it has, and return its last status."""
    sagemaker = client("sagemaker", region)
    status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
    if status == "Executing":
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    until = time.monotonic() + patience_seconds
    while status in _RUNNING and time.monotonic() < until:
        time.sleep(0.3)
        status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
    return str(status)


def _attempt(step: dict[str, Any]) -> int:
    """1 for the first; a step that has only just begun, or came from the cache, counts none yet."""
    return max(1, step.get("AttemptCount", 1))


def _transition(step: dict[str, Any]) -> Transition:
    begun, ended = step.get("StartTime"), step.get("EndTime")
    kind, job = next(
        ((kind, data["Arn"].rsplit("/", 1)[-1]) for kind, data in step.get("Metadata", {}).items() if "Arn" in data),
        ("", ""),
    )
    return Transition(
        step=step["StepName"],
        status=step["StepStatus"],
        seconds=(ended - begun).total_seconds() if begun and ended else None,
        cached="CacheHitResult" in step,
        attempt=_attempt(step),
        job=job,
        log_group=_LOG_GROUPS.get(kind, ""),
    )
