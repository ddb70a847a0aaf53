"""The files of data capture, in S3 or in a folder on disk, and their lines, of which one is in memory at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from groundloop.errors import UserError
from groundloop.s3 import SCHEME, is_missing, join_uri, split_uri
from groundloop.spec.data_capture import SUFFIX, hour_of

#: A request of 6 MB in base64, its response, and room: a longer line is damaged.
MAX_LINE_BYTES = 64_000_000
_CHUNK_BYTES = 1_000_000
_HOUR = timedelta(hours=1)


class CaptureFiles(Protocol):
    """A place with files of data capture."""

    def names(self) -> list[str]:
        """Return the files, sorted: those of one variant in the order in which they were written."""

    def lines(self, name: str) -> Iterator[bytes | None]:
        """Yield the lines of a file; None for one that is too long."""


def capture_files(
    place: str, region: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> CaptureFiles:
    """Return the files of data capture at a place.

    Args:
        place: S3 URI, such as the endpoint's folder below `DestinationS3Uri`, or a folder on disk.
        region: AWS region of an S3 URI; None takes that of the environment.
        since, until: only files whose folders name an hour in between.

    Raises:
        UserError: there is no such folder.
    """
    if place.startswith(SCHEME):
        return _S3Files(place, region, since, until)
    return _LocalFiles(Path(place), since, until)


class _LocalFiles:
    def __init__(self, folder: Path, since: datetime | None, until: datetime | None) -> None:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder: give an S3 URI, or the folder that holds captured requests")
        self._folder, self._since, self._until = folder, since, until

    def names(self) -> list[str]:
        """Return the files below the folder."""
        found = (path.as_posix() for path in self._folder.rglob(f"*{SUFFIX}") if path.is_file())
        return sorted(name for name in found if _is_within(name, self._since, self._until))

    def lines(self, name: str) -> Iterator[bytes | None]:
        """Yield the lines of a file."""
        with Path(name).open("rb") as stream:
            yield from _lines(stream)


class _S3Files:
    def __init__(self, uri: str, region: str | None, since: datetime | None, until: datetime | None) -> None:
        from groundloop.aws import image_client

        self._uri, self._since, self._until = uri, since, until
        self._s3 = image_client(region)

    def names(self) -> list[str]:
        """Return the URIs of the objects below the prefix."""
        from botocore.exceptions import ClientError

        bucket, prefix = split_uri(self._uri)
        folder = prefix if not prefix or prefix.endswith(("/", SUFFIX)) else prefix + "/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
        try:
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        except ClientError as error:
            if is_missing(error):
                raise UserError(f"{self._uri}: there is no bucket {bucket}") from None
            raise
        found = (key for key in keys if key.endswith(SUFFIX) and _is_within(key, self._since, self._until))
        return sorted(join_uri(f"{SCHEME}{bucket}", key) for key in found)

    def lines(self, name: str) -> Iterator[bytes | None]:
        """Yield the lines of an object, while it is being downloaded."""
        bucket, key = split_uri(name)
        with closing(self._s3.get_object(Bucket=bucket, Key=key)["Body"]) as body:
            yield from _lines(io.BufferedReader(body, _CHUNK_BYTES))


def _is_within(name: str, since: datetime | None, until: datetime | None) -> bool:
    """Return whether an hour of a file's folders lies between two times; files elsewhere always do."""
    hour = hour_of(name)
    if hour is None:
        return True
    return (since is None or hour + _HOUR > since) and (until is None or hour <= until)


def _lines(stream: BinaryIO | io.BufferedReader) -> Iterator[bytes | None]:
    while line := stream.readline(MAX_LINE_BYTES + 1):
        if len(line) <= MAX_LINE_BYTES:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(_CHUNK_BYTES)
        yield None
