"""Lines as requests: records of data capture, and notifications of an asynchronous endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from groundloop.detections.captures.requests import CaptureCode, CapturedRequest, CaptureFinding
from groundloop.detections.captures.storage import MAX_LINE_BYTES
from groundloop.errors import UserError
from groundloop.spec.async_notification import AsyncNotification, parse_notification
from groundloop.spec.data_capture import (
    OUTPUT,
    CapturedData,
    CaptureSource,
    ContentTypes,
    InvalidRecordError,
    parse_record,
    parse_time,
    source_of,
)

_MAGIC = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png"}
_JSON = "application/json"
_JSON_AS_TEXT = ContentTypes.of(json=[_JSON])

#: Returns the content of a file or object; raises UserError when it does not exist.
Read = Callable[[str], bytes]


@dataclass(frozen=True)
class Place:
    """Where a request stands: the file and the number of its line, 0 for an output."""

    file: str
    line: int = 0

    def finding(self, code: CaptureCode, message: str) -> CaptureFinding:
        """Return why there is no request here."""
        return CaptureFinding(code, self.file, self.line, message)


def request_of_line(line: bytes | None, place: Place, read: Read) -> CapturedRequest | CaptureFinding:
    """Return the request of a line.

    Args:
        line: of a file; None for one of more than `MAX_LINE_BYTES`.
        place: of the line.
        read: reads what a notification refers to.
    """
    if line is None:
        return place.finding(CaptureCode.LINE_TOO_LONG, f"the line has more than {MAX_LINE_BYTES} bytes")
    try:
        record = parse_record(line)
    except InvalidRecordError as error:
        notification = parse_notification(line)
        if notification is None:
            return place.finding(CaptureCode.INVALID_RECORD, str(error))
        return _of_notification(notification, place, read)
    try:
        time, captured = record.time, record.capture_data.endpoint_input
        image = captured.body() if captured else None
    except InvalidRecordError as error:
        return place.finding(CaptureCode.INVALID_RECORD, str(error))
    if captured is None or image is None:
        message = "the request was not captured: CaptureOptions of the endpoint has to have Input"
        return place.finding(CaptureCode.NO_INPUT, message)
    event = record.event_metadata
    return _request(
        image,
        place,
        kind=captured.media_type,
        output=record.capture_data.endpoint_output,
        time=time,
        event_id=event.event_id,
        inference_id=event.inference_id,
        source=source_of(place.file),
    )


def request_of_output(output: str, image: str | None, time: datetime, read: Read) -> CapturedRequest | CaptureFinding:
    """Return the request of an output of Batch Transform.

    Args:
        output: path or URI of the `.out` file.
        image: of the image; None where it was not found.
        time: when the output was written.
        read: reads both.
    """
    place = Place(output)
    if image is None:
        message = "no image belongs to this output: give the images of the job, or name the job's own folder"
        return place.finding(CaptureCode.NO_INPUT, message)
    try:
        content, answer = read(image), read(output)
    except UserError as error:
        return place.finding(CaptureCode.NO_INPUT, str(error))
    return _request(content, place, output=_answer(answer, _JSON), time=time, event_id=output)


def _of_notification(message: AsyncNotification, place: Place, read: Read) -> CapturedRequest | CaptureFinding:
    asked, answered = message.request_parameters, message.response_parameters
    try:
        time = parse_time(message.received_time or message.event_time)
    except InvalidRecordError as error:
        return place.finding(CaptureCode.INVALID_RECORD, str(error))
    try:
        image = read(asked.input_location)
        output = _answer(read(message.output), answered.content_type) if message.output and answered else None
    except UserError as error:
        return place.finding(CaptureCode.NO_INPUT, str(error))
    return _request(
        image,
        place,
        kind=asked.content_type or "",
        output=output,
        time=time,
        event_id=message.inference_id or asked.input_location,
        inference_id=message.inference_id,
        # An asynchronous endpoint has one variant, whose name a notification does not say.
        source=CaptureSource(asked.endpoint_name, ""),
    )


def _answer(body: bytes, content_type: str | None) -> CapturedData:
    return CapturedData.of(body, content_type or _JSON, OUTPUT, _JSON_AS_TEXT)


def _request(
    image: bytes,
    place: Place,
    *,
    output: CapturedData | None,
    time: datetime,
    event_id: str,
    inference_id: str | None = None,
    source: CaptureSource | None = None,
    kind: str = "",
) -> CapturedRequest | CaptureFinding:
    suffix = next((suffix for magic, suffix in _MAGIC.items() if image.startswith(magic)), None)
    if suffix is None:
        message = f"the request ({kind or 'unknown content type'}) is neither a JPEG nor a PNG image"
        return place.finding(CaptureCode.NO_IMAGE, message)
    return CapturedRequest(
        image=image,
        suffix=suffix,
        output=output,
        time=time,
        event_id=event_id,
        inference_id=inference_id,
        file=place.file,
        line=place.line,
        source=source,
    )
