"""What an execution had and left: parameters, code, data, training job, package, and where its evaluation lies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from groundloop.aws import client
from groundloop.executions.control import Transition, steps, transition
from groundloop.executions.evaluation import evaluation_prefix
from groundloop.executions.prepared_labels import prepared_summary

_CODE = re.compile(r"/code/([0-9a-f]{64})/groundloop-([a-z]+)\.py")


@dataclass(frozen=True, slots=True)
class ExecutionContent:
    """An execution, however far it got.

    Attributes:
        arn: its ARN.
        described: the response of DescribePipelineExecution.
        definition: of the pipeline as the execution ran it, JSON.
        changes: the last change of each step, by its name.
        parameters: value of each pipeline parameter, also where it is the default.
        code: SHA-256 of each job's code, by job.
        summary: content of Prepare's summary.json; None if Prepare has not succeeded.
        training: the response of DescribeTrainingJob for the job that made the model; None if there is none.
        package: ARN of the model package that it registered; None if it registered none.
        evaluation_prefix: S3 prefix of what Evaluate wrote; None if Evaluate has not succeeded.
    """

    arn: str
    described: Mapping[str, Any]
    definition: str
    changes: Mapping[str, Transition]
    parameters: Mapping[str, str]
    code: Mapping[str, str]
    summary: Mapping[str, Any] | None
    training: Mapping[str, Any] | None
    package: str | None
    evaluation_prefix: str | None


def read_execution(region: str, arn: str) -> ExecutionContent:
    """Read what an execution had and left.

    Args:
        region: AWS region.
        arn: ARN of the execution.
    """
    sagemaker = client("sagemaker", region)
    definition = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)["PipelineDefinition"]
    items = list(steps(region, arn))
    changes = {change.step: change for change in map(transition, items)}
    packages = (item.get("Metadata", {}).get("RegisterModel", {}).get("Arn") for item in items)
    summaries = (prepared_summary(region, change) for change in changes.values())
    return ExecutionContent(
        arn=arn,
        described=sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
        definition=definition,
        changes=changes,
        parameters=_parameters(region, arn),
        code={name: digest for digest, name in _CODE.findall(definition)},
        summary=next((found for found in summaries if found), None),
        training=_training_job(region, changes.values()),
        package=next((package for package in packages if package), None),
        evaluation_prefix=evaluation_prefix(region, arn),
    )


def _training_job(region: str, changes: Iterable[Transition]) -> dict[str, Any] | None:
    """Return the response of DescribeTrainingJob for the job that made the model: Train's, or the best of a search."""
    sagemaker = client("sagemaker", region)
    for change in changes:
        name = change.job if change.kind == "TrainingJob" else None
        if change.kind == "TuningJob":
            search = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=change.job)
            name = search.get("BestTrainingJob", {}).get("TrainingJobName")
        if name:
            described: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
            return described
    return None


def _parameters(region: str, arn: str) -> dict[str, str]:
    pages = client("sagemaker", region).get_paginator("list_pipeline_parameters_for_execution")
    return {
        item["Name"]: item["Value"]
        for page in pages.paginate(PipelineExecutionArn=arn)
        for item in page["PipelineParameters"]
    }
