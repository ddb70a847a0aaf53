"""What an asynchronous endpoint sends to its SNS topics: where a request's input and output lie in S3.

Source: Amazon SageMaker developer guide, "Check prediction results" of asynchronous inference. A message may come as
it is, or in the envelope that SNS puts around it for queues and delivery streams.
"""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """The request that was queued."""

    endpoint_name: str
    input_location: str
    content_type: str | None = None


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """Where the response lies."""

    output_location: str | None = None
    content_type: str | None = None


class AsyncNotification(msgspec.Struct, frozen=True, rename="camel"):
    """A message of the success topic or of the error topic.

    Attributes:
        event_time: when the response was written, or the request failed.
        received_time: when the request came.
        invocation_status: `Completed` or `Failed`.
    """

    request_parameters: Request
    invocation_status: str
    event_time: str
    received_time: str | None = None
    response_parameters: Response | None = None
    inference_id: str | None = None

    @property
    def output(self) -> str | None:
        """S3 URI of the response; None where the model failed."""
        completed = self.invocation_status == "Completed" and self.response_parameters
        return self.response_parameters.output_location if completed and self.response_parameters else None


class _Envelope(msgspec.Struct):
    message: str = msgspec.field(name="Message")


_MESSAGE = msgspec.json.Decoder(AsyncNotification)
_ENVELOPE = msgspec.json.Decoder(_Envelope)


def parse_notification(line: bytes) -> AsyncNotification | None:
    """Read one message, in its envelope or without; None if the line is something else."""
    try:
        return _MESSAGE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _MESSAGE.decode(_ENVELOPE.decode(line).message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
