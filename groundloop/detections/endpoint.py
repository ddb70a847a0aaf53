"""Detections from a deployed endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from groundloop.detections.predictions import Detections, parse_detections

# The one content type that the algorithm's page names; it covers JPEG and PNG.
CONTENT_TYPE = "application/x-image"


class Runtime(Protocol):
    """The part of boto3's `sagemaker-runtime` client."""

    def invoke_endpoint(self, *, EndpointName: str, ContentType: str, Body: bytes) -> Any:  # noqa: N803
        """Send one request."""


class EndpointClient:
    """A deployed detector.

    Args:
        runtime: boto3's `sagemaker-runtime` client.
        endpoint_name: the endpoint.
        classes: the class list of the model behind it, in id order.
    """

    def __init__(self, runtime: Runtime, endpoint_name: str, classes: Sequence[str]) -> None:
        self._runtime = runtime
        self._endpoint_name = endpoint_name
        self._classes = tuple(classes)

    def detect(self, image: bytes) -> Detections:
        """Detect the objects on one encoded image (JPEG or PNG).

        Raises:
            UserError: The endpoint's answer is not a detector's for these classes.
            botocore.exceptions.ClientError: the endpoint does not exist, refuses the image, or fails.
        """
        answer = self._runtime.invoke_endpoint(EndpointName=self._endpoint_name, ContentType=CONTENT_TYPE, Body=image)
        return parse_detections(answer["Body"].read(), self._classes, f"endpoint {self._endpoint_name}")
