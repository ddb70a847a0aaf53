"""A configuration's pipelines, model package group and job code as they are in AWS. Only reads."""

from __future__ import annotations

import json
from dataclasses import dataclass

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.s3 import object_exists
from pipeline.config import Config
from pipeline.desired import DesiredPipeline
from pipeline.job_archive import JobArchive

_MISSING_CODES = {"ResourceNotFound", "ValidationException"}


@dataclass(frozen=True)
class DeployedPipeline:
    """A pipeline as DescribePipeline returns it.

    Attributes:
        modified: time of the last modification, ISO 8601.
        ran: whether it has executions.
    """

    arn: str
    description: str
    role: str
    tags: dict[str, str]
    definition: str
    modified: str
    ran: bool

    def matches(self, desired: DesiredPipeline) -> bool:
        """Tell whether upsert has nothing to do. Tags that others added don't count: upsert never removes any."""
        return (
            (self.description, self.role) == (desired.description, desired.role)
            and desired.tags.items() <= self.tags.items()
            and same_json(self.definition, desired.definition)
        )


def describe_deployed(config: Config, name: str) -> DeployedPipeline | None:
    """Describe a pipeline in AWS; None if it does not exist."""
    sagemaker = client("sagemaker", config.aws.region)
    try:
        described = sagemaker.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error_code(error) in _MISSING_CODES:
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
    """Tell whether two definitions are equal as JSON, whatever their layout."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return one == other


def caller_account(config: Config) -> str:
    """Return the account of the credentials."""
    return str(client("sts", config.aws.region).get_caller_identity()["Account"])


def has_group(config: Config) -> bool:
    """Tell whether the model package group exists."""
    try:
        client("sagemaker", config.aws.region).describe_model_package_group(ModelPackageGroupName=config.registry.group)
    except ClientError as error:
        if error_code(error) in _MISSING_CODES:
            return False
        raise
    return True


def has_archive(config: Config, archive: JobArchive) -> bool:
    """Tell whether a job's code is in the bucket; its key contains its hash, so an object of that key is the same."""
    return object_exists(client("s3", config.aws.region), config.aws.bucket, archive.key(config.aws.prefix))
