"""The transform job of a selection of images: started, waited for and picked up again.

All that a job needs lies below one S3 prefix, which its name ends: `input/` with the ManifestFile and `selection.json`,
`output/` with an `.out` file for each image. So a job can be picked up by its name alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found, poll_seconds
from groundloop.batch.selection import MANIFEST_FILE, SELECTION_FILE, Selection, decode_selection
from groundloop.errors import UserError
from groundloop.executions.control import Transition
from groundloop.executions.job_progress import ProgressReader
from groundloop.executions.polled_job import JobProgress
from groundloop.s3 import join_uri, read_bytes, split_uri

#: Beginning of the names of jobs and their models; `groundloop destroy` finds by it a model that was left behind.
JOB_PREFIX = "groundloop-batch-"
_POLL_SECONDS = 15.0


@dataclass(frozen=True)
class TransformSettings:
    """What a transform job runs on.

    Attributes:
        role: ARN of the execution role.
        kms_key: key of the outputs; None: the AWS managed key.
        volume_key: key of the instances' volumes; None for instance types with local storage, which take none.
        vpc: `VpcConfig` of the model; None without a VPC.
        isolation: the model's container has no network.
        tags: of model and job, as the API takes them.
    """

    role: str
    instance_type: str
    instance_count: int
    max_payload_mb: int
    max_concurrent_transforms: int
    kms_key: str | None
    volume_key: str | None
    vpc: dict[str, list[str]] | None
    isolation: bool
    tags: list[dict[str, str]]


@dataclass(frozen=True)
class TransformJob:
    """A transform job and the images that it predicts."""

    name: str
    selection: Selection
    output_uri: str


def start_transform(region: str, prefix: str, name: str, selection: Selection, settings: TransformSettings) -> None:
    """Upload what a transform job reads, and create its model and the job.

    Args:
        region: AWS region.
        prefix: S3 prefix of all jobs; one of the job's name is added.
        name: of the job and of its model.
        selection: the images, and the version that predicts them.
        settings: what the job runs on.
    """
    sagemaker, base = client("sagemaker", region), join_uri(prefix, name)
    _upload(region, join_uri(base, f"input/{MANIFEST_FILE}"), selection.manifest(), settings.kms_key)
    _upload(region, join_uri(base, f"input/{SELECTION_FILE}"), selection.encoded(), settings.kms_key)
    sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={"ModelPackageName": selection.model_package},
        ExecutionRoleArn=settings.role,
        EnableNetworkIsolation=settings.isolation,
        **({"VpcConfig": settings.vpc} if settings.vpc else {}),
        Tags=settings.tags,
    )
    try:
        sagemaker.create_transform_job(**transform_request(base, name, settings))
    except ClientError:
        sagemaker.delete_model(ModelName=name)
        raise


def transform_request(base: str, name: str, settings: TransformSettings) -> dict[str, Any]:
    """Return the CreateTransformJob request: one image per request, one `.out` file per image.

    Args:
        base: S3 prefix of the job.
        name: of the job and of its model.
        settings: what the job runs on.
    """
    source = {"S3DataType": "ManifestFile", "S3Uri": join_uri(base, f"input/{MANIFEST_FILE}")}
    output = {"S3OutputPath": join_uri(base, "output"), "Accept": "application/json"}
    resources: dict[str, Any] = {"InstanceType": settings.instance_type, "InstanceCount": settings.instance_count}
    return {
        "TransformJobName": name,
        "ModelName": name,
        "BatchStrategy": "SingleRecord",
        "MaxConcurrentTransforms": settings.max_concurrent_transforms,
        "MaxPayloadInMB": settings.max_payload_mb,
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "application/x-image",
            "SplitType": "None",
        },
        "TransformOutput": {**output, **({"KmsKeyId": settings.kms_key} if settings.kms_key else {})},
        "TransformResources": {
            **resources,
            **({"VolumeKmsKeyId": settings.volume_key} if settings.volume_key else {}),
        },
        "Tags": settings.tags,
    }


def find_job(region: str, name: str) -> TransformJob:
    """Return a transform job that `start_transform`, or an execution of the predict pipeline, started.

    Raises:
        UserError: there is no such job, or something else started it.
    """
    described = _describe(region, name)
    source = described["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    folder, _, file = source.rpartition("/")
    if file != MANIFEST_FILE:
        raise UserError(f"transform job {name!r} was not started by `groundloop predict --batch`")
    uri = join_uri(folder, SELECTION_FILE)
    selection = decode_selection(read_bytes(client("s3", region), uri), uri)
    return TransformJob(name, selection, described["TransformOutput"]["S3OutputPath"])


def wait_for(region: str, name: str, progress: Callable[[JobProgress], None]) -> None:
    """Wait until a transform job has ended, and delete the model that was created for it alone.

    Args:
        region: AWS region.
        name: of the job.
        progress: called with the progress each time it is looked up.

    Raises:
        UserError: the job failed or was stopped.
    """
    reader, step = ProgressReader(region), Transition("Predict", "Executing", None, False, 1, "TransformJob", name)
    while (described := _describe(region, name))["TransformJobStatus"] in {"InProgress", "Stopping"}:
        if (now := reader.read(step)) is not None:
            progress(now)
        time.sleep(poll_seconds(_POLL_SECONDS))
    if described["ModelName"] == name:  # the model of a pipeline's execution has another name, and stays
        _delete_model(region, name)
    status = described["TransformJobStatus"]
    if status != "Completed":
        reason = described.get("FailureReason") or "no reason given"
        raise UserError(
            f"transform job {name!r} {'failed: ' + reason if status == 'Failed' else 'was stopped'}; its log is in "
            "/aws/sagemaker/TransformJobs of CloudWatch. Start again without --job"
        )


def _describe(region: str, name: str) -> dict[str, Any]:
    try:
        described: dict[str, Any] = client("sagemaker", region).describe_transform_job(TransformJobName=name)
    except ClientError as error:
        if is_not_found(error):
            raise UserError(f"there is no transform job {name!r} in {region}") from None
        raise
    return described


def _delete_model(region: str, name: str) -> None:
    try:
        client("sagemaker", region).delete_model(ModelName=name)
    except ClientError as error:
        if not is_not_found(error):  # it is deleted already when a job is picked up once more
            raise


def _upload(region: str, uri: str, content: bytes, kms_key: str | None) -> None:
    bucket, key = split_uri(uri)
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    client("s3", region).put_object(Bucket=bucket, Key=key, Body=content, **extra)
