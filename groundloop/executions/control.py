"""Start and stop executions of a pipeline, and list their steps."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code, is_not_found, poll_seconds
from groundloop.errors import UserError
from groundloop.spec.definition import Definition, Parameter, parse_definition
from groundloop.spec.tuning_steps import tuning_step_problems
from groundloop.suggestions import near_misses

#: Statuses of an execution, or of a step, that has not ended.
RUNNING = {"Executing", "Stopping", "Starting"}
#: Statuses of an execution in which a step failed. `CompletedWithFailures`: other steps waited for that, and ran.
FAILED = {"Failed", "CompletedWithFailures"}
# How the text begins that says in an execution's description why a job was stopped.
_STOPPED_BY_WATCH = "training.watch.stop_on stopped "
_MAX_DESCRIPTION_LENGTH = 3072
# CloudWatch log group of a step's jobs, by the step's key in `Metadata`.
_LOG_GROUPS = {
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
}


@dataclass(frozen=True)
class Transition:
    """A change of a step's status.

    Attributes:
        step: name of the step.
        status: its new status.
        seconds: its duration; None while it runs.
        cached: whether its result was reused: from the cache, or by a selective execution.
        attempt: 1 for the first, one more for each retry.
        kind: key of the step's `Metadata`: `TrainingJob`, `ProcessingJob` or `TransformJob` for a step that runs a job,
            another key for a step that creates something else; empty if there is none.
        job: name of the job, or of the other resource (a model package: `group/version`).
        reason: why the step failed; empty if it did not fail.
        condition_met: outcome of a Condition step; None for other steps, and before it is known.
        started: when the step started.
        offset: seconds from the start of the execution to this change.
    """

    step: str
    status: str
    seconds: float | None
    cached: bool
    attempt: int
    kind: str = ""
    job: str = ""
    reason: str = ""
    condition_met: bool | None = None
    started: datetime | None = None
    offset: float = 0.0

    @property
    def log_group(self) -> str:
        """CloudWatch log group of the job; empty for a step that runs no job."""
        return _LOG_GROUPS.get(self.kind, "")


def start(
    region: str, pipeline: str, assignments: Sequence[str], *, name: str | None = None, token: str | None = None
) -> str:
    """Start an execution and return its ARN.

    Args:
        region: AWS region.
        pipeline: name of the pipeline.
        assignments: `Name=Value` for pipeline parameters; the others keep their defaults.
        name: display name of the execution.
        token: requests with the same one start one execution, 32 to 128 characters; None: each starts one.

    Raises:
        UserError: there is no such pipeline or parameter, or a value is not allowed.
    """
    sagemaker = client("sagemaker", region)
    definition, _ = parse_definition(json.loads(_describe(region, pipeline)["PipelineDefinition"]))
    parameters = [_parameter(assignment, definition.parameters) for assignment in assignments]
    if parameters:
        _check_searches(definition, parameters)
    request: dict[str, Any] = {"PipelineName": pipeline, "PipelineParameters": parameters}
    request |= {"PipelineExecutionDisplayName": name} if name else {}
    request |= {"ClientRequestToken": token} if token else {}
    answer = sagemaker.start_pipeline_execution(**request)
    return str(answer["PipelineExecutionArn"])


def _describe(region: str, pipeline: str) -> dict[str, Any]:
    try:
        response: dict[str, Any] = client("sagemaker", region).describe_pipeline(PipelineName=pipeline)
    except ClientError as error:
        if error_code(error) == "ResourceNotFound":
            raise no_pipeline(region, pipeline) from None
        raise
    return response


def no_pipeline(region: str, pipeline: str) -> UserError:
    """Return the error of a pipeline that does not exist."""
    return UserError(f"there is no pipeline {pipeline!r} in {region}: run `groundloop upsert` first")


def _check_searches(definition: Definition, parameters: Sequence[Mapping[str, str]]) -> None:
    """Reject values with which a Tuning step would fail only once the steps before it have been paid for."""
    kinds = {"Integer": int, "Float": float}
    given = {
        item["Name"]: kinds.get(definition.parameters[item["Name"]].type or "", str)(item["Value"])
        for item in parameters
    }
    always, now = (list(tuning_step_problems(definition, values)) for values in ({}, given))
    if new := [f"{step.name}: {item.message}; {item.remedy}" for step, item in now if (step, item) not in always]:
        raise UserError(*new)


def _parameter(assignment: str, declared: Mapping[str, Parameter]) -> dict[str, str]:
    name, equals, value = assignment.partition("=")
    if not equals:
        raise UserError(f"-p {assignment}: write it as -p Name=Value")
    if name not in declared:
        near = near_misses(name, declared, count=1)
        hint = f"did you mean {near[0]}?" if near else f"parameters: {', '.join(declared)}"
        raise UserError(f"-p {assignment}: the pipeline has no parameter {name!r}; {hint}")
    choices = declared[name].values
    if choices and value not in map(str, choices):
        raise UserError(f"-p {assignment}: {name} must be one of {', '.join(map(str, choices))}")
    kind = declared[name].type
    try:
        {"Integer": int, "Float": float}.get(kind or "String", str)(value)
    except ValueError:
        raise UserError(f"-p {assignment}: {name} is of type {kind}") from None
    return {"Name": name, "Value": value}


def latest(region: str, pipeline: str) -> str:
    """Return the ARN of the newest execution of a pipeline.

    Raises:
        UserError: there is no such pipeline, or it has no execution.
    """
    try:
        newest = client("sagemaker", region).list_pipeline_executions(
            PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
        )["PipelineExecutionSummaries"]
    except ClientError as error:
        if not is_not_found(error):
            raise
        raise no_pipeline(region, pipeline) from None
    if not newest:
        raise UserError(f"pipeline {pipeline!r} has no execution yet: run `groundloop start --name {pipeline}`")
    return str(newest[0]["PipelineExecutionArn"])


def resolve(region: str, pipeline: str, execution: str | None) -> str:
    """Return the ARN of an execution.

    Args:
        region: AWS region.
        pipeline: name of the pipeline.
        execution: its ARN, or the identifier at the end of it; None for the newest execution.

    Raises:
        UserError: there is no such execution.
    """
    if execution is None:
        return latest(region, pipeline)
    arn = execution
    if not execution.startswith("arn:"):
        if not re.fullmatch(r"[a-zA-Z0-9-]{1,64}", execution):
            raise UserError(f"{execution!r} is not an execution: give its ARN, or its id as `groundloop runs` shows it")
        arn = f"{_describe(region, pipeline)['PipelineArn']}/execution/{execution}"
    try:
        client("sagemaker", region).describe_pipeline_execution(PipelineExecutionArn=arn)
    except ClientError as error:
        if not is_not_found(error):
            raise
        raise UserError(
            f"pipeline {pipeline!r} has no execution {execution}: `groundloop runs` lists its executions"
        ) from None
    return arn


def running(region: str, pipeline: str) -> list[str]:
    """Return the ARNs of the executions that have not ended, newest first.

    Raises:
        UserError: there is no such pipeline.
    """
    pages = client("sagemaker", region).get_paginator("list_pipeline_executions")
    try:
        return [
            str(summary["PipelineExecutionArn"])
            for page in pages.paginate(
                PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", PaginationConfig={"PageSize": 100}
            )
            for summary in page["PipelineExecutionSummaries"]
            if summary["PipelineExecutionStatus"] in RUNNING
        ]
    except ClientError as error:
        if not is_not_found(error):
            raise
        raise no_pipeline(region, pipeline) from None


def steps(region: str, arn: str) -> Iterator[dict[str, Any]]:
    """Yield the steps that an execution has started, oldest first, as ListPipelineExecutionSteps returns them."""
    pages = client("sagemaker", region).get_paginator("list_pipeline_execution_steps")
    for page in pages.paginate(PipelineExecutionArn=arn, SortOrder="Ascending"):
        yield from page["PipelineExecutionSteps"]


def registered_package(region: str, arn: str) -> str | None:
    """Return the ARN of the model package that an execution registered; None if it registered none."""
    packages = (step.get("Metadata", {}).get("RegisterModel", {}).get("Arn") for step in steps(region, arn))
    return next((package for package in packages if package), None)


def stop(region: str, arn: str, timeout_seconds: float = 60) -> str:
    """Stop an execution and wait until it has stopped.

    Args:
        region: AWS region.
        arn: ARN of the execution.
        timeout_seconds: how long to wait.

    Returns:
        Its last status, `Stopping` if it has not stopped in time.
    """
    sagemaker = client("sagemaker", region)
    status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
    if status == "Executing":
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    deadline = time.monotonic() + timeout_seconds
    while status in RUNNING and time.monotonic() < deadline:
        time.sleep(poll_seconds(2))
        status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
    return str(status)


def stop_training_job(region: str, job: str) -> bool:
    """Stop a training job; return False if it had already ended by itself."""
    try:
        client("sagemaker", region).stop_training_job(TrainingJobName=job)
    except ClientError as error:
        if error_code(error) != "ValidationException":
            raise
        return False
    return True


def write_stop_reason(region: str, arn: str, reason: str) -> None:
    """Append to an execution's description why a job of it was stopped.

    StopTrainingJob takes no reason, and the step's own says only that its job was stopped.

    Args:
        region: AWS region.
        arn: ARN of the execution.
        reason: a text of `stopped_by_watch`.
    """
    sagemaker = client("sagemaker", region)
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    texts = [described.get("PipelineExecutionDescription", ""), reason]
    description = " ".join(filter(None, texts))[:_MAX_DESCRIPTION_LENGTH]
    sagemaker.update_pipeline_execution(PipelineExecutionArn=arn, PipelineExecutionDescription=description)


def stopped_by_watch(job: str, finding: str) -> str:
    """Return the line that says on which finding the training watch stopped a job."""
    return f"{_STOPPED_BY_WATCH}{job}: {finding}"


def stop_reason(described: Mapping[str, Any]) -> str:
    """Return why the training watch stopped a job of an execution; empty if it stopped none.

    Args:
        described: an answer of DescribePipelineExecution.
    """
    _, mark, text = described.get("PipelineExecutionDescription", "").partition(_STOPPED_BY_WATCH)
    return f"{mark}{text}"


def transition(step: dict[str, Any], execution_started: datetime | None = None) -> Transition:
    """Return an item of ListPipelineExecutionSteps as a transition.

    Args:
        step: the item.
        execution_started: when the execution started, for `offset`.
    """
    started, ended = step.get("StartTime"), step.get("EndTime")
    changed = ended or started
    outcome = step.get("Metadata", {}).get("Condition", {}).get("Outcome")
    kind, arn = next(
        ((kind, data["Arn"]) for kind, data in step.get("Metadata", {}).items() if "Arn" in data), ("", "")
    )
    return Transition(
        step=step["StepName"],
        status=step["StepStatus"],
        seconds=(ended - started).total_seconds() if started and ended else None,
        cached=_is_reused(step),
        # A step that has just started, or came from the cache, has no AttemptCount yet, or 0.
        attempt=max(1, step.get("AttemptCount", 1)),
        kind=kind,
        job=arn.partition("/")[2],
        reason=step.get("FailureReason", "no reason was given") if step["StepStatus"] == "Failed" else "",
        condition_met=None if outcome is None else outcome == "True",
        started=started,
        offset=(changed - execution_started).total_seconds() if changed and execution_started else 0.0,
    )


def _is_reused(step: dict[str, Any]) -> bool:
    # Steps that ran have a CacheHitResult too in some answers, whose ARN is empty.
    sources = (step.get(member) or {} for member in ("CacheHitResult", "SelectiveExecutionResult"))
    return any(source.get("SourcePipelineExecutionArn") for source in sources)
