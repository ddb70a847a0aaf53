"""List the executions of a pipeline: when they started, how they ended, which parameters they changed."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found
from groundloop.executions.control import FAILED, RUNNING, no_pipeline, steps
from groundloop.spec.definition import Parameter, parse_definition

# SageMaker throttles, and each execution in the list takes three calls.
_MAX_WORKERS = 4


@dataclass(frozen=True)
class Execution:
    """An execution of a pipeline.

    Attributes:
        arn: its ARN.
        started: when it started.
        status: `Executing`, `Succeeded`, `Failed`, `CompletedWithFailures`, `Stopping` or `Stopped`.
        seconds: its duration; until now if it has not ended.
        parameters: the parameters whose value is not the definition's default.
        failure: why it, or a step of it, failed, in one line; empty if none did.
    """

    arn: str
    started: datetime
    status: str
    seconds: float
    parameters: dict[str, str]
    failure: str

    @property
    def id(self) -> str:
        """The identifier at the end of the ARN."""
        return self.arn.rsplit("/", 1)[-1]


def list_arns(region: str, pipeline: str, limit: int) -> list[str]:
    """Return the ARNs of the newest executions of a pipeline, newest first.

    Raises:
        UserError: there is no such pipeline.
    """
    return [str(summary["PipelineExecutionArn"]) for summary in _newest(region, pipeline, limit)]


def list_executions(region: str, pipeline: str, limit: int) -> list[Execution]:
    """Return the newest executions of a pipeline, newest first.

    Args:
        region: AWS region.
        pipeline: name of the pipeline.
        limit: how many at most.

    Raises:
        UserError: there is no such pipeline.
    """
    newest = _newest(region, pipeline, limit)
    with ThreadPoolExecutor(_MAX_WORKERS) as pool:
        return list(pool.map(lambda summary: _describe(region, summary), newest))


def _newest(region: str, pipeline: str, limit: int) -> list[dict[str, Any]]:
    pages = client("sagemaker", region).get_paginator("list_pipeline_executions")
    paginated = pages.paginate(PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending")
    summaries = (summary for page in paginated for summary in page["PipelineExecutionSummaries"])
    try:
        return list(itertools.islice(summaries, limit))
    except ClientError as error:
        if is_not_found(error):
            raise no_pipeline(region, pipeline) from None
        raise


def _describe(region: str, summary: dict[str, Any]) -> Execution:
    arn, status, started = summary["PipelineExecutionArn"], summary["PipelineExecutionStatus"], summary["StartTime"]
    response = client("sagemaker", region).describe_pipeline_execution(PipelineExecutionArn=arn)
    until = datetime.now(timezone.utc) if status in RUNNING else response["LastModifiedTime"]
    return Execution(
        arn=arn,
        started=started,
        status=status,
        seconds=(until - started).total_seconds(),
        parameters=_changed_parameters(region, arn),
        failure=_failure(region, arn, response) if status in FAILED else "",
    )


def _changed_parameters(region: str, arn: str) -> dict[str, str]:
    sagemaker = client("sagemaker", region)
    response = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    declared = parse_definition(json.loads(response["PipelineDefinition"]))[0].parameters
    pages = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=arn)
    return {
        item["Name"]: item["Value"]
        for page in pages
        for item in page["PipelineParameters"]
        if not _is_default(item["Value"], declared.get(item["Name"]))
    }


def _is_default(value: str, declared: Parameter | None) -> bool:
    """Tell whether a value, which is always a string in the API, is the parameter's default."""
    if declared is None or declared.default is None:
        return False
    default = declared.default
    if declared.type in {"Integer", "Float"}:
        return float(value) == float(default)
    return value == str(default) or (declared.type == "Boolean" and value.lower() == str(default).lower())


def _failure(region: str, arn: str, response: dict[str, Any]) -> str:
    """Return the failure reasons of the failed steps, or the execution's own if no step failed."""
    failed = [step for step in steps(region, arn) if step["StepStatus"] == "Failed"]
    reasons = [f"{step['StepName']}: {step.get('FailureReason', 'no reason was given')}" for step in failed]
    return " ".join("; ".join(reasons or [response.get("FailureReason", "no reason was given")]).split())
