"""A place with captured requests, in S3 or in a folder on disk: its files, their lines, and images elsewhere."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from groundloop.errors import UserError
from groundloop.s3 import SCHEME, is_missing, join_uri, read_bytes, split_uri
from groundloop.spec.data_capture import HOUR_FOLDERS, hour_of

#: A request of 6 MB in base64, its response, and room: a longer line is damaged.
MAX_LINE_BYTES = 64_000_000
_CHUNK_BYTES = 1_000_000
# Folders of variants that are looked into before a prefix is listed as a whole.
_MAX_VARIANTS = 20
_YEAR = re.compile(r"\d{4}/")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file or an object.

    Attributes:
        name: path or S3 URI.
        modified: when it was written.
    """

    name: str
    modified: datetime


class Storage(Protocol):
    """A folder on disk or an S3 prefix, whose files are read one at a time."""

    def files(self, since: datetime | None = None) -> list[StoredFile]:
        """Return the files below the place, sorted by name.

        Args:
            since: files in folders of hours before it may be left out, so that the history of an endpoint is not
                listed for the requests of one day.
        """

    def lines(self, name: str) -> Iterator[bytes | None]:
        """Yield the lines of a file; None for one of more than `MAX_LINE_BYTES`."""

    def read(self, name: str) -> bytes:
        """Return the content of any file or object.

        Raises:
            UserError: it does not exist.
        """


def storage(place: str, region: str | None = None) -> Storage:
    """Return the storage at a place.

    Args:
        place: S3 URI or a folder on disk.
        region: AWS region of S3 URIs; None takes that of the environment.

    Raises:
        UserError: there is no such folder.
    """
    return _S3Storage(place, region) if place.startswith(SCHEME) else _DiskStorage(Path(place), region)


class _Files:
    def __init__(self, region: str | None) -> None:
        self._region = region

    @cached_property
    def _s3(self) -> Any:
        from groundloop.aws import image_client

        return image_client(self._region)

    def lines(self, name: str) -> Iterator[bytes | None]:
        """Yield the lines of a file, while it is being downloaded."""
        with self._opened(name) as stream:
            yield from _lines(stream)

    def read(self, name: str) -> bytes:
        """Return the content of a file, or of an object in S3."""
        if name.startswith(SCHEME):
            return read_bytes(self._s3, name)
        try:
            return Path(name).read_bytes()
        except OSError as error:
            raise UserError(f"{name}: can't be read: {error.strerror}") from None

    @contextmanager
    def _opened(self, name: str) -> Iterator[BinaryIO | io.BufferedReader]:
        if not name.startswith(SCHEME):
            with Path(name).open("rb") as stream:
                yield stream
            return
        bucket, key = split_uri(name)
        with closing(self._s3.get_object(Bucket=bucket, Key=key)["Body"]) as body:
            yield io.BufferedReader(body, _CHUNK_BYTES)


class _DiskStorage(_Files):
    def __init__(self, folder: Path, region: str | None) -> None:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder: give an S3 URI, or the folder that holds captured requests")
        super().__init__(region)
        self._folder = folder

    def files(self, since: datetime | None = None) -> list[StoredFile]:
        """Return the files below the folder."""
        found = [path for path in self._folder.rglob("*") if path.is_file()]
        files = [
            StoredFile(path.as_posix(), datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)) for path in found
        ]
        return sorted(files, key=lambda file: file.name)


class _S3Storage(_Files):
    def __init__(self, uri: str, region: str | None) -> None:
        super().__init__(region)
        self._bucket, prefix = split_uri(uri)
        # A prefix is a folder: `capture` is not to find `capture-other/`. A single object may be named too.
        self._prefix = prefix if not prefix or prefix.endswith(("/", ".jsonl", ".out")) else prefix + "/"
        self._uri = uri

    def files(self, since: datetime | None = None) -> list[StoredFile]:
        """Return the objects below the prefix; of folders by hour, those from the hour of `since` on."""
        from botocore.exceptions import ClientError

        try:
            found = [
                (item["Key"], item["LastModified"])
                for prefix, start in self._parts(since)
                for page in self._pages(Prefix=prefix, **start)
                for item in page.get("Contents", ())
            ]
        except ClientError as error:
            if is_missing(error):
                raise UserError(f"{self._uri}: there is no bucket {self._bucket}") from None
            raise
        return [StoredFile(join_uri(f"{SCHEME}{self._bucket}", key), modified) for key, modified in sorted(found)]

    def _parts(self, since: datetime | None) -> list[tuple[str, dict[str, str]]]:
        """Return the prefixes to list, each with what else the request says."""
        if since is not None:
            hour = since.astimezone(timezone.utc).strftime(HOUR_FOLDERS)
            if self._is_by_hour(self._prefix):
                return [(self._prefix, {"StartAfter": self._prefix + hour})]
            variants, has_files = self._folders(self._prefix)
            if variants and not has_files and len(variants) <= _MAX_VARIANTS and all(map(self._is_by_hour, variants)):
                return [(variant, {"StartAfter": variant + hour}) for variant in variants]
        return [(self._prefix, {})]

    def _is_by_hour(self, prefix: str) -> bool:
        """Return whether a prefix has nothing but folders of data capture by year, month, day and hour."""
        folders, has_files = self._folders(prefix)
        if has_files or not folders or not all(_YEAR.fullmatch(folder.removeprefix(prefix)) for folder in folders):
            return False
        pages = self._pages(Prefix=prefix, PaginationConfig={"MaxItems": 1, "PageSize": 1})
        first = next(iter(pages))["Contents"][0]["Key"]
        return hour_of(first) is not None and first.removeprefix(prefix).count("/") == HOUR_FOLDERS.count("/") + 1

    def _folders(self, prefix: str) -> tuple[list[str], bool]:
        """Return the folders directly below a prefix, and whether there are files beside them."""
        pages = list(self._pages(Prefix=prefix, Delimiter="/"))
        folders = [folder["Prefix"] for page in pages for folder in page.get("CommonPrefixes", ())]
        return folders, any(page.get("Contents") for page in pages)

    def _pages(self, **request: Any) -> Any:
        return self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **request)


def _lines(stream: BinaryIO | io.BufferedReader) -> Iterator[bytes | None]:
    while line := stream.readline(MAX_LINE_BYTES + 1):
        if len(line) <= MAX_LINE_BYTES:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(_CHUNK_BYTES)
        yield None
