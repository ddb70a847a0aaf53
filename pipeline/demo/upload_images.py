"""Someone's own images, put where their manifest says they are: under its S3 URIs on the offline AWS."""

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

_UPLOADS_AT_ONCE = 8


@dataclass(frozen=True)
class UploadResult:
    """What became of the images that a manifest names."""

    count: int
    missing: list[str]


def source_refs(manifest: Path) -> list[str]:
    """The S3 URIs that a manifest's lines name, each once; lines that can't be read are Prepare's to report.

    Raises:
        UserError: the manifest can't be read.
    """
    try:
        content = manifest.read_bytes()
    except OSError as error:
        raise UserError(f"--labels {manifest}: can't be read: {error.strerror}") from None
    found: dict[str, None] = {}
    for line in content.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        reference = record.get("source-ref") if isinstance(record, dict) else None
        if isinstance(reference, str) and reference.startswith("s3://") and "/" in reference[5:]:
            found[reference] = None
    return list(found)


def place(s3: Any, references: list[str], images: Path) -> UploadResult:
    """Upload the image of each reference, found in the folder by its name.

    Raises:
        UserError: the folder holds none of the images, several that fit one reference equally well, or one that fits
            two of them.
    """
    folder = ImageFolder(images)
    pairs = [(reference, folder.find(reference)) for reference in references]
    found = [(reference, file) for reference, file in pairs if file is not None]
    if not found:
        example = f", {references[0]} for one" if references else ""
        raise UserError(
            f"--images {images}: holds none of the {len(references)} images that the manifest names{example}; "
            "file names must be those of the S3 keys"
        )
    for bucket in sorted({_bucket_and_key(reference)[0] for reference, _ in found}):
        make_bucket(s3, bucket)
    with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as uploads:
        list(uploads.map(lambda pair: _upload(s3, *pair), found))
    return UploadResult(len(found), [reference for reference, file in pairs if file is None])


def make_bucket(s3: Any, bucket: str) -> None:
    """Create a bucket; one that is there already is fine."""
    try:
        if s3.meta.region_name == "us-east-1":  # which S3 refuses to hear as a location
            s3.create_bucket(Bucket=bucket)
        else:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    except ClientError as error:
        if error_code(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise


def _upload(s3: Any, reference: str, file: Path) -> None:
    bucket, key = _bucket_and_key(reference)
    s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())


def _bucket_and_key(reference: str) -> tuple[str, str]:
    bucket, _, key = reference.removeprefix("s3://").partition("/")
    return bucket, key
