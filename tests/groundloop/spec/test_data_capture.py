"""Records of data capture are read and written as SageMaker writes them."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from groundloop.spec.data_capture import (
    INPUT,
    OUTPUT,
    CaptureData,
    CapturedData,
    CaptureRecord,
    ContentTypes,
    EventMetadata,
    InvalidRecordError,
    hour_of,
    parse_record,
)

AS_AWS_WRITES = {
    "captureData": {
        "endpointInput": {
            "observedContentType": "application/x-image",
            "mode": "INPUT",
            "data": "/9j/4AAQ",
            "encoding": "BASE64",
        },
        "endpointOutput": {
            "observedContentType": "application/json; charset=utf-8",
            "mode": "OUTPUT",
            "data": '{"prediction": []}',
            "encoding": "JSON",
        },
    },
    "eventMetadata": {
        "eventId": "960f9337-414e-4f4c-8acd-d6a8359e667c",
        "customAttributes": ["line 3"],
        "inferenceTime": "2021-08-27T20:44:27Z",
    },
    "eventVersion": "0",
}


def test_a_record_of_aws_is_read() -> None:
    record = parse_record(json.dumps(AS_AWS_WRITES).encode())
    sent, received = record.capture_data.endpoint_input, record.capture_data.endpoint_output
    assert sent is not None
    assert received is not None
    assert sent.body() == b"\xff\xd8\xff\xe0\x00\x10"
    assert (received.body(), received.media_type) == (b'{"prediction": []}', "application/json")
    assert record.time == datetime(2021, 8, 27, 20, 44, 27, tzinfo=timezone.utc)
    assert json.loads(record.line()) == AS_AWS_WRITES


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        pytest.param(b'{"a": "\xc3\xa9"}', "application/json", "JSON", id="text of a JSON type"),
        pytest.param(b"1,2\n3,4\n", "Text/CSV; header=absent", "CSV", id="text of a CSV type"),
        pytest.param(bytes(range(256)), "application/x-image", "BASE64", id="another type"),
        pytest.param(b"\xff\xfe", "application/json", "BASE64", id="a JSON type that is no text"),
        pytest.param(b"", None, "BASE64", id="nothing"),
    ],
)
def test_what_is_captured_is_read_back_to_the_same_bytes(body: bytes, content_type: str | None, encoding: str) -> None:
    types = ContentTypes.of(csv=["text/csv"], json=["application/json"])
    data = CaptureData(CapturedData.of(body, content_type, INPUT, types), CapturedData.of(body, None, OUTPUT, types))
    line = CaptureRecord(data, EventMetadata("id", "2026-01-01T00:00:00Z")).line()
    read = parse_record(line).capture_data.endpoint_input
    assert read is not None
    assert (read.body(), read.encoding, read.mode) == (body, encoding, "INPUT")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"data": "/9j/4AA"}, "not base64", id="cut off base64"),
        pytest.param({"data": "no base64!"}, "not base64", id="other characters"),
        pytest.param({"encoding": "GZIP"}, "'GZIP' is not one of BASE64, JSON, CSV", id="unknown encoding"),
    ],
)
def test_bodies_that_cannot_be_decoded_say_why(changes: dict[str, str], message: str) -> None:
    data = CapturedData(**{"mode": "INPUT", "data": "", **changes})
    with pytest.raises(InvalidRecordError, match=message):
        data.body()


def test_without_an_encoding_it_is_base64() -> None:
    assert CapturedData(mode="INPUT", data="YQ==").body() == b"a"


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        pytest.param("s3://b/c/e/v/2026/11/21/09/05-02-340-0f.jsonl", 9, id="a file of data capture"),
        pytest.param("e/v/2026/13/21/09/x.jsonl", None, id="no such month"),
        pytest.param("e/v/2026/11/21/x.jsonl", None, id="no hour"),
    ],
)
def test_the_folders_of_a_file_name_its_hour(name: str, hour: int | None) -> None:
    found = hour_of(name)
    assert (found and found.hour) == hour
