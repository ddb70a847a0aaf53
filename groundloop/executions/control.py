"""Start an execution, follow its steps, stop it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from groundloop.aws import client, error_code, offline_endpoint
from groundloop.errors import UserError
from groundloop.suggestions import near_misses

RUNNING = {"Executing", "Stopping", "Starting"}
# Metadata key of a job step to the CloudWatch log group of its jobs.
_LOG_GROUPS = {
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
}
_MISSING = {"ResourceNotFound", "ValidationException"}
# A broken connection is no reason to leave an execution of hours unwatched.
_LOST_SECONDS = 300


@dataclass(frozen=True)
class Transition:
    """A step's change of status, as one line of the log.

    Attributes:
        seconds: how long the step took; None while it runs.
        kind: ``TrainingJob``, ``ProcessingJob`` or ``TransformJob`` of a step that runs a job, else another key of the
            step's Metadata or nothing.
        job: name of the job, or of what else the step made (a model package: ``group/version``).
        reason: why the step failed.
    """

    step: str
    status: str
    seconds: float | None
    cached: bool
    attempt: int
    kind: str = ""
    job: str = ""
    reason: str = ""

    @property
    def log_group(self) -> str:
        """CloudWatch group of the job's log; empty for a step that runs no job."""
        return _LOG_GROUPS.get(self.kind, "")


@dataclass(frozen=True)
class Outcome:
    """How an execution ended; ``reason`` is a line per failed step, ``failed`` those steps' last transitions."""

    arn: str
    status: str
    reason: str
    seconds: float
    failed: tuple[Transition, ...] = ()

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
    definition = json.loads(_described(region, pipeline)["PipelineDefinition"])
    declared = {parameter["Name"]: parameter for parameter in definition["Parameters"]}
    parameters = [_parameter(assignment, declared) for assignment in assignments]
    answer = sagemaker.start_pipeline_execution(PipelineName=pipeline, PipelineParameters=parameters)
    return str(answer["PipelineExecutionArn"])


def _described(region: str, pipeline: str) -> dict[str, Any]:
    try:
        described: dict[str, Any] = client("sagemaker", region).describe_pipeline(PipelineName=pipeline)
    except ClientError as error:
        if error_code(error) == "ResourceNotFound":
            raise UserError(f"there is no pipeline {pipeline!r} in {region}: run `groundloop upsert` first") from None
        raise
    return described


def _parameter(assignment: str, declared: dict[str, dict[str, Any]]) -> dict[str, str]:
    name, equals, value = assignment.partition("=")
    if not equals:
        raise UserError(f"-p {assignment}: write it as -p Name=Value")
    if name not in declared:
        near = near_misses(name, declared, count=1)
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


def resolve(region: str, pipeline: str, execution: str | None) -> str:
    """The ARN of an execution that is given by its ARN or by the id at its end; of the newest when none is.

    Raises:
        UserError: there is no such execution.
    """
    if execution is None:
        return latest(region, pipeline)
    arn = execution
    if not execution.startswith("arn:"):
        if not re.fullmatch(r"[a-zA-Z0-9-]{1,64}", execution):
            raise UserError(f"{execution!r} is no execution: give its ARN, or its id as `groundloop runs` shows it")
        arn = f"{_described(region, pipeline)['PipelineArn']}/execution/{execution}"
    try:
        client("sagemaker", region).describe_pipeline_execution(PipelineExecutionArn=arn)
    except ClientError as error:
        if error_code(error) not in _MISSING:
            raise
        raise UserError(
            f"pipeline {pipeline!r} has no execution {execution}: `groundloop runs` lists those that there are"
        ) from None
    return arn


def running(region: str, pipeline: str) -> list[str]:
    """ARNs of the executions that have not ended, newest first."""
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
        if error_code(error) not in _MISSING:
            raise
        raise UserError(f"there is no pipeline {pipeline!r} in {region}: run `groundloop upsert` first") from None


def watch(region: str, arn: str, tell: Callable[[Transition], None]) -> Outcome:
    """Follow an execution to its end; ``tell`` gets every change of a step's status once, in order of time.

    The outcome's reason is that of the steps that failed: the execution's own only says that some did.
    """
    sagemaker = client("sagemaker", region)
    teller = _Teller(tell)
    # The offline AWS is asked often, since its steps take seconds; AWS throttles and its steps take minutes.
    pause = 0.3 if offline_endpoint() else 5.0
    lost_since: float | None = None
    while True:
        try:
            execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            found = list(steps(region, arn))
        except (NoConnectionError, HTTPClientError):
            lost_since = lost_since or time.monotonic()
            if offline_endpoint() or time.monotonic() - lost_since > _LOST_SECONDS:
                raise
            time.sleep(pause)
            continue
        lost_since = None
        ended = execution["PipelineExecutionStatus"] not in RUNNING
        for step in found:
            teller.saw(step, last_look=ended)
        if ended:
            seconds = (execution["LastModifiedTime"] - execution["CreationTime"]).total_seconds()
            failed = tuple(transition(step) for step in found if step["StepStatus"] == "Failed")
            reasons = [f"{step.step} failed: {step.reason}" for step in failed]
            reason = "\n".join(reasons) or execution.get("FailureReason", "")
            return Outcome(arn, execution["PipelineExecutionStatus"], reason, seconds, failed)
        time.sleep(pause)


class _Teller:
    """Tells each change once. AWS names a step's job a moment after the step began: that change waits for one look."""

    def __init__(self, tell: Callable[[Transition], None]) -> None:
        self._tell = tell
        self._told: set[tuple[str, int, str]] = set()
        self._waiting: dict[str, Transition] = {}

    def saw(self, step: dict[str, Any], last_look: bool) -> None:
        change = transition(step)
        if change.status == "Starting":
            return
        waited = self._waiting.pop(change.step, None)
        key = (change.step, change.attempt, change.status)
        if waited and (waited.step, waited.attempt, waited.status) != key:
            self._tell(waited)
        elif waited:
            self._tell(change)
            return
        if key in self._told:
            return
        self._told.add(key)
        if change.status == "Executing" and not change.job and not last_look:
            self._waiting[change.step] = change
        else:
            self._tell(change)


def steps(region: str, arn: str) -> Iterator[dict[str, Any]]:
    """The steps that an execution has begun, oldest first, as ListPipelineExecutionSteps gives them."""
    pages = client("sagemaker", region).get_paginator("list_pipeline_execution_steps")
    for page in pages.paginate(PipelineExecutionArn=arn, SortOrder="Ascending"):
        yield from page["PipelineExecutionSteps"]


def registered_package(region: str, arn: str) -> str | None:
    """Return the ARN of the model package that an execution registered; None when it did not get that far."""
    packages = (step.get("Metadata", {}).get("RegisterModel", {}).get("Arn") for step in steps(region, arn))
    return next((package for package in packages if package), None)


def stop(region: str, arn: str, patience_seconds: float = 60) -> str:
    """Ask an execution to stop, wait until it has, and return its last status."""
    sagemaker = client("sagemaker", region)
    status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
    if status == "Executing":
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    until = time.monotonic() + patience_seconds
    while status in RUNNING and time.monotonic() < until:
        time.sleep(0.3 if offline_endpoint() else 2.0)
        status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
    return str(status)


def transition(step: dict[str, Any]) -> Transition:
    """One item of ListPipelineExecutionSteps."""
    begun, ended = step.get("StartTime"), step.get("EndTime")
    kind, arn = next(
        ((kind, data["Arn"]) for kind, data in step.get("Metadata", {}).items() if "Arn" in data), ("", "")
    )
    return Transition(
        step=step["StepName"],
        status=step["StepStatus"],
        seconds=(ended - begun).total_seconds() if begun and ended else None,
        cached="CacheHitResult" in step,
        # 1 for the first; a step that has only just begun, or came from the cache, counts none yet.
        attempt=max(1, step.get("AttemptCount", 1)),
        kind=kind,
        job=arn.partition("/")[2],
        reason=step.get("FailureReason", "no reason was given") if step["StepStatus"] == "Failed" else "",
    )
