"""The executions of a pipeline: when, how they ended, what was different about them."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.errors import UserError
from groundloop.executions.control import RUNNING, steps

# AWS throttles; a list of executions takes three calls each.
_AT_ONCE = 4


@dataclass(frozen=True)
class Run:
    """One execution.

    Attributes:
        seconds: how long it took; of one that runs, until now.
        parameters: those whose value is not the definition's default.
        failure: why it failed, in one line; empty if it did not.
    """

    arn: str
    started: datetime
    status: str
    seconds: float
    parameters: dict[str, str]
    failure: str

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]


def runs(region: str, pipeline: str, limit: int) -> list[Run]:
    """The newest executions of a pipeline, newest first.

    Raises:
        UserError: there is no such pipeline.
    """
    pages = client("sagemaker", region).get_paginator("list_pipeline_executions")
    listed = pages.paginate(PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending")
    summaries = (summary for page in listed for summary in page["PipelineExecutionSummaries"])
    try:
        found = list(itertools.islice(summaries, limit))
    except ClientError as error:
        if error_code(error) in {"ResourceNotFound", "ValidationException"}:
            raise UserError(f"there is no pipeline {pipeline!r} in {region}: run `groundloop upsert` first") from None
        raise
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda summary: _run(region, summary), found))


def _run(region: str, summary: dict[str, Any]) -> Run:
    arn, status, started = summary["PipelineExecutionArn"], summary["PipelineExecutionStatus"], summary["StartTime"]
    described = client("sagemaker", region).describe_pipeline_execution(PipelineExecutionArn=arn)
    until = datetime.now(timezone.utc) if status in RUNNING else described["LastModifiedTime"]
    return Run(
        arn=arn,
        started=started,
        status=status,
        seconds=(until - started).total_seconds(),
        parameters=_changed(region, arn),
        failure=_failure(region, arn, described) if status == "Failed" else "",
    )


def _changed(region: str, arn: str) -> dict[str, str]:
    sagemaker = client("sagemaker", region)
    definition = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)["PipelineDefinition"]
    defaults = {item["Name"]: item for item in json.loads(definition).get("Parameters", [])}
    pages = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=arn)
    return {
        item["Name"]: item["Value"]
        for page in pages
        for item in page["PipelineParameters"]
        if not _same(item["Value"], defaults.get(item["Name"], {}))
    }


def _same(value: str, declared: dict[str, Any]) -> bool:
    """Whether a value, always text in the API, is a parameter's default."""
    if "DefaultValue" not in declared:
        return False
    default = declared["DefaultValue"]
    if declared.get("Type") in {"Integer", "Float"}:
        return float(value) == float(default)
    return value == str(default) or (declared.get("Type") == "Boolean" and value.lower() == str(default).lower())


def _failure(region: str, arn: str, described: dict[str, Any]) -> str:
    """The reasons of the steps that failed; the execution's own when none did."""
    failed = [step for step in steps(region, arn) if step["StepStatus"] == "Failed"]
    reasons = [f"{step['StepName']}: {step.get('FailureReason', 'no reason was given')}" for step in failed]
    return " ".join("; ".join(reasons or [described.get("FailureReason", "no reason was given")]).split())
