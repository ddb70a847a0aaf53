"""Create or update what the pipelines need, and the pipelines, on the AWS that the environment points to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from labels.errors import UserError
from pipeline.aws import client, error_code, error_text
from pipeline.bundle import job_archive
from pipeline.config import Config
from pipeline.definition import compile_pipeline, deploy_pipeline, training_pipeline

# The API takes a definition of this size inline; a larger one goes through S3.
_INLINE_BYTES = 100 * 1024


@dataclass(frozen=True)
class Upserted:
    """A pipeline as it now stands in AWS."""

    name: str
    arn: str
    created: bool
    parameters: list[dict[str, Any]] = field(repr=False)


def upsert(config: Config) -> list[Upserted]:
    """Upload the job code, then create or update both pipelines; the same call again changes nothing.

    The deploy pipeline is left out when ``deploy.mode`` is ``never``.

    Raises:
        UserError: the bucket is missing or in another region.
    """
    pipelines = [(config.pipeline.name, config.pipeline.description, training_pipeline(config))]
    if config.deploy.mode != "never":
        text = "Deploys one model package to the endpoint."
        pipelines.append((config.pipeline.deploy_name, text, deploy_pipeline(config)))
    definitions = [(name, text, compile_pipeline(pipeline)) for name, text, pipeline in pipelines]
    _check_bucket(config)
    _upload_jobs(config)
    _ensure_group(config)
    return [_put(config, name, text, definition) for name, text, definition in definitions]


def _check_bucket(config: Config) -> None:
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
    for name in ("prepare", "evaluate"):
        archive = job_archive(name)
        key = archive.key(config.aws.prefix)
        if not object_exists(s3, config.aws.bucket, key):
            extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": config.aws.kms_key} if config.aws.kms_key else {}
            s3.put_object(Bucket=config.aws.bucket, Key=key, Body=archive.content, **extra)


def object_exists(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return False
        raise
    return True


def _ensure_group(config: Config) -> None:
    """The package group, made here so that it carries the tags."""
    sagemaker, group = client("sagemaker", config.aws.region), config.registry.group
    try:
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    except ClientError as error:
        if error_code(error) not in {"ValidationException", "ResourceNotFound"}:
            raise
        sagemaker.create_model_package_group(
            ModelPackageGroupName=group, ModelPackageGroupDescription=config.pipeline.description, Tags=_tags(config)
        )


def _put(config: Config, name: str, description: str, definition: str) -> Upserted:
    sagemaker = client("sagemaker", config.aws.region)
    request: dict[str, Any] = {
        "PipelineName": name,
        "PipelineDescription": description,
        "RoleArn": config.aws.role,
        **_definition_argument(config, name, definition),
    }
    try:
        arn = sagemaker.create_pipeline(**request, Tags=_tags(config))["PipelineArn"]
        created = True
    except ClientError as error:
        if "already exists" not in error_text(error):
            raise
        arn = sagemaker.update_pipeline(**request)["PipelineArn"]
        created = False
        if config.aws.tags:
            sagemaker.add_tags(ResourceArn=arn, Tags=_tags(config))
    return Upserted(name, arn, created, parameters_of(definition))


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


def _tags(config: Config) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(config.aws.tags.items())]


def studio_link(config: Config, name: str) -> str | None:
    """Studio's page of a pipeline; None when the region has no Studio domain or it can't be asked for."""
    try:
        domains = client("sagemaker", config.aws.region).list_domains().get("Domains", [])
    except ClientError:
        return None
    if not domains:
        return None
    return f"https://studio-{domains[0]['DomainId']}.studio.{config.aws.region}.sagemaker.aws/pipelines/{name}"
