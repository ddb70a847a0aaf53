"""Predict with an endpoint and draw its detections on the image."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, UnidentifiedImageError

from groundloop.aws import client, poll_seconds
from groundloop.detections.endpoint import (
    ASYNC_TIMEOUT_SECONDS,
    AsyncEndpointClient,
    EndpointClient,
    SupportsDetect,
)
from groundloop.detections.predictions import Detections, Threshold
from groundloop.errors import UserError
from groundloop.models.packages import Package
from groundloop.spec.payloads import MAX_REAL_TIME_BYTES, MAX_SERVERLESS_BYTES


def detector(
    region: str,
    endpoint: str,
    classes: Sequence[str],
    *,
    upload_prefix: str,
    timeout_seconds: float = ASYNC_TIMEOUT_SECONDS,
) -> SupportsDetect:
    """Return the client that an endpoint needs: a synchronous or an asynchronous one.

    Args:
        region: AWS region.
        endpoint: name of the endpoint.
        classes: the class list of the model behind it, in id order.
        upload_prefix: S3 prefix for the images that are sent to an asynchronous endpoint.
        timeout_seconds: how long to wait for an asynchronous endpoint's response.
    """
    runtime = client("sagemaker-runtime", region)
    described = client("sagemaker", region).describe_endpoint(EndpointName=endpoint)
    if described.get("AsyncInferenceConfig"):
        return AsyncEndpointClient(
            runtime,
            client("s3", region),
            endpoint,
            classes,
            upload_prefix=upload_prefix,
            timeout_seconds=timeout_seconds,
            poll_seconds=poll_seconds(2),
        )
    variants = described.get("ProductionVariants") or []
    serverless = any(variant.get("CurrentServerlessConfig") for variant in variants)
    max_bytes = MAX_SERVERLESS_BYTES if serverless else MAX_REAL_TIME_BYTES
    return EndpointClient(runtime, endpoint, classes, max_bytes=max_bytes)


def annotate(
    region: str,
    endpoint: str,
    package: Package,
    image: bytes,
    threshold: Threshold,
    *,
    upload_prefix: str,
    timeout_seconds: float = ASYNC_TIMEOUT_SECONDS,
) -> tuple[Image.Image, Detections]:
    """Send an encoded image to an endpoint and draw the detections.

    Args:
        region: AWS region.
        endpoint: name of the endpoint.
        package: the model package that it serves; its class list decodes the response.
        image: content of a JPEG or PNG file.
        threshold: minimum score of the detections that are drawn and returned.
        upload_prefix: S3 prefix for the image if the endpoint is asynchronous.
        timeout_seconds: how long to wait for an asynchronous endpoint's response.

    Returns:
        The image with the detections of at least `threshold` drawn on it, and those detections.

    Raises:
        UserError: the bytes are not an image, or too many for the endpoint; an asynchronous request failed or timed
            out.
    """
    try:
        picture = Image.open(io.BytesIO(image))
        picture.load()
    except (UnidentifiedImageError, OSError):
        raise UserError("the file cannot be read as an image: give a JPEG or PNG") from None
    caller = detector(region, endpoint, package.classes, upload_prefix=upload_prefix, timeout_seconds=timeout_seconds)
    detections = caller.detect(image)
    return detections.draw(picture, threshold), detections.filter(threshold)
