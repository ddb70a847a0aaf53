"""URLs by which browsers read images in S3 by themselves, so that they needn't pass through the page's server.

Whoever has such a URL can read that one object until it expires. Browsers turn an image by its EXIF orientation, and
nobody can change that on the way: images with another orientation than 1 stay with the server.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from groundloop.s3 import SCHEME, split_uri

#: How long a URL can be used, seconds: the time to download an image, not that to look at it.
EXPIRY_SECONDS = 300
#: A URL is given out again for so long, so that the browser's cache knows the image.
_REUSE_SECONDS = EXPIRY_SECONDS // 2
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")
_MAX_KEPT = 1000


class PresignedUrls:
    """Makes URLs of objects in S3.

    Args:
        region: AWS region of the bucket.
        clock: seconds, for the reuse of URLs.
        s3: boto3's `s3` client; None makes one.
    """

    def __init__(self, region: str | None, clock: Callable[[], float] = time.monotonic, s3: Any = None) -> None:
        self._s3 = s3 or _client(region)
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[str, tuple[float, str]] = {}
        self._origins: frozenset[str] = frozenset()

    def url(self, source_ref: str, media_type: str) -> str | None:
        """Return a URL for one image; None where it would have another origin than those that `allow` returned.

        Args:
            source_ref: its S3 URI.
            media_type: as which S3 sends it, whatever the object says of itself.
        """
        now = self._clock()
        with self._lock:
            made = self._made.get(source_ref)
            if made is not None and now - made[0] < _REUSE_SECONDS:
                return made[1]
        url = self._presigned(source_ref, media_type)
        if _origin(url) not in self._origins:
            return None
        with self._lock:
            if len(self._made) >= _MAX_KEPT:
                self._made.clear()
            self._made[source_ref] = now, url
        return url

    def allow(self, source_refs: Iterable[str]) -> frozenset[str]:
        """Allow the origins of the images' URLs, and return them for the page's content security policy.

        Images whose bucket has an impossible name have none.
        """
        from botocore.exceptions import BotoCoreError

        origins = set()
        for bucket in {split_uri(one)[0] for one in source_refs if one.startswith(SCHEME)}:
            try:
                origin = _origin(self._presigned(f"{SCHEME}{bucket}/key", "image/jpeg"))
            except (BotoCoreError, ValueError):
                continue
            if _ORIGIN.fullmatch(origin):
                origins.add(origin)
        self._origins = frozenset(origins)
        return self._origins

    def _presigned(self, source_ref: str, media_type: str) -> str:
        bucket, key = split_uri(source_ref)
        url: str = self._s3.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": bucket,
                "Key": key,
                "ResponseContentType": media_type,
                "ResponseCacheControl": f"private, max-age={EXPIRY_SECONDS}",
            },
            ExpiresIn=EXPIRY_SECONDS,
        )
        return url


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _client(region: str | None) -> Any:
    from botocore.config import Config

    from groundloop.aws import core_session

    return core_session(region).create_client("s3", config=Config(signature_version="s3v4"))
