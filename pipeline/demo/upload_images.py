"""Upload of a user's images to the S3 URIs that their manifest names, on the offline AWS."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_code
from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.s3 import split_uri

_UPLOADS_AT_ONCE = 8


@dataclass(frozen=True)
class UploadResult:
    """How many images were uploaded, and the S3 URIs of those that the folder does not hold."""

    count: int
    missing: list[str]


def source_refs(manifest: Path) -> list[str]:
    """Return the S3 URIs that a manifest's lines name, each once.

    Lines that can't be read are left to Prepare, which reports them.

    Raises:
        UserError: the manifest can't be read.
    """
    try:
        content = manifest.read_bytes()
    except OSError as error:
        raise UserError(f"--labels {manifest}: can't be read: {error.strerror}") from None
    references: dict[str, None] = {}
    for line in content.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        reference = record.get("source-ref") if isinstance(record, dict) else None
        if isinstance(reference, str) and reference.startswith("s3://") and "/" in reference[5:]:
            references[reference] = None
    return list(references)


def upload_images(s3: Any, references: list[str], images: Path) -> UploadResult:
    """Upload the image of each S3 URI, found in the folder by its name.

    Raises:
        UserError: the folder holds none of the images, several that match one URI equally well, or one that matches
            two of them.
    """
    folder = ImageFolder(images)
    pairs = [(reference, folder.find(reference)) for reference in references]
    uploads = [(reference, file) for reference, file in pairs if file is not None]
    if not uploads:
        example = f", such as {references[0]}" if references else ""
        raise UserError(
            f"--images {images}: holds none of the {len(references)} images that the manifest names{example}; "
            "file names must be those of the S3 keys"
        )
    for bucket in sorted({split_uri(reference)[0] for reference, _ in uploads}):
        make_bucket(s3, bucket)
    with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
        list(pool.map(lambda pair: _upload(s3, *pair), uploads))
    return UploadResult(len(uploads), [reference for reference, file in pairs if file is None])


def make_bucket(s3: Any, bucket: str) -> None:
    """Create a bucket, unless it exists."""
    try:
        if s3.meta.region_name == "us-east-1":  # the one region that S3 rejects as a LocationConstraint
            s3.create_bucket(Bucket=bucket)
        else:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    except ClientError as error:
        if error_code(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise


def _upload(s3: Any, reference: str, file: Path) -> None:
    bucket, key = split_uri(reference)
    s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
