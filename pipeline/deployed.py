"""What AWS holds of a configuration's pipelines, model package group and job code. Reads only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from pipeline.config import Config
from pipeline.desired import DesiredPipeline
from pipeline.job_archive import JobArchive

_ABSENT = {"ResourceNotFound", "ValidationException"}


@dataclass(frozen=True)
class DeployedPipeline:
    """A pipeline as DescribePipeline gives it. ``modified``: ISO 8601; ``ran``: it has executions."""

    arn: str
    description: str
    role: str
    tags: dict[str, str]
    definition: str
    modified: str
    ran: bool

    def matches(self, asked: DesiredPipeline) -> bool:
        """Whether upsert has nothing to do. Tags that others have added don't count: upsert never removes any."""
        return (
            (self.description, self.role) == (asked.description, asked.role)
            and asked.tags.items() <= self.tags.items()
            and same_json(self.definition, asked.definition)
        )


def describe_deployed(config: Config, name: str) -> DeployedPipeline | None:
    """A pipeline in AWS; None when there is none of that name."""
    sagemaker = client("sagemaker", config.aws.region)
    try:
        described = sagemaker.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error_code(error) in _ABSENT:
            return None
        raise
    arn = described["PipelineArn"]
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    executions = sagemaker.list_pipeline_executions(PipelineName=name, MaxResults=1)["PipelineExecutionSummaries"]
    return DeployedPipeline(
        arn=arn,
        description=described.get("PipelineDescription") or "",
        role=described["RoleArn"],
        tags={tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]},
        definition=described["PipelineDefinition"],
        modified=described["LastModifiedTime"].isoformat(),
        ran=bool(executions),
    )


def same_json(one: str, other: str) -> bool:
    """Whether two definitions say the same, however they are laid out."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return one == other


def caller_account(config: Config) -> str:
    """The account that the credentials are of."""
    return str(client("sts", config.aws.region).get_caller_identity()["Account"])


def has_group(config: Config) -> bool:
    """Whether the model package group is there."""
    try:
        client("sagemaker", config.aws.region).describe_model_package_group(ModelPackageGroupName=config.registry.group)
    except ClientError as error:
        if error_code(error) in _ABSENT:
            return False
        raise
    return True


def has_archive(config: Config, archive: JobArchive) -> bool:
    """Whether a job's code is in the bucket; its key carries its hash, so what is there is the same."""
    return object_exists(client("s3", config.aws.region), config.aws.bucket, archive.key(config.aws.prefix))


def object_exists(s3: Any, bucket: str, key: str) -> bool:
    """Whether an object is there."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return False
        raise
    return True
