"""The samples of this folder: what SageMaker takes and answers, in shapes that were seen in public, with own values."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
#: Where each shape of a definition was seen.
DEFINITIONS = {
    # The SDK 2's output, kept beside a Terraform module: literals of Float without point, quoted hyperparameters, empty
    # ModelMetrics members, a RegisterModel step's suffix.
    "sdk_v2_export",
    # A Terraform template of a batch pipeline: neither Metadata nor experiment, a Lambda's output as ModelDataUrl.
    "terraform_transform",
    # A Terraform template of a retraining pipeline: empty DependsOn, a VPC, no entrypoint, no approval.
    "terraform_vpc",
    # A CDK stack's PipelineDefinitionBody: fixed job names, own Metadata, code as a channel.
    "cdk_job_names",
    # A definition of Lambda steps, posted with boto3: Conditions in branches that depend on their Condition.
    "lambda_monitoring",
    # DescribePipeline's answer for the SDK's feature processor: a RetryStrategy; a parameter set by a schedule has no
    # default, and nothing refers to it.
    "feature_processor",
    # DescribePipeline's answer in a labelling tool's guide: a built-in vision algorithm, channels that no Get connects,
    # profiler rules.
    "builtin_vision",
    # Functions with the SDK's @step: results are read by JsonGet with an S3Uri, PipelineExperimentConfig is null.
    "step_decorator",
    # The system test of Airflow's Amazon provider, which runs it on AWS: Conditions in Conditions, the last one empty.
    "nested_conditions",
}
#: Where each shape of an answer was seen.
RESPONSES = {
    # ListPipelineExecutionSteps of 2020 in the developer guide's "Run a pipeline": every step has a CacheHitResult with
    # an empty ARN; ARNs are in lower case; no AttemptCount; the newest step comes first.
    "steps_empty_cache_hit",
    # A README about a first pipeline: the job was never created, so Metadata is empty, and the reason has two lines.
    "steps_quota",
    # A workshop's notes of 2026: the job's name has the first 20 characters of the step's.
    "steps_long_names",
    # The SDK's integration tests of selective execution: reused steps name the execution that they come from.
    "steps_selective",
    # The API reference: steps without Metadata or times, Metadata of steps that run no job.
    "steps_starting",
    # A README about a first pipeline: DescribePipelineExecution of a failed and of a new execution.
    "execution_failed",
    "execution_executing",
    # DescribePipeline's answer for the SDK's feature processor.
    "pipeline",
}


def definition(name: str) -> dict[str, Any]:
    """Return a definition."""
    content: dict[str, Any] = json.loads(definition_text(name))
    return content


def definition_text(name: str) -> str:
    """Return a definition as text."""
    return (_HERE / "definitions" / f"{name}.json").read_text()


def response(name: str) -> dict[str, Any]:
    """Return an answer as boto3 does: times are datetimes."""
    content: dict[str, Any] = json.loads((_HERE / "responses" / f"{name}.json").read_text(), object_hook=_times)
    return content


def _times(members: dict[str, Any]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(value) if name.endswith("Time") else value for name, value in members.items()}
