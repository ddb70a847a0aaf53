"""Publishing reviewed labels: the manifest and its images in S3, and the execution that trains on them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.labels.manifest import source_ref_of
from groundloop.review.finish import Finished, content_name
from groundloop.review.images import FolderFiles
from groundloop.review.queue import QueueInfo
from groundloop.s3 import is_forbidden, is_missing, split_uri
from pipeline.reviewed_manifest import PARAMETER, reviews_uri

if TYPE_CHECKING:
    from pipeline.config import Config

# A client keeps ten connections.
_MAX_UPLOADS = 8


def publish_manifest(config: Config, content: bytes, info: QueueInfo, result: Finished, image_prefix: str) -> str:
    """Upload a manifest under a name made from its content, and before it the images that it names and S3 lacks.

    Args:
        config: names the bucket.
        content: of the manifest, of all queues.
        info: of the queue that was finished.
        result: its labels.
        image_prefix: S3 prefix of the images that the queue names by file.

    Returns:
        The manifest's S3 URI.
    """
    s3 = client("s3", config.aws.region)
    if info.images and not info.image_prefix:
        _upload_images(s3, Path(info.images), [source_ref_of(line) for line in result.lines], image_prefix)
    bucket, key = config.aws.bucket, f"{config.aws.prefix}/reviews/{content_name(content)}"
    # In any case: the newest manifest is the one that counts, and these may be the labels of an earlier day again.
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    return f"s3://{bucket}/{key}"


def retrain_when_due(config: Config) -> str | None:
    """Start an execution if enough reviewed labels are new, and return what was counted and started, as a sentence.

    Returns:
        None where `triggers.retrain_when` is not set.

    Raises:
        UserError: the pipeline does not exist, or has no parameter for the manifest.
    """
    due = config.triggers.retrain_when
    if due is None:
        return None
    from groundloop.executions.retraining import start_when_due
    from groundloop.models.packages import reviewed_manifests

    region, name = config.aws.region, config.pipeline.name
    trained = reviewed_manifests(region, config.registry.group)
    return start_when_due(region, name, reviews_uri(config), due.reviewed, trained).message(due.reviewed)


def start_with(config: Config, uri: str) -> str:
    """Start an execution that trains on the reviewed labels too; return its ARN.

    Raises:
        UserError: the pipeline does not exist, or has no parameter for the manifest.
    """
    from groundloop.executions import retraining

    try:
        return retraining.start_with(config.aws.region, config.pipeline.name, uri)
    except UserError as error:
        if PARAMETER not in str(error):
            raise
        raise UserError(
            f"pipeline {config.pipeline.name!r} has no parameter {PARAMETER}: update it with groundloop "
            f"upsert, then run groundloop start -p {PARAMETER}={uri}"
        ) from None


def _upload_images(s3: Any, folder: Path, references: list[str], prefix: str) -> None:
    """Upload the images below the prefix that are not there in the same size."""
    files = FolderFiles(folder)

    def upload(reference: str) -> None:
        """Upload one image."""
        body = files.body(reference.removeprefix(prefix))
        bucket, key = split_uri(reference)
        if _size(s3, bucket, key) != len(body):
            s3.put_object(Bucket=bucket, Key=key, Body=body)

    with ThreadPoolExecutor(_MAX_UPLOADS) as pool:
        list(pool.map(upload, (reference for reference in references if reference.startswith(prefix))))


def _size(s3: Any, bucket: str, key: str) -> int | None:
    try:
        return int(s3.head_object(Bucket=bucket, Key=key)["ContentLength"])
    except ClientError as error:
        if is_missing(error) or is_forbidden(error):  # without s3:ListBucket a missing object is forbidden
            return None
        raise
