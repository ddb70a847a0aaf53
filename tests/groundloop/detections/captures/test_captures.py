"""Captured requests are read one by one, and a damaged line is a finding with its file and number."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from groundloop.detections.captures import storage as storage_module
from groundloop.detections.captures.files import capture_files
from groundloop.detections.captures.requests import CaptureCode, CapturedRequest, CaptureReader
from groundloop.errors import UserError
from groundloop.local import LocalAws

JPEG = b"\xff\xd8\xff\xe0 an image"
CLASSES = ["bolt", "nut"]
ROWS = [[1, 0.9, 0.1, 0.1, 0.5, 0.5], [0, 0.2, 0.0, 0.0, 1.0, 1.0]]


def record(image: bytes = JPEG, output: Any = None, **changes: Any) -> dict[str, Any]:
    """Return a record as the endpoint writes it; `output` is the output's part, None for the usual answer."""
    answer = {"observedContentType": "application/json", "mode": "OUTPUT", "encoding": "JSON"}
    sent = {"observedContentType": "application/x-image", "mode": "INPUT", "encoding": "BASE64"}
    return {
        "captureData": {
            "endpointInput": {**sent, "data": base64.b64encode(image).decode()},
            "endpointOutput": output or {**answer, "data": json.dumps({"prediction": ROWS})},
        },
        "eventMetadata": {"eventId": "e-1", "inferenceId": "i-1", "inferenceTime": "2026-11-21T09:05:02Z"},
        "eventVersion": "0",
        **changes,
    }


Write = Callable[..., CaptureReader]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write lines into a file of data capture; return the reader of its folder."""

    def write(*lines: dict[str, Any] | bytes, hour: str = "2026/11/21/09") -> CaptureReader:
        folder = tmp_path / "bolts" / "AllTraffic" / hour
        folder.mkdir(parents=True, exist_ok=True)
        content = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        (folder / "05-02-340-0f.jsonl").write_bytes(content + b"\n")
        return CaptureReader(capture_files(str(tmp_path)))

    return write


def only(reader: CaptureReader) -> CapturedRequest:
    """Return the one request that a reader finds."""
    (request,) = reader.requests()
    assert reader.findings == []
    return request


def test_a_request_has_its_image_time_names_and_place(write: Write) -> None:
    request = only(write(record()))
    assert (request.image, request.suffix, request.line) == (JPEG, ".jpg", 1)
    assert request.time == datetime(2026, 11, 21, 9, 5, 2, tzinfo=timezone.utc)
    assert (request.event_id, request.inference_id) == ("e-1", "i-1")
    assert request.file.endswith("bolts/AllTraffic/2026/11/21/09/05-02-340-0f.jsonl")


BASE64_JSON = base64.b64encode(json.dumps({"prediction": ROWS}).encode()).decode()
CSV = "1,0.9,0.1,0.1,0.5,0.5\n0,0.2,0,0,1,1\n"


@pytest.mark.parametrize(
    "output",
    [
        pytest.param({"encoding": "JSON", "data": json.dumps({"prediction": ROWS})}, id="JSON"),
        pytest.param({"encoding": "BASE64", "data": BASE64_JSON}, id="JSON in base64"),
        pytest.param({"data": BASE64_JSON}, id="no encoding means base64"),
        pytest.param({"encoding": "CSV", "data": CSV, "observedContentType": "text/csv"}, id="CSV"),
        pytest.param(
            {"data": base64.b64encode(CSV.encode()).decode(), "observedContentType": "text/csv; charset=utf-8"},
            id="CSV in base64",
        ),
    ],
)
def test_detections_are_read_in_every_encoding(write: Write, output: dict[str, str]) -> None:
    request = only(write(record(output={"mode": "OUTPUT", "observedContentType": "application/json", **output})))
    detections = request.detections(CLASSES)
    assert detections is not None
    assert detections.names == ["nut", "bolt"]
    assert detections.confidence.tolist() == [0.9, 0.2]
    assert detections.xyxyn.tolist() == [row[2:] for row in ROWS]


def test_without_a_captured_response_there_are_no_detections(write: Write) -> None:
    captured = record()
    del captured["captureData"]["endpointOutput"]
    assert only(write(captured)).detections(CLASSES) is None


@pytest.mark.parametrize(
    ("output", "message"),
    [
        pytest.param({"encoding": "JSON", "data": '{"prediction": [[2, 0.9, 0, 0, 1, 1]]}'}, "class list", id="class"),
        pytest.param({"encoding": "JSON", "data": '{"error": "x"}'}, "holds no prediction", id="an error"),
        pytest.param({"data": "?"}, "not base64", id="damaged base64"),
        pytest.param({"encoding": "CSV", "data": "a,b"}, "rows of numbers", id="no numbers"),
    ],
)
def test_an_answer_that_is_no_detectors_names_file_and_line(write: Write, output: dict[str, str], message: str) -> None:
    kind = "text/csv" if output.get("encoding") == "CSV" else "application/json"
    request = only(write(record(output={"mode": "OUTPUT", "observedContentType": kind, **output})))
    with pytest.raises(UserError, match=rf"0f.jsonl, line 1: the output.*{message}"):
        request.detections(CLASSES)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param(b'{"captureData": {"endpointInput"', CaptureCode.INVALID_RECORD, id="cut off"),
        pytest.param(b'{"source-ref": "s3://b/a.jpg"}', CaptureCode.INVALID_RECORD, id="another file's line"),
        pytest.param(b"\xff\xfe\x00", CaptureCode.INVALID_RECORD, id="no text"),
        pytest.param(
            record(eventMetadata={"eventId": "e", "inferenceTime": "soon"}), CaptureCode.INVALID_RECORD, id="no time"
        ),
        pytest.param(record(captureData={}), CaptureCode.NO_INPUT, id="output only"),
        pytest.param(record(image=b"<svg onload=alert(1)>"), CaptureCode.NO_IMAGE, id="neither JPEG nor PNG"),
        pytest.param(b"x" * 2000, CaptureCode.LINE_TOO_LONG, id="too long"),
    ],
)
def test_a_damaged_line_is_a_finding_and_the_others_are_read(
    write: Write, monkeypatch: pytest.MonkeyPatch, line: Any, code: CaptureCode
) -> None:
    monkeypatch.setattr(storage_module, "MAX_LINE_BYTES", 1500)
    reader = write(record(), line, b"", record())
    assert [request.line for request in reader.requests()] == [1, 4]
    ((found_code, found_line),) = [(finding.code, finding.line) for finding in reader.findings]
    assert (found_code, found_line) == (code, 2)
    assert str(reader.findings[0]).partition(": ")[0].endswith("05-02-340-0f.jsonl, line 2")


def test_only_the_hours_asked_for_are_read(write: Write, tmp_path: Path) -> None:
    for hour in ("08", "09", "10"):
        write(record(), hour=f"2026/11/21/{hour}")
    nine = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)
    late = CaptureReader(capture_files(str(tmp_path), since=nine))
    assert [Path(request.file).parent.name for request in late.requests()] == ["09", "10"]
    early = CaptureReader(capture_files(str(tmp_path), until=nine - timedelta(hours=1)))
    assert [Path(request.file).parent.name for request in early.requests()] == ["08"]


def test_one_request_is_in_memory_at_a_time(write: Write) -> None:
    image = JPEG + bytes(1_000_000)
    reader = write(*[record(image=image)] * 8)
    tracemalloc.start()
    assert sum(1 for _ in reader.requests()) == 8
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000  # of 11 MB in the file


def test_objects_in_s3_are_read_below_the_prefix_only(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="captures")
    key = "bolts/AllTraffic/2026/11/21/09/05-02-340-0f.jsonl"
    for place in (f"capture/{key}", f"capture-other/{key}", "capture/readme.txt"):
        s3.put_object(Bucket="captures", Key=place, Body=json.dumps(record()).encode())
    reader = CaptureReader(capture_files("s3://captures/capture", "us-east-1"))
    assert [request.file for request in reader.requests()] == [f"s3://captures/capture/{key}"]


@pytest.mark.parametrize("place", ["nowhere", "s3://no-such-bucket/capture"])
def test_a_place_that_is_not_there_is_named(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"nowhere is not a folder|no bucket no-such-bucket"):
        list(CaptureReader(capture_files(place)).requests())
