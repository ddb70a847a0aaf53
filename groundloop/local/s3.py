"""S3 as jobs use it: download prefixes to folders, upload folders to prefixes, read and write objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from groundloop.errors import UserError
from groundloop.local.errors import JobError
from groundloop.local.moto_server import NoBucketError, has_bucket, has_object, object_names, read_object, write_object
from groundloop.s3 import join_uri
from groundloop.s3 import split_uri as _split_uri


def split_uri(uri: str) -> tuple[str, str]:
    """Split an S3 URI into bucket and key; an error is the job's.

    Raises:
        JobError: the text is not an S3 URI.
    """
    try:
        return _split_uri(uri)
    except UserError as error:
        raise JobError("ClientError", str(error)) from None


def inside(folder: Path, relative: str, origin: str) -> Path:
    """Return `folder / relative`.

    Args:
        folder: a folder of the job.
        relative: a path below it.
        origin: what the message of an error names.

    Raises:
        JobError: the path leaves the folder.
    """
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or "\0" in relative or not path.parts:
        raise JobError("ClientError", f"{origin} names a file outside the job's folder: {relative!r}")
    return folder.joinpath(*path.parts)


class S3:
    """S3 as the jobs use it: that of the server in this process, so that nothing goes over HTTP.

    Args:
        account: whose it is.
    """

    def __init__(self, account: str) -> None:
        self._account = account

    def read(self, uri: str) -> bytes:
        """Return the content of an object.

        Raises:
            JobError: it cannot be read; the message names it.
        """
        bucket, key = split_uri(uri)
        try:
            content = read_object(self._account, bucket, key)
        except NoBucketError:
            raise JobError("ClientError", f"the S3 object {uri} does not exist: there is no bucket {bucket}") from None
        if content is None:
            raise JobError("ClientError", f"the S3 object {uri} does not exist")
        return content

    def exists(self, uri: str) -> bool:
        """Tell whether there is an object with exactly this key."""
        bucket, key = split_uri(uri)
        return has_bucket(self._account, bucket) and has_object(self._account, bucket, key)

    def keys(self, prefix_uri: str) -> list[str]:
        """Return the keys that begin with a prefix, without folder markers; none if there is no bucket."""
        bucket, prefix = split_uri(prefix_uri)
        try:
            names = object_names(self._account, bucket)
        except NoBucketError:
            return []
        return [name for name in names if name.startswith(prefix) and not name.endswith("/")]

    def objects(self, prefix_uri: str) -> list[tuple[str, str]]:
        """Return URI and name, relative to the prefix, of each object that begins with a prefix.

        Prefixes are S3's: `s3://b/test` also matches `test_small/x`. The name of an object that is not below the prefix
        as a folder starts after the prefix's last slash, so that no two names collide.

        Raises:
            JobError: nothing matches; the message is SageMaker's.
        """
        bucket, prefix = split_uri(prefix_uri)
        objects = []
        for key in self.keys(prefix_uri):
            if prefix and not prefix.endswith("/") and key.startswith(prefix + "/"):
                name = key[len(prefix) + 1 :]
            else:
                name = key[prefix.rfind("/") + 1 :]
            objects.append((f"s3://{bucket}/{key}", name))
        if not objects:
            raise JobError(
                "ClientError",
                f"Data download failed: No S3 objects found under S3 URL {prefix_uri!r} given in input data source. "
                "Please ensure that the bucket exists in the selected region and that objects exist under that prefix.",
            )
        return objects

    def manifest_objects(self, manifest_uri: str) -> list[tuple[str, str]]:
        """Return URI and name of each object of a ManifestFile: `[{"prefix": "s3://b/"}, "a.jpg", ...]`.

        Raises:
            JobError: it is not a ManifestFile, or has no entry.
        """
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
            raise JobError("ClientError", f"the ManifestFile {manifest_uri} has no entry")
        return [(prefix + name, name) for name in names]

    def source(self, source: dict[str, Any]) -> list[tuple[str, str]]:
        """Return URI and name of each object of an S3DataSource or ProcessingS3Input (S3Prefix or ManifestFile)."""
        if source.get("S3DataType", "S3Prefix") == "ManifestFile":
            return self.manifest_objects(source["S3Uri"])
        return self.objects(source["S3Uri"])

    def download(self, objects: list[tuple[str, str]], folder: Path) -> None:
        """Download objects into a folder under their names."""
        folder.mkdir(parents=True, exist_ok=True)

        for uri, name in objects:
            target = inside(folder, name, uri)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(uri))

    def put(self, uri: str, content: bytes) -> None:
        """Write an object.

        Raises:
            JobError: it cannot be written, for one because there is no such bucket.
        """
        bucket, key = split_uri(uri)
        try:
            write_object(self._account, bucket, key, content)
        except NoBucketError:
            raise JobError("ClientError", f"{uri} cannot be written: NoSuchBucket") from None

    def upload(self, folder: Path, prefix_uri: str) -> None:
        """Upload every file of a folder to a prefix under its relative name."""
        for path in files_of(folder):
            self.put(join_uri(prefix_uri, path.relative_to(folder).as_posix()), path.read_bytes())


def files_of(folder: Path) -> Iterator[Path]:
    """Return the files below a folder, sorted by path."""
    return iter(sorted(path for path in folder.rglob("*") if path.is_file()))
