"""Captured requests: the image, the response, when; and a finding for each line or output that gives none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

import msgspec

from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.findings import Severity
from groundloop.spec.data_capture import CapturedData, CaptureSource, InvalidRecordError

_CSV = "text/csv"


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
    """A line or an output that gives no request.

    Attributes:
        file: URI or path.
        line: number, from 1; 0 for an output, which is a file of its own.
    """

    code: CaptureCode
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{_where(self.file, self.line)}: {self.message}"


@dataclass(frozen=True, slots=True)
class CapturedRequest:
    """A request with an image, whatever kept it: data capture, an asynchronous endpoint, or Batch Transform.

    Attributes:
        image: the encoded image, JPEG or PNG.
        suffix: of a file with that image.
        output: the response; None where only the input was captured, or the model failed.
        time: when the request came; of an output of Batch Transform, when it was written.
        event_id: SageMaker's name of the request; of an output, its path or URI.
        inference_id: the caller's; None where none was given.
        file, line: where it stands; line 0 for an output, which is a file of its own.
        source: endpoint and variant that answered; None where they are not known.
    """

    image: bytes
    suffix: str
    output: CapturedData | None
    time: datetime
    event_id: str
    inference_id: str | None
    file: str
    line: int
    source: CaptureSource | None = None

    @property
    def content_name(self) -> str:
        """File name made from the image's content: the same image is one file, whenever it was sent."""
        return f"{hashlib.sha256(self.image).hexdigest()}{self.suffix}"

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return _where(self.file, self.line)

    def detections(self, classes: Sequence[str]) -> Detections | None:
        """Return the detections that the endpoint answered; None where no response was captured.

        Args:
            classes: class list of the model that served, in id order.

        Raises:
            UserError: the response is not a detector's for these classes; the message names file and line.
        """
        if self.output is None:
            return None
        name = f"{self.place}: the output"
        try:
            body = self.output.body()
        except InvalidRecordError as error:
            raise UserError(f"{name}: {error}") from None
        if self.output.media_type == _CSV:
            body = _answer_of_csv(body, name)
        return Detections.from_sagemaker(body, classes, name)


class CaptureFiles(Protocol):
    """A place with captured requests."""

    def names(self) -> list[str]:
        """Return the files, sorted: those of one variant in the order in which they were written."""

    def read(self, name: str) -> Iterator[CapturedRequest | CaptureFinding]:
        """Yield what a file holds, one request in memory at a time."""


class CaptureReader:
    """Reads captured requests one after the other; lines and outputs that give none become findings.

    Args:
        files: where they are.

    Attributes:
        findings: of the files that were read so far.
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
            for found in self._files.read(name):
                if isinstance(found, CaptureFinding):
                    self.findings.append(found)
                else:
                    yield found


def _where(file: str, line: int) -> str:
    return f"{file}, line {line}" if line else file


def _answer_of_csv(body: bytes, name: str) -> bytes:
    """Return rows of text, class, score, xmin, ymin, xmax, ymax in each, as the answer that they mean."""
    rows = [line.split(b",") for line in body.splitlines() if line.strip()]
    try:
        return msgspec.json.encode({"prediction": [[float(value) for value in row] for row in rows]})
    except ValueError:
        raise UserError(f"{name} is not rows of numbers separated by commas") from None
