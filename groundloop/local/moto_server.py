"""The one module that uses moto's internals: its server, its reset, its event patterns.

Everything of SageMaker that the project uses is answered before moto sees it (`groundloop.local.dispatcher`), so an
upgrade of moto can break only this file, and `tests/groundloop/local/test_moto_server.py` says where.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from groundloop.local.errors import LocalAwsError
from groundloop.local.http_server import ADDRESS, HttpServer, RequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Operations of SageMaker that moto answers: records that say what was stored, as on AWS. Whatever else moto has of
#: SageMaker answers with results that nobody computed (jobs that are Completed at once, notebooks InService), so it is
#: refused by name. Domains have no apps here, but their identifiers make the links to Studio.
ANSWERED_BY_MOTO = frozenset(
    {
        "CreateExperiment", "DescribeExperiment", "ListExperiments", "DeleteExperiment",
        "CreateTrial", "DescribeTrial", "ListTrials", "DeleteTrial",
        "CreateTrialComponent", "DescribeTrialComponent", "UpdateTrialComponent", "ListTrialComponents",
        "DeleteTrialComponent", "AssociateTrialComponent", "DisassociateTrialComponent",
        "CreateModelCard", "DescribeModelCard", "UpdateModelCard", "ListModelCards", "ListModelCardVersions",
        "DeleteModelCard",
        "CreateDomain", "DescribeDomain", "ListDomains", "DeleteDomain",
        # of these resources
        "AddTags", "ListTags", "DeleteTags",
    }
)  # fmt: skip
#: moto's own account, which it uses by default.
_MOTO_ACCOUNT = "MOTO_ACCOUNT_ID"


def moto_application() -> WSGIApplication:
    """Return moto's server as one WSGI application."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    class Moto(DomainDispatcherApplication):
        """Moto, which would list its own folder for each request, to see whether a host is the name of a service."""

        @functools.lru_cache(maxsize=256)  # noqa: B019 (there is one in a process)
        def get_backend_for_host(self, host: str | None) -> Any:
            return super().get_backend_for_host(host)

    application: WSGIApplication = Moto(create_backend_app)
    return application


def reset() -> None:
    """Forget all state that moto keeps in this process."""
    from moto.core.base_backend import BackendDict
    from moto.core.models import reset_model_data

    BackendDict.reset()
    reset_model_data()


@dataclass(frozen=True)
class StoredObject:
    """An S3 object: its place, its content, the headers that it was stored with, and when that was, in UTC."""

    bucket: str
    key: str
    body: bytes
    headers: dict[str, str]
    modified: datetime


def stored_objects(account: str) -> Iterator[StoredObject]:
    """Yield every object of moto's S3, bucket by bucket."""
    for bucket in _s3_backend(account).buckets.values():
        for name, key in bucket.keys.items():
            headers = {header: str(value) for header, value in key.metadata.items()}
            # moto's times are UTC without saying so.
            yield StoredObject(bucket.name, name, key.value, headers, key.last_modified.replace(tzinfo=timezone.utc))


def bucket_regions(account: str) -> dict[str, str]:
    """Return the region of each bucket of moto's S3 by the bucket's name."""
    return {bucket.name: bucket.region_name for bucket in _s3_backend(account).buckets.values()}


def store_object(account: str, item: StoredObject) -> None:
    """Put an object into a bucket of moto's S3."""
    key = _s3_backend(account).put_object(item.bucket, item.key, item.body)
    key.set_metadata(item.headers, replace=True)
    key.last_modified = item.modified.replace(tzinfo=None)


def make_bucket(account: str, name: str, region: str) -> None:
    """Create a bucket in moto's S3."""
    _s3_backend(account).create_bucket(name, region)


def has_autoscaling() -> bool:
    """Return whether moto's Application Auto Scaling is loaded: it is with the first request that gets there.

    With it come ECS and EC2, which take longer to import than all the rest of the offline AWS.
    """
    return "moto.applicationautoscaling" in sys.modules


class NoBucketError(LookupError):
    """There is no bucket of that name."""


def has_bucket(account: str, name: str) -> bool:
    """Return whether moto's S3 has a bucket."""
    return name in _s3_backend(account).buckets


def object_names(account: str, bucket: str) -> list[str]:
    """Return the keys of a bucket's objects, sorted.

    Raises:
        NoBucketError
    """
    return sorted(name for name in list(_bucket(account, bucket).keys) if has_object(account, bucket, name))


def has_object(account: str, bucket: str, name: str) -> bool:
    """Return whether a bucket has an object of this key.

    Raises:
        NoBucketError
    """
    return _object(account, bucket, name) is not None


def read_object(account: str, bucket: str, name: str) -> bytes | None:
    """Return the content of an object; None if there is none of that key.

    Raises:
        NoBucketError
    """
    key = _object(account, bucket, name)
    return None if key is None else bytes(key.value)


def write_object(account: str, bucket: str, name: str, body: bytes) -> None:
    """Put an object into a bucket, as PutObject does.

    Raises:
        NoBucketError
    """
    _bucket(account, bucket)
    _s3_backend(account).put_object(bucket, name, body)


def _object(account: str, bucket: str, name: str) -> Any:
    from moto.s3.models import FakeKey

    key = _bucket(account, bucket).keys.get(name)
    return key if isinstance(key, FakeKey) else None  # the other kind says that it was deleted


def _bucket(account: str, name: str) -> Any:
    if not has_bucket(account, name):
        raise NoBucketError(name)
    return _s3_backend(account).buckets[name]


def _s3_backend(account: str) -> Any:
    from moto.s3.models import s3_backends

    return s3_backends[account]["aws"]


def make_role(account: str, name: str, trust: str) -> None:
    """Create a role in moto's IAM.

    Args:
        account: whose it is.
        name: of the role.
        trust: who may assume it, a policy document.
    """
    from moto.iam.models import iam_backends

    iam_backends[account]["aws"].create_role(name, trust, "/", None, "", [], "3600")


def write_log(account: str, region: str, group: str, stream: str, lines: Sequence[str]) -> None:
    """Append lines to a stream of CloudWatch Logs, with the present time; the stream is made if it is missing."""
    from moto.logs.models import logs_backends

    backend = logs_backends[account][region]
    backend.ensure_log_group(group)
    backend.ensure_log_stream(group, stream)
    stamp = int(time.time() * 1000)
    backend.put_log_events(group, stream, [{"timestamp": stamp, "message": line} for line in lines])


def event_matches(pattern: str, event: dict[str, Any]) -> bool:
    """Whether an EventBridge event pattern (JSON text) matches an event."""
    from moto.events.models import EventPattern

    return bool(EventPattern.load(pattern).matches_event(event))


class Server:
    """A server of the application on the loopback address, for moto's account."""

    def __init__(self, application: WSGIApplication, port: int, account: str) -> None:
        from moto.moto_server.werkzeug_app import MotoRequestHandler

        class Handler(MotoRequestHandler, RequestHandler):
            """A request with the names of S3's own metadata as they were written, which WSGI doesn't tell."""

        try:
            self._server = HttpServer(application, port, Handler)
        except OSError as error:
            raise LocalAwsError(
                f"the offline AWS can't listen on {ADDRESS}:{port}: {error.strerror}; choose another port, or 0 for any"
            ) from error
        self.port = self._server.port
        self._account = os.environ.get(_MOTO_ACCOUNT)
        os.environ[_MOTO_ACCOUNT] = account

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()
        if self._account is None:
            os.environ.pop(_MOTO_ACCOUNT, None)
        else:
            os.environ[_MOTO_ACCOUNT] = self._account
