"""Detections from a deployed endpoint: real-time, serverless or asynchronous.

The sizes and the protocol: Amazon SageMaker developer guide, "Invoke models for real-time inference", "Invoke a
serverless endpoint" and "Invoke an Asynchronous Endpoint".
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.s3 import is_missing, join_uri, split_uri
from groundloop.spec.payloads import MAX_REAL_TIME_BYTES

# The one content type that the algorithm's page names; it covers JPEG and PNG.
CONTENT_TYPE = "application/x-image"
#: How long to wait for an asynchronous endpoint, in seconds: one that has scaled to no instance starts one first.
ASYNC_TIMEOUT_SECONDS = 15 * 60.0


#: The variant of an endpoint that does not say which one answered.
DEFAULT_VARIANT = "AllTraffic"


@dataclass(frozen=True)
class Exchange:
    """A request and its response.

    Attributes:
        image: as it was sent.
        inference_id: SHA-256 of the image, by which a captured request and a label of its image can be joined.
        answer: body of the response.
        content_type: of the response; None where it is not known.
        variant: that answered.
    """

    image: bytes
    inference_id: str
    answer: bytes
    content_type: str | None
    variant: str


#: Is given every exchange that succeeded.
Observer: TypeAlias = Callable[[Exchange], None]


class SupportsDetect(Protocol):
    """Detects the objects on encoded images."""

    def detect(self, image: bytes) -> Detections:
        """Return the detections of one image."""


class Runtime(Protocol):
    """The part of boto3's `sagemaker-runtime` client that a real-time or serverless endpoint needs."""

    def invoke_endpoint(
        self,
        *,
        EndpointName: str,  # noqa: N803
        ContentType: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        InferenceId: str,  # noqa: N803
    ) -> Any:
        """Send one request and return its response."""


class AsyncRuntime(Protocol):
    """The part of boto3's `sagemaker-runtime` client that an asynchronous endpoint needs."""

    def invoke_endpoint_async(
        self,
        *,
        EndpointName: str,  # noqa: N803
        ContentType: str,  # noqa: N803
        InputLocation: str,  # noqa: N803
        InferenceId: str,  # noqa: N803
    ) -> Any:
        """Queue one request and return where its response will be."""


class EndpointClient:
    """A client of a real-time or serverless endpoint.

    Args:
        runtime: boto3's `sagemaker-runtime` client.
        endpoint_name: the endpoint.
        classes: the class list of the model behind it, in id order.
        max_bytes: maximum size of an image.
        observe: is given every exchange; several threads may call it.
    """

    def __init__(
        self,
        runtime: Runtime,
        endpoint_name: str,
        classes: Sequence[str],
        *,
        max_bytes: int = MAX_REAL_TIME_BYTES,
        observe: Observer | None = None,
    ) -> None:
        self._runtime = runtime
        self._endpoint_name = endpoint_name
        self._classes = tuple(classes)
        self._max_bytes, self._observe = max_bytes, observe

    def detect(self, image: bytes) -> Detections:
        """Detect the objects on one encoded image (JPEG or PNG), whose SHA-256 is sent as the request's InferenceId.

        Raises:
            UserError: the image is too large for a request, or the response is not a detector's for these classes.
            botocore.exceptions.ClientError: the endpoint does not exist, rejects the image, or fails.
        """
        if len(image) > self._max_bytes:
            raise UserError(
                f"the image has {len(image)} bytes, endpoint {self._endpoint_name} takes at most {self._max_bytes}: "
                "send a smaller image, or deploy an asynchronous endpoint (deploy.endpoint.async_inference)"
            )
        inference_id = hashlib.sha256(image).hexdigest()
        response = self._runtime.invoke_endpoint(
            EndpointName=self._endpoint_name, ContentType=CONTENT_TYPE, Body=image, InferenceId=inference_id
        )
        answer = response["Body"].read()
        if self._observe:
            variant = response.get("InvokedProductionVariant") or DEFAULT_VARIANT
            self._observe(Exchange(image, inference_id, answer, response.get("ContentType"), variant))
        return Detections.from_sagemaker(answer, self._classes, f"endpoint {self._endpoint_name}")


class AsyncEndpointClient:
    """A client of an asynchronous endpoint: images and responses are objects in S3.

    Args:
        runtime: boto3's `sagemaker-runtime` client.
        s3: boto3's `s3` client.
        endpoint_name: the endpoint.
        classes: the class list of the model behind it, in id order.
        upload_prefix: S3 prefix for the images, which the endpoint's execution role has to be able to read.
        timeout_seconds: how long to wait for a response.
        poll_seconds: pause between two looks for the response.
        variant: name of the endpoint's variant, for `observe`.
        observe: is given every exchange; several threads may call it.
    """

    def __init__(
        self,
        runtime: AsyncRuntime,
        s3: Any,
        endpoint_name: str,
        classes: Sequence[str],
        *,
        upload_prefix: str,
        timeout_seconds: float = ASYNC_TIMEOUT_SECONDS,
        poll_seconds: float = 2,
        variant: str = DEFAULT_VARIANT,
        observe: Observer | None = None,
    ) -> None:
        self._runtime, self._s3 = runtime, s3
        self._endpoint_name = endpoint_name
        self._classes = tuple(classes)
        self._upload_prefix = upload_prefix
        self._timeout_seconds, self._poll_seconds = timeout_seconds, poll_seconds
        self._variant, self._observe = variant, observe

    def detect(self, image: bytes) -> Detections:
        """Detect the objects on one encoded image (JPEG or PNG).

        The image is uploaded under its SHA-256, so that repeated calls don't fill the bucket; it is the request's
        InferenceId too.

        Raises:
            UserError: the request failed or took too long, or the response is not a detector's for these classes.
            botocore.exceptions.ClientError: the endpoint does not exist, or S3 denies access.
        """
        inference_id = hashlib.sha256(image).hexdigest()
        input_uri = join_uri(self._upload_prefix, inference_id)
        bucket, key = split_uri(input_uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=image, ContentType=CONTENT_TYPE)
        response = self._runtime.invoke_endpoint_async(
            EndpointName=self._endpoint_name,
            ContentType=CONTENT_TYPE,
            InputLocation=input_uri,
            InferenceId=inference_id,
        )
        # An endpoint without S3FailurePath reports failures to its SNS topic only.
        content = self._wait(response["OutputLocation"], response.get("FailureLocation", ""))
        if self._observe:
            self._observe(Exchange(image, inference_id, content, None, self._variant))
        return Detections.from_sagemaker(content, self._classes, f"endpoint {self._endpoint_name}")

    def _wait(self, output_uri: str, failure_uri: str) -> bytes:
        deadline = time.monotonic() + self._timeout_seconds
        while True:
            content = self._read(output_uri)
            if content is not None:
                return content
            failure = self._read(failure_uri) if failure_uri else None
            if failure is not None:
                reason = " ".join(failure.decode("utf-8", "replace").split())[:1000]
                raise UserError(f"endpoint {self._endpoint_name} failed: {reason} ({failure_uri})")
            if time.monotonic() > deadline:
                raise UserError(
                    f"endpoint {self._endpoint_name} has not responded within {self._timeout_seconds:.0f} s: it may be "
                    f"starting an instance or have failed without an S3FailurePath; look at its log and at {output_uri}"
                )
            time.sleep(self._poll_seconds)

    def _read(self, uri: str) -> bytes | None:
        from botocore.exceptions import ClientError

        bucket, key = split_uri(uri)
        try:
            content: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return content
