"""Create or update the pipelines, and what they need, on the AWS that the environment points to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from botocore.exceptions import ClientError

from groundloop.aws import client, error_message
from groundloop.errors import UserError
from groundloop.s3 import is_forbidden, is_missing, object_exists
from pipeline.config import Config
from pipeline.deployed import caller_account, describe_deployed, has_archive, has_group
from pipeline.desired import DesiredPipeline, definition_warnings, desired_pipelines, job_archives
from pipeline.reviewed_manifest import NO_LABELS, no_labels_key
from pipeline.triggers import TriggerResult, apply_triggers
from pipeline.warm_start import resolve_warm_start

#: A larger definition goes through S3 instead of the request.
_MAX_INLINE_BYTES = 100 * 1024

Action = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True)
class UpsertResult:
    """A pipeline as it is now deployed, and the warnings of the definition checker."""

    name: str
    arn: str
    action: Action
    parameters: list[dict[str, Any]] = field(repr=False)
    warnings: list[str] = field(repr=False)

    @property
    def created(self) -> bool:
        """Whether the pipeline did not exist before."""
        return self.action == "created"


def upsert_pipelines(config: Config) -> list[UpsertResult]:
    """Compile and check the pipelines, upload the job code, and create or update the pipelines.

    A second call changes nothing. The deploy pipeline is left out when `deploy.mode` is `never`, the
    predict pipeline without `predict.input`.

    Raises:
        UserError: a definition has errors, the credentials are not of `aws.account`, or the bucket is missing or in
            another region.
    """
    return put_pipelines(config, desired_pipelines(resolve_warm_start(config)))


def put_pipelines(config: Config, pipelines: list[DesiredPipeline]) -> list[UpsertResult]:
    """Run all checks, then upload the job code and create or update these pipelines.

    Raises:
        UserError: as of `upsert_pipelines`.
    """
    warnings = {pipeline.name: definition_warnings(pipeline) for pipeline in pipelines}
    check_account(config)
    check_bucket(config)
    _upload_jobs(config)
    _upload_no_labels(config)
    _ensure_group(config)
    return [_put(config, pipeline, warnings[pipeline.name]) for pipeline in pipelines]


def check_account(config: Config) -> None:
    """Check that the credentials are of the configured account.

    Raises:
        UserError: they are of another account than `aws.account`.
    """
    if config.aws.account is not None and (account := caller_account(config)) != config.aws.account:
        raise UserError(
            f"these credentials are of account {account}, but aws.account is {config.aws.account}: "
            "use the other account's credentials (AWS_PROFILE), or correct aws.account"
        )


def check_bucket(config: Config) -> None:
    """Check that the configured bucket can be used.

    Raises:
        UserError: it does not exist, access to it is denied, or it is in another region.
    """
    bucket, region = config.aws.bucket, config.aws.region
    try:
        answer = client("s3", region).head_bucket(Bucket=bucket)
    except ClientError as error:
        if is_missing(error):
            raise UserError(
                f"aws.bucket: there is no bucket {bucket!r}; create it with: aws s3 mb s3://{bucket} --region {region}"
            ) from None
        if is_forbidden(error):
            raise UserError(f"aws.bucket: these credentials have no access to bucket {bucket!r}") from None
        raise
    where = answer.get("BucketRegion") or region
    if where != region:
        raise UserError(f"aws.bucket {bucket!r} is in {where}, but aws.region is {region!r}; they must be the same")


def _upload_jobs(config: Config) -> None:
    """Upload the missing job archives; their keys contain their hash, so nothing is overwritten."""
    for archive in job_archives(config):
        if not has_archive(config, archive):
            _upload(config, archive.key(config.aws.prefix), archive.content)


def _upload_no_labels(config: Config) -> None:
    """Upload the manifest that stands for no reviewed labels, unless it is there."""
    key = no_labels_key(config.aws.prefix)
    if not object_exists(client("s3", config.aws.region), config.aws.bucket, key):
        _upload(config, key, NO_LABELS)


def _upload(config: Config, key: str, content: bytes) -> None:
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": config.aws.kms_key} if config.aws.kms_key else {}
    client("s3", config.aws.region).put_object(Bucket=config.aws.bucket, Key=key, Body=content, **extra)


def _ensure_group(config: Config) -> None:
    """Create the model package group with the configured tags, unless it exists."""
    if not has_group(config):
        client("sagemaker", config.aws.region).create_model_package_group(
            ModelPackageGroupName=config.registry.group,
            ModelPackageGroupDescription=config.pipeline.description,
            Tags=_tags(config.aws.tags),
        )


def _put(config: Config, pipeline: DesiredPipeline, warnings: list[str]) -> UpsertResult:
    deployed = describe_deployed(config, pipeline.name)
    parameters = parameters_of(pipeline.definition)
    if deployed is not None and deployed.matches(pipeline):
        return UpsertResult(pipeline.name, deployed.arn, "unchanged", parameters, warnings)
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
    if len(definition.encode()) < _MAX_INLINE_BYTES:
        return {"PipelineDefinition": definition}
    key = f"{config.aws.prefix}/definitions/{name}.json"
    client("s3", config.aws.region).put_object(Bucket=config.aws.bucket, Key=key, Body=definition.encode())
    return {"PipelineDefinitionS3Location": {"Bucket": config.aws.bucket, "ObjectKey": key}}


def parameters_of(definition: str) -> list[dict[str, Any]]:
    """Return the `Parameters` of a definition: Name, Type, DefaultValue, EnumValues."""
    parameters: list[dict[str, Any]] = json.loads(definition)["Parameters"]
    return parameters


def put_triggers(config: Config) -> tuple[TriggerResult | None, str]:
    """Create or update the rules; return None and the reason if that fails.

    This is not an error: the pipelines are deployed and can be started by hand.
    """
    try:
        return apply_triggers(config), ""
    except UserError as error:
        return (
            None,
            f"the pipelines are deployed, but not their triggers: {error}; then run `groundloop triggers apply`",
        )


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def studio_link(config: Config, name: str) -> str | None:
    """Return the URL of a pipeline in Studio; None if the region has no Studio domain, or it can't be read."""
    try:
        domains = client("sagemaker", config.aws.region).list_domains().get("Domains", [])
    except ClientError:
        return None
    if not domains:
        return None
    return f"https://studio-{domains[0]['DomainId']}.studio.{config.aws.region}.sagemaker.aws/pipelines/{name}"
