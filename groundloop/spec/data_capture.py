"""The files that an endpoint with data capture writes: one record a line, of one request and its response.

Sources: Amazon SageMaker developer guide, "Capture data from real-time endpoint" (records, folders); API reference,
`DataCaptureConfig` and `CaptureContentTypeHeader` (everything is base64 unless a header says otherwise).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import NamedTuple

import msgspec

SUFFIX = ".jsonl"
#: Modes of `CaptureOptions`; the API has a third that means both.
INPUT, OUTPUT, BOTH = "Input", "Output", "InputAndOutput"
_BASE64, _JSON, _CSV = "BASE64", "JSON", "CSV"
_ENCODINGS = (_BASE64, _JSON, _CSV)
_HOUR = re.compile(r"(?:^|/)(\d{4}/\d\d/\d\d/\d\d)/[^/]+$")
_VARIANT = re.compile(r"([^/]+)/([^/]+)/\d{4}/\d\d/\d\d/\d\d/[^/]+$")
#: Folders of an hour, as `strftime` writes them.
HOUR_FOLDERS = "%Y/%m/%d/%H"


class InvalidRecordError(Exception):
    """A line is not a record of data capture; the text says why."""


class CapturedData(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The body of a request or of a response.

    Attributes:
        encoding: BASE64, or JSON or CSV for text as it is.
    """

    mode: str
    data: str
    observed_content_type: str | None = None
    encoding: str | None = None

    @classmethod
    def of(cls, body: bytes, content_type: str | None, mode: str, text_types: ContentTypes) -> CapturedData:
        """Return a body as it is captured.

        Args:
            body: what was sent.
            content_type: of the body.
            mode: `INPUT` or `OUTPUT`.
            text_types: which bodies are captured as text.
        """
        encoding = text_types.encoding(content_type)
        try:
            data = base64.b64encode(body).decode() if encoding == _BASE64 else body.decode()
        except UnicodeDecodeError:  # the header says text, and it isn't
            encoding, data = _BASE64, base64.b64encode(body).decode()
        return cls(mode=mode.upper(), data=data, observed_content_type=content_type, encoding=encoding)

    def body(self) -> bytes:
        """Return the body.

        Raises:
            InvalidRecordError: it is not base64, or has an unknown encoding.
        """
        encoding = self.encoding or _BASE64
        if encoding not in _ENCODINGS:
            raise InvalidRecordError(f"the encoding {encoding!r} is not one of {', '.join(_ENCODINGS)}")
        if encoding != _BASE64:
            return self.data.encode()
        try:
            return base64.b64decode(self.data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidRecordError(f"the {self.mode.lower()} is not base64: {error}") from None

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; "" where it is not known."""
        return media_type(self.observed_content_type)


class CaptureData(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A request and its response, each if it was captured."""

    endpoint_input: CapturedData | None = None
    endpoint_output: CapturedData | None = None


class EventMetadata(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is known of a request.

    Attributes:
        event_id: made by SageMaker.
        inference_time: when the request came, ISO 8601 in UTC.
        inference_id: given by the caller.
    """

    event_id: str
    inference_time: str
    inference_id: str | None = None
    custom_attributes: tuple[str, ...] | None = None


class CaptureRecord(msgspec.Struct, frozen=True, rename="camel"):
    """One line of a file."""

    capture_data: CaptureData
    event_metadata: EventMetadata
    event_version: str = "0"

    def line(self) -> bytes:
        """Return the record as a line, with its end."""
        return msgspec.json.encode(self) + b"\n"

    @property
    def time(self) -> datetime:
        """When the request came.

        Raises:
            InvalidRecordError: it is no time.
        """
        return parse_time(self.event_metadata.inference_time)


class ContentTypes(msgspec.Struct, frozen=True):
    """The `CaptureContentTypeHeader`: the content types whose bodies are captured as text."""

    csv: frozenset[str] = frozenset()
    json: frozenset[str] = frozenset()

    @classmethod
    def of(cls, csv: Iterable[str] = (), json: Iterable[str] = ()) -> ContentTypes:
        """Return the header of content types as the API takes them."""
        return cls(frozenset(map(media_type, csv)), frozenset(map(media_type, json)))

    def encoding(self, content_type: str | None) -> str:
        """Return the encoding of a body."""
        kind = media_type(content_type)
        return _CSV if kind in self.csv else _JSON if kind in self.json else _BASE64


_DECODER = msgspec.json.Decoder(CaptureRecord)


def parse_record(line: bytes) -> CaptureRecord:
    """Read one line.

    Raises:
        InvalidRecordError: it is not a record.
    """
    try:
        return _DECODER.decode(line)
    except UnicodeDecodeError:
        pass  # a caller's custom attributes need not be UTF-8: the rest of the record is read all the same
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRecordError(f"not a record of data capture: {error}") from None
    try:
        found = json.loads(line.decode("utf-8", "replace"))
        return msgspec.convert(found, CaptureRecord)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise InvalidRecordError(f"not a record of data capture: {error}") from None


def parse_time(text: str) -> datetime:
    """Return a time in ISO 8601; one without a zone is in UTC.

    Raises:
        InvalidRecordError: it is no time.
    """
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise InvalidRecordError(f"the inferenceTime {text!r} is not a time in ISO 8601") from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def capture_name(endpoint: str, variant: str, time: datetime, unique: str) -> str:
    """Return where a file lies below `DestinationS3Uri`.

    Example:
        >>> capture_name("bolts", "AllTraffic", datetime(2026, 11, 21, 9, 5, 2, 340000), "0f")
        'bolts/AllTraffic/2026/11/21/09/05-02-340-0f.jsonl'
    """
    return f"{endpoint}/{variant}/{time:{HOUR_FOLDERS}}/{time:%M-%S}-{time.microsecond // 1000:03}-{unique}{SUFFIX}"


def hour_of(name: str) -> datetime | None:
    """Return the hour that a file's folders name; None where they name none.

    Example:
        >>> hour_of("capture/bolts/AllTraffic/2026/11/21/09/05-02-340-0f.jsonl").isoformat()
        '2026-11-21T09:00:00+00:00'
    """
    found = _HOUR.search(name)
    try:
        return datetime.strptime(found[1], HOUR_FOLDERS).replace(tzinfo=timezone.utc) if found else None
    except ValueError:
        return None


class CaptureSource(NamedTuple):
    """The endpoint and the production variant that a file's folders name."""

    endpoint: str
    variant: str


def source_of(name: str) -> CaptureSource | None:
    """Return the endpoint and the variant of a file; None where its folders name none.

    Example:
        >>> source_of("s3://bucket/capture/bolts/AllTraffic/2026/11/21/09/05-02-340-0f.jsonl")
        CaptureSource(endpoint='bolts', variant='AllTraffic')
    """
    found = _VARIANT.search(name)
    return CaptureSource(found[1], found[2]) if found else None


def media_type(content_type: str | None) -> str:
    """Return a content type without its parameters, in lower case.

    Example:
        >>> media_type("Application/JSON; charset=utf-8")
        'application/json'
    """
    return (content_type or "").partition(";")[0].strip().lower()
