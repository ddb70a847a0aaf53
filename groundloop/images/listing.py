"""Versions of images in S3 by listing their folders: one request for a thousand images, not one for each."""

from __future__ import annotations

import threading
from collections import defaultdict

from groundloop.images.access import ImageVersion
from groundloop.images.s3 import S3Images
from groundloop.s3 import split_uri

#: Images of a folder that are asked for one by one before the folder is listed: many folders hold few images each.
_ASKED_ONE_BY_ONE = 8


class ListedS3Images(S3Images):
    """Images in S3 whose versions come from listings of their folders.

    A folder that can't be listed, or that holds far more than the images, is not: its images are asked for one by one.
    So is an image that a listing lacks, since the answer says why.

    Args:
        max_objects: objects that all listings together may read.
        region: AWS region; None takes the region of the environment.

    Raises:
        UserError: there are no credentials, or no such region.
    """

    def __init__(self, max_objects: int, region: str | None = None) -> None:
        super().__init__(region)
        self._objects_left = max_objects
        self._asked: defaultdict[str, int] = defaultdict(int)
        self._listed: dict[str, dict[str, ImageVersion]] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def version(self, source_ref: str) -> ImageVersion:
        """Return the size and the ETag of the image's object."""
        folder, _, name = source_ref.rpartition("/")
        self._asked[folder] += 1
        if self._asked[folder] > _ASKED_ONE_BY_ONE:
            with self._locks[folder]:
                if folder not in self._listed:
                    self._listed[folder] = self._list(folder)
            if found := self._listed[folder].get(name):
                return found
        return super().version(source_ref)

    def _list(self, folder: str) -> dict[str, ImageVersion]:
        """Return the versions of a folder's objects by name; empty if it can't be listed, or holds too many."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, prefix = split_uri(f"{folder}/")
        found: dict[str, ImageVersion] = {}
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        try:
            for page in pages:
                self._objects_left -= len(page.get("Contents", ())) + len(page.get("CommonPrefixes", ()))
                if self._objects_left < 0:
                    return {}
                found.update(
                    (item["Key"][len(prefix) :], ImageVersion(item["Size"], item["ETag"].strip('"')))
                    for item in page.get("Contents", ())
                )
        # HeadObject says what is wrong, image by image.
        except (BotoCoreError, ClientError):
            return {}
        return found
