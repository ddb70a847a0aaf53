"""S3 as the jobs use it: prefixes brought into folders, folders put under prefixes, objects read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from groundloop.local.errors import JobError

#: Transfers at the same time: the server is in this process, so more would only queue.
_PARALLEL = 4


def split_uri(uri: str) -> tuple[str, str]:
    """``s3://bucket/a/key`` -> ``("bucket", "a/key")``; JobError for anything else."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "s3" or not parts.netloc:
        raise JobError("ClientError", f"{uri!r} is not an S3 URI (s3://bucket/key)")
    # A key may hold a question mark, which urlsplit takes for a query.
    return parts.netloc, uri[len("s3://") + len(parts.netloc) :].lstrip("/")


def join_uri(prefix: str, name: str) -> str:
    """One S3 URI under another."""
    return f"{prefix.rstrip('/')}/{name}"


def inside(folder: Path, relative: str, origin: str) -> Path:
    """``folder / relative``; JobError if that leaves the folder. ``origin`` is what the message names."""
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or "\0" in relative or not path.parts:
        raise JobError("ClientError", f"{origin} names a file outside the job's folder: {relative!r}")
    return folder.joinpath(*path.parts)


class S3:
    """The jobs' view of one S3 client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, uri: str) -> bytes:
        """The bytes of one object; JobError (ClientError) that names it if it can't be read."""
        bucket, key = split_uri(uri)
        try:
            return bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            code = error.response["Error"]["Code"]
            reason = "does not exist" if code in ("NoSuchKey", "404") else code
            if code == "NoSuchBucket":
                reason = f"does not exist: there is no bucket {bucket}"
            raise JobError("ClientError", f"the S3 object {uri} {reason}") from error

    def exists(self, uri: str) -> bool:
        """Whether there is an object of exactly this key."""
        bucket, key = split_uri(uri)
        try:
            self._client.head_object(Bucket=bucket, Key=key)
        except ClientError:
            return False
        return True

    def keys(self, prefix_uri: str) -> list[str]:
        """The keys that begin with the prefix, in S3's order, without folder markers; empty for a missing bucket."""
        bucket, prefix = split_uri(prefix_uri)
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchBucket":
                return []
            raise

    def objects(self, prefix_uri: str) -> list[tuple[str, str]]:
        """``(URI, name relative to the prefix)`` of each object under a prefix.

        Prefixes are S3's: ``s3://b/test`` also matches ``test_small/x``. A match that lies not below the prefix as a
        folder is named from the prefix's last slash on, so that no two collide.

        Raises:
            JobError: nothing matches; the text is the service's.
        """
        bucket, prefix = split_uri(prefix_uri)
        found = []
        for key in self.keys(prefix_uri):
            if prefix and not prefix.endswith("/") and key.startswith(prefix + "/"):
                name = key[len(prefix) + 1 :]
            else:
                name = key[prefix.rfind("/") + 1 :]
            found.append((f"s3://{bucket}/{key}", name))
        if not found:
            raise JobError(
                "ClientError",
                f"Data download failed: No S3 objects found under S3 URL {prefix_uri!r} given in input data source. "
                "Please ensure that the bucket exists in the selected region and that objects exist under that prefix.",
            )
        return found

    def manifest_objects(self, manifest_uri: str) -> list[tuple[str, str]]:
        """``(URI, name relative to the prefix)`` of a ManifestFile: ``[{"prefix": "s3://b/"}, "a.jpg", ...]``."""
        try:
            entries = json.loads(self.read(manifest_uri))
            head, names = entries[0], entries[1:]
            prefix = head["prefix"]
            if not isinstance(prefix, str) or not all(isinstance(name, str) for name in names):
                raise TypeError
        except (ValueError, LookupError, TypeError) as error:
            raise JobError(
                "ClientError",
                f'{manifest_uri} is not a ManifestFile: [{{"prefix": "s3://bucket/"}}, "name", ...] is expected',
            ) from error
        if not names:
            raise JobError("ClientError", f"the ManifestFile {manifest_uri} names no object")
        return [(prefix + name, name) for name in names]

    def source(self, source: dict[str, Any]) -> list[tuple[str, str]]:
        """The objects of an S3DataSource (or ProcessingS3Input) of type S3Prefix or ManifestFile."""
        if source.get("S3DataType", "S3Prefix") == "ManifestFile":
            return self.manifest_objects(source["S3Uri"])
        return self.objects(source["S3Uri"])

    def download(self, objects: list[tuple[str, str]], folder: Path) -> None:
        """Bring objects into a folder under their relative names."""
        folder.mkdir(parents=True, exist_ok=True)

        def bring(item: tuple[str, str]) -> None:
            uri, name = item
            target = inside(folder, name, uri)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(uri))

        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(bring, objects))

    def put(self, uri: str, content: bytes) -> None:
        """Write one object; JobError if its bucket is missing."""
        bucket, key = split_uri(uri)
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=content)
        except ClientError as error:
            raise JobError("ClientError", f"{uri} can't be written: {error.response['Error']['Code']}") from error

    def upload(self, folder: Path, prefix_uri: str) -> None:
        """Put every file of a folder under a prefix, names kept."""

        def send(path: Path) -> None:
            self.put(join_uri(prefix_uri, path.relative_to(folder).as_posix()), path.read_bytes())

        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(send, files_of(folder)))


def files_of(folder: Path) -> Iterator[Path]:
    """The files below a folder, in a fixed order."""
    return iter(sorted(path for path in folder.rglob("*") if path.is_file()))
