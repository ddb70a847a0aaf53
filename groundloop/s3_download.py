"""A copy of labels that are in S3: one object, or the folder that all its objects make, on disk while it is needed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.errors import UserError

_AT_ONCE = 8
_CHUNK = 1 << 20
_GONE = frozenset({"NoSuchKey", "NoSuchBucket", "404"})

Progress = Callable[[int, int], None]
"""Is told how many objects are copied, of how many."""


class S3Copy:
    """What is at an S3 URI: an object is copied at once, the objects of a folder by `fetch`.

    Args:
        uri: of an object, or of a folder: the objects whose keys begin with it and a slash.
        folder: on disk, empty.

    Attributes:
        path: the file, or the folder with the same layout as in S3.
        is_folder: which of the two.

    Raises:
        UserError: there is nothing.
    """

    def __init__(self, uri: str, region: str, folder: Path, progress: Progress | None = None) -> None:
        self._s3 = client("s3", region)
        self._folder = folder
        self._progress = progress
        self._bucket, _, key = uri.removeprefix("s3://").partition("/")
        above, _, name = key.rpartition("/")
        self.is_folder = not (name and self._found(key, name))
        if self.is_folder:
            self.path, self._base = folder, uri.rstrip("/")
            self._left = self._listed(key.rstrip("/") + "/" if key else "")
            if not self._left:
                raise UserError(f"{uri}: is not there: check the URI")
        else:
            self.path, self._base = folder / name, f"s3://{self._bucket}/{above}".rstrip("/")
            self._left = {}

    def fetch(self, wanted: Callable[[str], bool]) -> None:
        """Copy the objects of a folder that were not copied before.

        Args:
            wanted: whether an object is, by its name below the folder.

        Raises:
            UserError: an object has no name for a file, or the disk refuses it.
        """
        names = {name: key for name, key in self._left.items() if wanted(name)}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            copies = pool.map(lambda one: self._copy(one[1], one[0]), names.items())
            for done, _ in enumerate(copies, start=1):
                if self._progress:
                    self._progress(done, len(names))
        for name in names:
            del self._left[name]

    def named(self, text: str) -> str:
        """The text with S3 URIs for the names of the copies, which nobody knows."""
        return text.replace(str(self._folder), self._base)

    def _listed(self, prefix: str) -> dict[str, str]:
        """Key by name below the prefix."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        try:
            keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        except ClientError as error:
            if error_code(error) in _GONE:
                return {}
            raise
        return {key.removeprefix(prefix): key for key in keys if not key.endswith("/")}

    def _found(self, key: str, name: str) -> bool:
        """Whether there is an object of that key, which then is copied."""
        try:
            self._copy(key, name)
        except ClientError as error:
            if error_code(error) in _GONE:
                return False
            raise
        return True

    def _copy(self, key: str, name: str) -> None:
        body: Any = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
        file = self._folder / _checked(name, f"s3://{self._bucket}/{key}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with body, file.open("xb") as stream:
                shutil.copyfileobj(body, stream, _CHUNK)
        except OSError as error:
            raise UserError(f"s3://{self._bucket}/{key}: cannot be copied to the disk: {error.strerror}") from None


def _checked(name: str, uri: str) -> str:
    if any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name or "\0" in name:
        raise UserError(f"{uri}: its key cannot be a file below a folder: rename the object, or give another prefix")
    return name


@contextmanager
def s3_copy(uri: str, region: str, progress: Progress | None = None) -> Iterator[S3Copy]:
    """A copy that is gone when the body ends; the body's UserErrors name what is in S3."""
    with tempfile.TemporaryDirectory(prefix="groundloop-") as folder:
        copy = S3Copy(uri, region, Path(folder), progress)
        try:
            yield copy
        except UserError as error:
            raise UserError(copy.named(str(error))) from None
