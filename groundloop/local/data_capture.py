"""Data capture of an endpoint: a share of its requests and responses goes to S3, several in one file."""

from __future__ import annotations

import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from groundloop.local.context import Context, now
from groundloop.local.errors import JobError
from groundloop.local.s3 import S3
from groundloop.local.serving import Answer
from groundloop.s3 import join_uri
from groundloop.spec.data_capture import (
    BOTH,
    INPUT,
    OUTPUT,
    CaptureData,
    CapturedData,
    CaptureRecord,
    ContentTypes,
    EventMetadata,
    capture_name,
)

#: A file is written this long after its first record: AWS takes minutes.
_FLUSH_SECONDS = 1.0
_MAX_FILE_BYTES = 16_000_000


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
        self._context, self._endpoint, self._log = context, endpoint, log
        self._destination = config["DestinationS3Uri"]
        self._percentage = config["InitialSamplingPercentage"]
        self._input, self._output = bool(modes & {INPUT, BOTH}), bool(modes & {OUTPUT, BOTH})
        self._text_types = ContentTypes.of(header.get("CsvContentTypes", ()), header.get("JsonContentTypes", ()))
        self._lock = threading.Lock()
        self._records: defaultdict[str, list[bytes]] = defaultdict(list)
        self._first: dict[str, datetime] = {}
        self._timer: threading.Timer | None = None

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
        if random.uniform(0, 100) >= self._percentage:  # noqa: S311 (a sample, no secret)
            return
        time = now()
        sent = CapturedData.of(invocation.body, invocation.content_type, INPUT, self._text_types)
        received = CapturedData.of(answer.body, answer.content_type, OUTPUT, self._text_types) if answer else None
        attributes = invocation.custom_attributes
        record = CaptureRecord(
            CaptureData(sent if self._input else None, received if self._output else None),
            EventMetadata(
                event_id=str(uuid.uuid4()),
                inference_time=f"{time:%Y-%m-%dT%H:%M:%SZ}",
                inference_id=invocation.inference_id,
                custom_attributes=(attributes,) if attributes else None,
            ),
        )
        with self._lock:
            self._first.setdefault(variant, time)
            self._records[variant].append(record.line())
            full = sum(map(len, self._records[variant])) > _MAX_FILE_BYTES
            if self._timer is None and not full:
                self._timer = threading.Timer(_FLUSH_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()
        if full:
            self.flush()

    def flush(self) -> None:
        """Write what was captured since the last time."""
        with self._lock:
            records, first, timer = self._records, self._first, self._timer
            self._records, self._first, self._timer = defaultdict(list), {}, None
        if timer is not None:
            timer.cancel()
        for variant, lines in records.items():
            name = capture_name(self._endpoint, variant, first[variant], str(uuid.uuid4()))
            try:
                S3(self._context.client("s3")).put(join_uri(self._destination, name), b"".join(lines))
            except JobError as error:
                self._log(f"data capture: {error}")
