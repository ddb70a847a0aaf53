"""Data capture on this side of an endpoint: requests and responses are kept as the endpoint itself would keep them.

For endpoints without data capture (serverless ones, or accounts that can't have it), and for models on this machine.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from groundloop.detections.endpoint import CONTENT_TYPE, Exchange, Observer, SupportsDetect
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.s3 import SCHEME, join_uri, split_uri
from groundloop.spec.capture_buffer import CaptureBuffer
from groundloop.spec.data_capture import (
    INPUT,
    OUTPUT,
    CaptureData,
    CapturedData,
    CaptureRecord,
    ContentTypes,
    EventMetadata,
)

#: Stands in the place of the endpoint's name for models on this machine.
LOCAL_ENDPOINT = "local"
_JSON = "application/json"
_JSON_AS_TEXT = ContentTypes.of(json=[_JSON])
_MAX_STEM = 50
_ID_LENGTH = 8


class ClientCapture:
    """Writes requests and responses below a folder or an S3 prefix, in the files and records of data capture.

    Records are collected; `close` writes the last of them.

    Args:
        place: folder, which is made, or S3 prefix; `ENDPOINT/VARIANT/yyyy/mm/dd/hh/` is added.
        region: AWS region of an S3 prefix; None takes that of the environment.
        kms_key: encrypts objects in S3; None leaves it to the bucket.

    Raises:
        UserError: the folder can't be made.
    """

    def __init__(self, place: str, region: str | None = None, kms_key: str | None = None) -> None:
        self._place, self._region, self._kms_key = place, region, kms_key
        self._buffers: list[CaptureBuffer] = []
        if place.startswith(SCHEME):
            split_uri(place)
            return
        try:
            Path(place).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--capture {place}: can't be written: {error.strerror}") from None

    def of_endpoint(self, name: str) -> Observer:
        """Return what keeps the exchanges with an endpoint."""
        buffer = CaptureBuffer(name, self._put)
        self._buffers.append(buffer)

        def observe(exchange: Exchange) -> None:
            """Keep one exchange."""
            record = _record(exchange)
            buffer.add(exchange.variant, record.time, len(exchange.image) + len(exchange.answer), record.line)

        return observe

    def of_model(self, source: SupportsDetect, path: Path, name: str) -> SupportsDetect:
        """Return a model that keeps its images and detections: endpoint `local`, a variant for each model.

        Args:
            source: the model.
            path: of its file or folder.
            name: by which it is told from other models.
        """
        return _ObservedModel(source, self.of_endpoint(LOCAL_ENDPOINT), model_variant(path, name))

    def close(self) -> None:
        """Write what is not written yet.

        Raises:
            UserError: the folder can't be written.
        """
        for buffer in self._buffers:
            buffer.flush()

    def _put(self, name: str, content: Callable[[], bytes]) -> None:
        if self._place.startswith(SCHEME):
            from groundloop.aws import image_client

            bucket, key = split_uri(join_uri(self._place, name))
            extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._kms_key} if self._kms_key else {}
            image_client(self._region).put_object(Bucket=bucket, Key=key, Body=content(), **extra)
            return
        target = Path(self._place) / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.partial")
            partial.write_bytes(content())
            partial.replace(target)
        except OSError as error:
            raise UserError(f"--capture {self._place}: can't be written: {error.strerror}") from None


class _ObservedModel:
    def __init__(self, source: SupportsDetect, observe: Observer, variant: str) -> None:
        self._source, self._observe, self._variant = source, observe, variant

    def detect(self, image: bytes) -> Detections:
        """Detect the objects on one encoded image, and keep both."""
        found = self._source.detect(image)
        numbers = zip(found.class_id.tolist(), found.confidence.tolist(), found.xyxyn.tolist(), strict=True)
        answer = msgspec.json.encode({"prediction": [[class_id, score, *box] for class_id, score, box in numbers]})
        self._observe(Exchange(image, hashlib.sha256(image).hexdigest(), answer, _JSON, self._variant))
        return found


def model_variant(path: Path, name: str) -> str:
    """Return what stands in the place of the variant for a model on this machine.

    Example:
        >>> model_variant(Path("models/week 47.onnx"), "sha256:1f2e")
        'week-47-d767e5a3'
    """
    stem = re.sub(r"[^A-Za-z0-9]+", "-", path.name.removesuffix(".tar.gz").removesuffix(".onnx")).strip("-")
    return f"{stem[:_MAX_STEM] or 'model'}-{hashlib.sha256(name.encode()).hexdigest()[:_ID_LENGTH]}"


def _record(exchange: Exchange) -> CaptureRecord:
    sent = CapturedData.of(exchange.image, CONTENT_TYPE, INPUT, _JSON_AS_TEXT)
    received = CapturedData.of(exchange.answer, exchange.content_type or _JSON, OUTPUT, _JSON_AS_TEXT)
    event = EventMetadata(
        event_id=str(uuid.uuid4()),
        inference_time=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        inference_id=exchange.inference_id,
    )
    return CaptureRecord(CaptureData(sent, received), event)
