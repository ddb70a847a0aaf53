"""Download labels from S3 for as long as they are needed: one object, or the objects below a prefix."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import ClientError

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.s3 import SCHEME, is_missing, split_uri

_MAX_WORKERS = 8

Progress = Callable[[int, int], None]
"""Called with the number of objects that are downloaded, and of all objects."""


class S3Download:
    """A local copy of an S3 object or prefix: an object is downloaded at once, the objects below a prefix by `fetch`.

    Args:
        uri: S3 URI of an object, or of a prefix: the objects whose keys begin with it and a slash.
        region: AWS region.
        folder: an empty folder on disk.
        progress: called after each object that `fetch` downloads.

    Attributes:
        path: the file, or the folder with the same layout as in S3.
        is_folder: whether the URI is a prefix.

    Raises:
        UserError: there is neither an object nor a prefix of that name.
    """

    def __init__(self, uri: str, region: str, folder: Path, progress: Progress | None = None) -> None:
        self._s3 = client("s3", region)
        self._folder = folder
        self._progress = progress
        self._bucket, key = split_uri(uri)
        parent, _, name = key.rpartition("/")
        self.is_folder = not (name and self._download_if_present(key, name))
        if self.is_folder:
            self.path, self._base = folder, uri.rstrip("/")
            self._pending = self._list(key.rstrip("/") + "/" if key else "")
            if not self._pending:
                raise UserError(f"{uri} does not exist in S3: check the URI")
        else:
            self.path, self._base = folder / name, f"{SCHEME}{self._bucket}/{parent}".rstrip("/")
            self._pending = {}

    def fetch(self, is_needed: Callable[[str], bool]) -> None:
        """Download the objects below the prefix that were not downloaded before.

        Args:
            is_needed: tells for an object's name below the prefix whether to download it.

        Raises:
            UserError: an object's key cannot be a file name, or the disk refuses the file.
        """
        names = {name: key for name, key in self._pending.items() if is_needed(name)}
        with ThreadPoolExecutor(_MAX_WORKERS) as pool:
            downloads = pool.map(lambda item: self._download(item[1], item[0]), names.items())
            for done, _ in enumerate(downloads, start=1):
                if self._progress:
                    self._progress(done, len(names))
        for name in names:
            del self._pending[name]

    def with_uris(self, text: str) -> str:
        """Replace the paths of the temporary files in a text by their S3 URIs."""
        return text.replace(str(self._folder), self._base)

    def _list(self, prefix: str) -> dict[str, str]:
        """Return the keys below the prefix by their names below it."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        try:
            keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        except ClientError as error:
            if is_missing(error):
                return {}
            raise
        return {key.removeprefix(prefix): key for key in keys if not key.endswith("/")}

    def _download_if_present(self, key: str, name: str) -> bool:
        """Download an object and return True; return False if there is no object with that key."""
        try:
            self._download(key, name)
        except ClientError as error:
            if is_missing(error):
                return False
            raise
        return True

    def _download(self, key: str, name: str) -> None:
        uri = f"{SCHEME}{self._bucket}/{key}"
        _check_file_name(name, uri)
        file = self._folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as stream:
                self._s3.download_fileobj(self._bucket, key, stream)
        except ClientError:
            file.unlink(missing_ok=True)
            raise
        except OSError as error:
            raise UserError(f"{uri}: cannot be written to disk: {error.strerror}") from None


def _check_file_name(name: str, uri: str) -> None:
    if any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name or "\0" in name:
        raise UserError(f"{uri}: its key cannot be a file name: rename the object, or give another prefix")


@contextmanager
def s3_download(uri: str, region: str, progress: Progress | None = None) -> Iterator[S3Download]:
    """Download to a temporary folder that is deleted when the body ends; UserErrors of the body name S3 URIs."""
    with tempfile.TemporaryDirectory(prefix="groundloop-") as folder:
        download = S3Download(uri, region, Path(folder), progress)
        try:
            yield download
        except UserError as error:
            raise UserError(download.with_uris(str(error))) from None
