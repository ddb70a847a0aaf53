"""Captured requests: the image, the answer, when; and a finding for each line that gives none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import msgspec

from groundloop.detections.captures.files import MAX_LINE_BYTES, CaptureFiles
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.findings import Severity
from groundloop.spec.data_capture import CapturedData, CaptureRecord, InvalidRecordError, parse_record

_CSV = "text/csv"
_MAGIC = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png"}


class CaptureCode(str, Enum):
    """Why a line gives no request."""

    INVALID_RECORD = "ERROR_INVALID_CAPTURE_RECORD"
    LINE_TOO_LONG = "ERROR_LINE_TOO_LONG"
    NO_INPUT = "ERROR_CAPTURE_WITHOUT_INPUT"
    NO_IMAGE = "ERROR_CAPTURE_IS_NO_IMAGE"

    @property
    def severity(self) -> Severity:
        """Error: the line is not used."""
        return Severity.ERROR


@dataclass(frozen=True, slots=True)
class CaptureFinding:
    """A line that gives no request.

    Attributes:
        file: URI or path.
        line: number, from 1.
    """

    code: CaptureCode
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class CapturedRequest:
    """A request with an image.

    Attributes:
        image: the encoded image, JPEG or PNG.
        suffix: of a file with that image.
        output: the response as it was captured; None where only the input was, or the model failed.
        time: when the request came.
        event_id: SageMaker's name of the request.
        inference_id: the caller's; None where none was given.
        file, line: where it stands.
    """

    image: bytes
    suffix: str
    output: CapturedData | None
    time: datetime
    event_id: str
    inference_id: str | None
    file: str
    line: int

    def detections(self, classes: Sequence[str]) -> Detections | None:
        """Return the detections that the endpoint answered; None where no response was captured.

        Args:
            classes: class list of the model that served, in id order.

        Raises:
            UserError: the response is not a detector's for these classes; the message names file and line.
        """
        if self.output is None:
            return None
        name = f"{self.file}, line {self.line}: the output"
        try:
            body = self.output.body()
        except InvalidRecordError as error:
            raise UserError(f"{name}: {error}") from None
        if self.output.media_type == _CSV:
            body = _answer_of_csv(body, name)
        return Detections.from_sagemaker(body, classes, name)


class CaptureReader:
    """Reads captured requests one after the other; lines that give none become findings.

    Args:
        files: where they are.

    Attributes:
        findings: of the lines that were read so far.
    """

    def __init__(self, files: CaptureFiles) -> None:
        self._files = files
        self.findings: list[CaptureFinding] = []

    def requests(self, names: Iterable[str] | None = None) -> Iterator[CapturedRequest]:
        """Yield the requests, one in memory at a time.

        Args:
            names: of the files to read; None reads all.
        """
        for name in self._files.names() if names is None else names:
            for number, line in enumerate(self._files.lines(name), start=1):
                if line is not None and not line.strip():
                    continue
                found = _request(line, name, number)
                if isinstance(found, CaptureFinding):
                    self.findings.append(found)
                else:
                    yield found


def _request(line: bytes | None, file: str, number: int) -> CapturedRequest | CaptureFinding:
    def finding(code: CaptureCode, message: str) -> CaptureFinding:
        return CaptureFinding(code, file, number, message)

    if line is None:
        return finding(CaptureCode.LINE_TOO_LONG, f"the line has more than {MAX_LINE_BYTES} bytes")
    try:
        record: CaptureRecord = parse_record(line)
        time, captured = record.time, record.capture_data.endpoint_input
        image = captured.body() if captured else None
    except InvalidRecordError as error:
        return finding(CaptureCode.INVALID_RECORD, str(error))
    if captured is None or image is None:
        return finding(
            CaptureCode.NO_INPUT, "the request was not captured: CaptureOptions of the endpoint has to have Input"
        )
    suffix = next((suffix for magic, suffix in _MAGIC.items() if image.startswith(magic)), None)
    if suffix is None:
        kind = captured.media_type or "unknown content type"
        return finding(CaptureCode.NO_IMAGE, f"the request ({kind}) is neither a JPEG nor a PNG image")
    event = record.event_metadata
    return CapturedRequest(
        image=image,
        suffix=suffix,
        output=record.capture_data.endpoint_output,
        time=time,
        event_id=event.event_id,
        inference_id=event.inference_id,
        file=file,
        line=number,
    )


def _answer_of_csv(body: bytes, name: str) -> bytes:
    """Return rows of text, class, score, xmin, ymin, xmax, ymax in each, as the answer that they mean."""
    rows = [line.split(b",") for line in body.splitlines() if line.strip()]
    try:
        return msgspec.json.encode({"prediction": [[float(value) for value in row] for row in rows]})
    except ValueError:
        raise UserError(f"{name} is not rows of numbers separated by commas") from None
