"""The detector behind the endpoint of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundloop.detections.endpoint import ASYNC_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from groundloop.prediction.client_capture import ClientCapture
    from groundloop.prediction.detector import Detector
    from pipeline.config import Config


def served_detector(
    config: Config,
    endpoint: str | None = None,
    *,
    timeout_seconds: float = ASYNC_TIMEOUT_SECONDS,
    workers: int = 1,
    capture: ClientCapture | None = None,
) -> Detector:
    """Return the detector that an endpoint serves.

    Args:
        config: names the region, the registry, and the prefix for the images of an asynchronous endpoint, which the
            execution role can read.
        endpoint: name of the endpoint; None takes deploy.endpoint.name.
        timeout_seconds: how long to wait for an asynchronous endpoint's response.
        workers: threads that will use it.
        capture: keeps every request with its response.

    Raises:
        UserError: there is no such endpoint, or its model is not a version of the group.
    """
    from groundloop.prediction.detector import Detector

    return Detector.from_endpoint(
        endpoint or config.deploy.endpoint.name,
        region=config.aws.region,
        group=config.registry.group,
        upload_prefix=f"s3://{config.aws.bucket}/{config.aws.prefix}/predict",
        timeout_seconds=timeout_seconds,
        workers=workers,
        capture=capture,
    )
