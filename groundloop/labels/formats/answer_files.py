"""The files below a folder on disk or a prefix in S3, for formats that keep each answer in a file of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Protocol

from groundloop.errors import UserError
from groundloop.images.access import MAX_THREADS, MEGABYTE
from groundloop.s3 import SCHEME, split_uri

#: Files that are looked at; the answers of a labelling job with its maximum of 100,000 objects fit.
MAX_FILES = 500_000
MAX_FILE_BYTES = 100 * MEGABYTE
_BATCH = 1000


class AnswerFiles(Protocol):
    """Files below a place."""

    @property
    def place(self) -> str:
        """Return the place as it was given."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all files below the place, parts joined by `/`, sorted."""

    def uri(self, name: str) -> str:
        """Return the path or S3 URI of a file."""

    def read(self, name: str) -> bytes:
        """Return the content of a file; called from several threads.

        Raises:
            UserError: it can't be read, or is larger than a file of answers can be.
        """


def answer_files(place: str, region: str | None = None) -> AnswerFiles:
    """List the files below a folder or S3 prefix; a single file is one without others.

    Args:
        place: path or S3 URI.
        region: AWS region of the bucket; None takes that of the environment.

    Raises:
        UserError: there is nothing, it can't be read, or it holds more files than answers can be.
    """
    files: AnswerFiles = _S3Files(place, region) if place.startswith(SCHEME) else _LocalFiles(Path(place))
    if not files.names:
        raise UserError(f"{place}: there are no files: give the output folder of a labelling job or of human loops")
    if len(files.names) > MAX_FILES:
        raise UserError(f"{place}: more than {MAX_FILES:,} files: give the folder of one labelling job or flow")
    return files


def contents(files: AnswerFiles, names: Iterable[str]) -> Iterator[tuple[str, bytes | UserError]]:
    """Yield the contents of files in the order of their names, or why one can't be read."""

    def content(name: str) -> bytes | UserError:
        try:
            return files.read(name)
        except UserError as error:
            return error

    remaining = iter(names)
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        while batch := list(islice(remaining, _BATCH)):
            yield from zip(batch, pool.map(content, batch), strict=True)


class _LocalFiles:
    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self.names: tuple[str, ...]
        if path.is_file():
            self._folder, self.names = path.parent, (path.name,)
        elif path.is_dir():
            self._folder = path
            found = (file for file in path.rglob("*") if file.is_file())
            self.names = tuple(sorted(file.relative_to(path).as_posix() for file in islice(found, MAX_FILES + 1)))
        else:
            raise UserError(f"{path} does not exist: give a queue, a folder or an S3 prefix")

    def uri(self, name: str) -> str:
        return str(self._folder / name)

    def read(self, name: str) -> bytes:
        file = self._folder / name
        try:
            _check_size(str(file), file.stat().st_size)
            return file.read_bytes()
        except OSError as error:
            raise UserError(f"{file} cannot be read: {error.strerror}") from None


class _S3Files:
    def __init__(self, uri: str, region: str | None) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        from groundloop.aws import image_client

        self.place = uri
        self._bucket, key = split_uri(uri)
        self._s3 = image_client(region)
        single = key.endswith((".json", ".jsonl"))
        prefix = key if single or not key else key.rstrip("/") + "/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        try:
            found = (item for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/"))
            listed = sorted((str(item["Key"]), int(item["Size"])) for item in islice(found, MAX_FILES + 1))
        except (ClientError, BotoCoreError) as error:
            raise UserError(f"{uri} can't be listed: {error}") from None
        self._root = key.rpartition("/")[0] + "/" if single else prefix
        self._sizes = {key.removeprefix(self._root): size for key, size in listed}
        self.names = tuple(self._sizes)

    def uri(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._root}{name}"

    def read(self, name: str) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError

        _check_size(self.uri(name), self._sizes[name])
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=self._root + name)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise UserError(f"{self.uri(name)} can't be read: {error}") from None
        return body


def _check_size(file: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise UserError(f"{file}: {size:,} bytes, too large for a file of answers: take it out of the folder")
