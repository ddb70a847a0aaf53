"""What plain boto3 tells of an execution."""

from __future__ import annotations

from typing import Any

import boto3


def steps_of(execution: str) -> dict[str, dict[str, Any]]:
    """Return the steps of an execution by name."""
    pages = boto3.client("sagemaker").get_paginator("list_pipeline_execution_steps")
    found = [step for page in pages.paginate(PipelineExecutionArn=execution) for step in page["PipelineExecutionSteps"]]
    return {step["StepName"]: step for step in found}


def package_of(execution: str) -> dict[str, Any]:
    """Return the description of the package that an execution has registered."""
    package = steps_of(execution)["Register"]["Metadata"]["RegisterModel"]["Arn"]
    described: dict[str, Any] = boto3.client("sagemaker").describe_model_package(ModelPackageName=package)
    return described


def read(uri: str) -> bytes:
    """Return the content of an object in S3."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content: bytes = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content
