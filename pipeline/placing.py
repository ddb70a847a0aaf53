"""Someone's own images, put where their manifest says they are: under its S3 URIs on the offline AWS."""

from __future__ import annotations

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from labels.errors import UserError
from pipeline.aws import error_code

_UPLOADS_AT_ONCE = 8


@dataclass(frozen=True)
class Placed:
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


class ImageFolder:
    """Image files on disk, found by the S3 URIs that a manifest has for them.

    Raises:
        UserError: it is no folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UserError(f"--images {folder}: is no folder")
        self._folder = folder
        self._by_tail: defaultdict[tuple[str, ...], list[Path]] = defaultdict(list)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                parts = path.relative_to(folder).parts
                for start in range(len(parts)):
                    self._by_tail[parts[start:]].append(path)

    def find(self, reference: str) -> Path | None:
        """The file whose path shares the longest tail with the reference's key; None when there is none.

        Raises:
            UserError: several files fit equally well.
        """
        parts = PurePosixPath(_bucket_and_key(reference)[1]).parts
        for start in range(len(parts)):
            fitting = self._by_tail.get(parts[start:], [])
            if len(fitting) > 1:
                shown = ", ".join(str(path.relative_to(self._folder)) for path in fitting[:3])
                raise UserError(
                    f"--images {self._folder}: {len(fitting)} files fit {reference} equally well ({shown}); keep one"
                )
            if fitting:
                return fitting[0]
        return None


def place(s3: Any, references: list[str], images: Path) -> Placed:
    """Upload the image of each reference, found in the folder by its name.

    Raises:
        UserError: the folder holds none of the images, or several that fit one reference equally well.
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
    return Placed(len(found), [reference for reference, file in pairs if file is None])


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
