"""Data capture of an endpoint: a share of its requests and responses goes to S3, several in one file."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from groundloop.local.context import Context, now
from groundloop.local.errors import JobError
from groundloop.local.s3 import S3
from groundloop.local.serving import Answer
from groundloop.s3 import join_uri
from groundloop.spec.capture_buffer import CaptureBuffer
from groundloop.spec.data_capture import (
    BOTH,
    INPUT,
    OUTPUT,
    CaptureData,
    CapturedData,
    CaptureRecord,
    ContentTypes,
    EventMetadata,
)

#: Records are written once no request has come for so long, and at the latest so long after the first, in seconds:
#: AWS takes minutes. Writing takes the processor from requests.
_QUIET_SECONDS, _MAX_SECONDS = 1.0, 60.0


@dataclass(frozen=True)
class Invocation:
    """One request of an endpoint, besides its response.

    Attributes:
        accept: content type that the caller wants.
        target: variant that the caller wants; None leaves it to the weights.
        inference_id, custom_attributes: given by the caller; they are captured only.
    """

    body: bytes
    content_type: str | None = None
    accept: str | None = None
    target: str | None = None
    inference_id: str | None = None
    custom_attributes: str | None = None


class DataCapture:
    """The data capture of one endpoint.

    Args:
        context: of the offline AWS.
        endpoint: name of the endpoint.
        config: its `DataCaptureConfig`.
        log: takes a line when a file can't be written; requests are answered all the same.
    """

    def __init__(self, context: Context, endpoint: str, config: dict[str, Any], log: Callable[[str], None]) -> None:
        modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        header = config.get("CaptureContentTypeHeader", {})
        self._context, self._log = context, log
        self._destination = config["DestinationS3Uri"]
        self._percentage = config["InitialSamplingPercentage"]
        self._input, self._output = bool(modes & {INPUT, BOTH}), bool(modes & {OUTPUT, BOTH})
        self._text_types = ContentTypes.of(header.get("CsvContentTypes", ()), header.get("JsonContentTypes", ()))
        self._buffer = CaptureBuffer(endpoint, self._start_writing)
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._first = self._last = 0.0
        self._writing: list[threading.Thread] = []

    @classmethod
    def of(
        cls, context: Context, endpoint: str, config: dict[str, Any] | None, log: Callable[[str], None]
    ) -> DataCapture | None:
        """Return the data capture that an endpoint config asks for; None where it is off."""
        if not config or not config.get("EnableCapture", True):
            return None
        return cls(context, endpoint, config, log)

    def take(self, variant: str, invocation: Invocation, answer: Answer | None) -> None:
        """Capture a request if it is in the sample.

        Args:
            variant: that answered it.
            invocation: the request.
            answer: its response; None where the model failed.
        """
        event_id = uuid.uuid4()
        if not _is_sampled(event_id, self._percentage):
            return
        time = now()

        def line() -> bytes:
            """Return the record's line; requests don't wait for it."""
            return self._record(str(event_id), time, invocation, answer).line()

        self._buffer.add(variant, time, len(invocation.body) + (len(answer.body) if answer else 0), line)
        with self._lock:
            self._last = monotonic()
            if self._timer is None:
                self._first = self._last
                self._start_timer()

    def _record(self, event_id: str, time: datetime, invocation: Invocation, answer: Answer | None) -> CaptureRecord:
        sent = CapturedData.of(invocation.body, invocation.content_type, INPUT, self._text_types)
        received = CapturedData.of(answer.body, answer.content_type, OUTPUT, self._text_types) if answer else None
        attributes = invocation.custom_attributes
        return CaptureRecord(
            CaptureData(sent if self._input else None, received if self._output else None),
            EventMetadata(
                event_id=event_id,
                inference_time=f"{time:%Y-%m-%dT%H:%M:%SZ}",
                inference_id=invocation.inference_id,
                custom_attributes=(attributes,) if attributes else None,
            ),
        )

    def flush(self) -> None:
        """Write what was captured since the last time, and wait until all is written."""
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._buffer.flush()
        with self._lock:
            writing, self._writing = self._writing, []
        for thread in writing:
            thread.join()

    def _start_timer(self) -> None:
        self._timer = threading.Timer(_QUIET_SECONDS, self._flush_when_quiet)
        self._timer.daemon = True
        self._timer.start()

    def _flush_when_quiet(self) -> None:
        with self._lock:
            current = monotonic()
            quiet = current - self._last >= _QUIET_SECONDS or current - self._first >= _MAX_SECONDS
            if self._timer is None or not quiet:
                if self._timer is not None:
                    self._start_timer()
                return
        self.flush()

    def _start_writing(self, name: str, content: Callable[[], bytes]) -> None:
        """Write a file beside the requests, of which none waits for it."""
        thread = threading.Thread(target=self._put, args=(name, content), daemon=True)
        with self._lock:
            self._writing.append(thread)
        thread.start()

    def _put(self, name: str, content: Callable[[], bytes]) -> None:
        try:
            S3(self._context.account).put(join_uri(self._destination, name), content())
        except JobError as error:
            self._log(f"data capture: {error}")


def _is_sampled(event_id: uuid.UUID, percentage: float) -> bool:
    """Tell whether a request is in the sample: its id alone decides, so that the sample can be checked later."""
    digest = hashlib.sha256(event_id.bytes).digest()
    return int.from_bytes(digest[:4], "big") * 100 < percentage * 2**32
