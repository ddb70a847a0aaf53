"""Create or update what the pipelines need, and the pipelines, on the AWS that the environment points to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from botocore.exceptions import ClientError

from groundloop.aws import client, error_message
from groundloop.errors import UserError
from pipeline.config import Config
from pipeline.deployed import caller_account, describe_deployed, has_archive, has_group
from pipeline.desired import DesiredPipeline, definition_warnings, desired_pipelines, job_archives
from pipeline.triggers import TriggerResult, apply_triggers

# The API takes a definition of this size inline; a larger one goes through S3.
_INLINE_BYTES = 100 * 1024

Action = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True)
class UpsertResult:
    """A pipeline as it now stands in AWS, and what the checker warns of."""

    name: str
    arn: str
    action: Action
    parameters: list[dict[str, Any]] = field(repr=False)
    warnings: list[str] = field(repr=False)

    @property
    def created(self) -> bool:
        return self.action == "created"


def upsert_pipelines(config: Config) -> list[UpsertResult]:
    """Check and compile the pipelines, upload the job code, then create or update; the same call again changes nothing.

    The deploy pipeline is left out when ``deploy.mode`` is ``never``.

    Raises:
        UserError: a definition is faulty, the credentials are of another account than ``aws.account``, or the bucket
            is missing or in another region.
    """
    return put_pipelines(config, desired_pipelines(config))


def put_pipelines(config: Config, pipelines: list[DesiredPipeline]) -> list[UpsertResult]:
    """Upload the job code and bring these pipelines to AWS, after the checks that need no change there.

    Raises:
        UserError: as of ``upsert``.
    """
    warnings = {pipeline.name: definition_warnings(pipeline) for pipeline in pipelines}
    check_account(config)
    check_bucket(config)
    _upload_jobs(config)
    _ensure_group(config)
    return [_put(config, pipeline, warnings[pipeline.name]) for pipeline in pipelines]


def check_account(config: Config) -> None:
    """Refuse credentials of another account than the one that the configuration is for."""
    if config.aws.account is not None and (account := caller_account(config)) != config.aws.account:
        raise UserError(
            f"these credentials are of account {account}, but aws.account is {config.aws.account}: "
            "use the other account's credentials (AWS_PROFILE), or correct aws.account"
        )


def check_bucket(config: Config) -> None:
    """Refuse a bucket that is missing, not allowed, or in another region."""
    bucket, region = config.aws.bucket, config.aws.region
    try:
        answer = client("s3", region).head_bucket(Bucket=bucket)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404:
            raise UserError(
                f"aws.bucket: there is no bucket {bucket!r}; make it with: aws s3 mb s3://{bucket} --region {region}"
            ) from None
        if status == 403:
            raise UserError(f"aws.bucket: these credentials may not use bucket {bucket!r}") from None
        raise
    where = answer.get("BucketRegion") or region
    if where != region:
        raise UserError(f"aws.bucket {bucket!r} is in {where}, but aws.region is {region!r}; they must be the same")


def _upload_jobs(config: Config) -> None:
    """Upload the archives that aren't there yet; their keys carry their hash, so nothing is overwritten."""
    s3 = client("s3", config.aws.region)
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": config.aws.kms_key} if config.aws.kms_key else {}
    for archive in job_archives():
        if not has_archive(config, archive):
            key = archive.key(config.aws.prefix)
            s3.put_object(Bucket=config.aws.bucket, Key=key, Body=archive.content, **extra)


def _ensure_group(config: Config) -> None:
    """The package group, made here so that it carries the tags."""
    if not has_group(config):
        client("sagemaker", config.aws.region).create_model_package_group(
            ModelPackageGroupName=config.registry.group,
            ModelPackageGroupDescription=config.pipeline.description,
            Tags=_tags(config.aws.tags),
        )


def _put(config: Config, pipeline: DesiredPipeline, warnings: list[str]) -> UpsertResult:
    standing = describe_deployed(config, pipeline.name)
    parameters = parameters_of(pipeline.definition)
    if standing is not None and standing.matches(pipeline):
        return UpsertResult(pipeline.name, standing.arn, "unchanged", parameters, warnings)
    sagemaker = client("sagemaker", config.aws.region)
    request: dict[str, Any] = {
        "PipelineName": pipeline.name,
        "PipelineDescription": pipeline.description,
        "RoleArn": pipeline.role,
        **_definition_argument(config, pipeline.name, pipeline.definition),
    }
    action: Action = "created"
    try:
        arn = sagemaker.create_pipeline(**request, Tags=_tags(pipeline.tags))["PipelineArn"]
    except ClientError as error:
        if "already exists" not in error_message(error):
            raise
        arn = sagemaker.update_pipeline(**request)["PipelineArn"]
        action = "updated"
        if pipeline.tags:
            sagemaker.add_tags(ResourceArn=arn, Tags=_tags(pipeline.tags))
    return UpsertResult(pipeline.name, arn, action, parameters, warnings)


def _definition_argument(config: Config, name: str, definition: str) -> dict[str, Any]:
    if len(definition.encode()) < _INLINE_BYTES:
        return {"PipelineDefinition": definition}
    key = f"{config.aws.prefix}/definitions/{name}.json"
    client("s3", config.aws.region).put_object(Bucket=config.aws.bucket, Key=key, Body=definition.encode())
    return {"PipelineDefinitionS3Location": {"Bucket": config.aws.bucket, "ObjectKey": key}}


def parameters_of(definition: str) -> list[dict[str, Any]]:
    """The ``Parameters`` of a definition: Name, Type, DefaultValue, EnumValues."""
    parameters: list[dict[str, Any]] = json.loads(definition)["Parameters"]
    return parameters


def put_triggers(config: Config) -> tuple[TriggerResult | None, str]:
    """Bring the rules to AWS; None with the reason when that is refused.

    Not an error: the pipelines are up and can be started, only nothing starts them without a person.
    """
    try:
        return apply_triggers(config), ""
    except UserError as error:
        return None, f"the pipelines are up, but not what starts them: {error} (then: groundloop triggers apply)"


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def studio_link(config: Config, name: str) -> str | None:
    """Studio's page of a pipeline; None when the region has no Studio domain or it can't be asked for."""
    try:
        domains = client("sagemaker", config.aws.region).list_domains().get("Domains", [])
    except ClientError:
        return None
    if not domains:
        return None
    return f"https://studio-{domains[0]['DomainId']}.studio.{config.aws.region}.sagemaker.aws/pipelines/{name}"
