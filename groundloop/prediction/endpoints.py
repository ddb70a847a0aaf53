"""What an endpoint serves, and the client that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundloop.aws import client, poll_seconds, session
from groundloop.detections.endpoint import (
    ASYNC_TIMEOUT_SECONDS,
    DEFAULT_VARIANT,
    AsyncEndpointClient,
    EndpointClient,
    Observer,
    SupportsDetect,
)
from groundloop.errors import UserError
from groundloop.models.packages import Package, served_by
from groundloop.s3 import join_uri
from groundloop.spec.payloads import MAX_REAL_TIME_BYTES, MAX_SERVERLESS_BYTES

#: Of a model's container: InvokeEndpoint gives it 60 seconds.
_READ_TIMEOUT_SECONDS = 70
#: Of the image of an asynchronous request, in bytes: "Asynchronous inference" in the developer guide says 1 GB.
MAX_ASYNC_BYTES = 1_000_000_000


@dataclass(frozen=True)
class ServedDetector:
    """The client of an endpoint, the version that it serves, and the maximum size of a request."""

    client: SupportsDetect
    package: Package
    max_bytes: int


def from_endpoint(
    name: str,
    region: str | None,
    group: str | None,
    upload_prefix: str | None,
    timeout_seconds: float,
    workers: int,
    observe: Observer | None = None,
) -> ServedDetector:
    """Return what an endpoint serves; see `Detector.from_endpoint`."""
    where = region or session(None).region_name
    if not where:
        raise UserError("no AWS region: give one, or set AWS_REGION")
    package = served_by(where, name, group)
    found, max_bytes = endpoint_client(
        where,
        name,
        package.classes,
        upload_prefix=upload_prefix,
        timeout_seconds=timeout_seconds,
        workers=workers,
        observe=observe,
    )
    return ServedDetector(found, package, max_bytes)


def endpoint_client(
    region: str,
    name: str,
    classes: Sequence[str],
    *,
    upload_prefix: str | None = None,
    timeout_seconds: float = ASYNC_TIMEOUT_SECONDS,
    workers: int = 1,
    observe: Observer | None = None,
) -> tuple[SupportsDetect, int]:
    """Return the client that an endpoint needs, and the maximum size of an image.

    Args:
        region: AWS region.
        name: of the endpoint.
        classes: the class list of the model behind it, in id order.
        upload_prefix: S3 prefix for the images of an asynchronous endpoint; None takes one beside its outputs.
        timeout_seconds: how long to wait for an asynchronous endpoint's response.
        workers: threads that will use the client.
        observe: is given every request with its response.
    """
    described = client("sagemaker", region).describe_endpoint(EndpointName=name)
    runtime = runtime_client(region, workers)
    asynchronous = described.get("AsyncInferenceConfig")
    variants = described.get("ProductionVariants") or []
    if asynchronous:
        queued = AsyncEndpointClient(
            runtime,
            client("s3", region),
            name,
            classes,
            upload_prefix=upload_prefix or join_uri(asynchronous["OutputConfig"]["S3OutputPath"], "images"),
            timeout_seconds=timeout_seconds,
            poll_seconds=poll_seconds(2),
            variant=variants[0]["VariantName"] if variants else DEFAULT_VARIANT,
            observe=observe,
        )
        return queued, MAX_ASYNC_BYTES
    serverless = any(variant.get("CurrentServerlessConfig") for variant in variants)
    max_bytes = MAX_SERVERLESS_BYTES if serverless else MAX_REAL_TIME_BYTES
    return EndpointClient(runtime, name, classes, max_bytes=max_bytes, observe=observe), max_bytes


def runtime_client(region: str, workers: int) -> Any:
    """Return boto3's client of endpoints for a number of threads, without botocore's own retries."""
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 1}
    config = Config(max_pool_connections=workers, retries=retries, read_timeout=_READ_TIMEOUT_SECONDS)
    return session(region).client("sagemaker-runtime", config=config)
