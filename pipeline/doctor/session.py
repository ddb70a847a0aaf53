"""How the doctor talks to AWS: one session, read-only calls, little patience."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from groundloop.images.access import Images
from groundloop.images.s3 import S3Images

_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 5, 15, 3


class Aws(Protocol):
    """Where the checks' answers come from."""

    def client(self, service: str) -> Any:
        """Return a boto3 client."""

    def images(self) -> Images:
        """Return the images in S3."""


class Session:
    """The AWS that the environment points to. Clients are made once, and one at a time: boto3's sessions ask for it."""

    def __init__(self, region: str) -> None:
        import boto3

        self._region = region
        self._session = boto3.Session(region_name=region)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        """Return a boto3 client with short time limits, one for all threads."""
        from botocore.config import Config

        with self._lock:
            if service not in self._clients:
                retries: Any = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
                config = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries=retries)
                self._clients[service] = self._session.client(service, config=config)
            return self._clients[service]

    def images(self) -> Images:
        """Return the images in S3."""
        return S3Images(self._region)
