"""Whatever is written as a record is read back to the same bytes and rows; whatever else a file holds is counted."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.detections.captures.files import capture_files
from groundloop.detections.captures.requests import CaptureCode, CapturedRequest, CaptureReader
from groundloop.spec.data_capture import (
    INPUT,
    OUTPUT,
    CaptureData,
    CapturedData,
    CaptureRecord,
    ContentTypes,
    EventMetadata,
    capture_name,
)

Written = tuple[CaptureRecord, bytes, list[list[float]] | None]
Read = Callable[[bytes], tuple[list[CapturedRequest], list[CaptureCode]]]
CLASSES = ("bolt", "nut", "usb-c")
NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
HEADERS = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png"}

images = st.builds(lambda header, rest: header + rest, st.sampled_from(list(HEADERS)), st.binary(max_size=300))
share = st.floats(0, 1)
rows = st.lists(
    st.tuples(st.integers(0, len(CLASSES) - 1), share, share, share).map(
        lambda row: [row[0], row[1], min(row[2:]), min(row[2:]), max(row[2:]), max(row[2:])]
    ),
    max_size=6,
)
encodings = st.sampled_from(
    [
        ContentTypes(),
        ContentTypes.of(json=["application/json"]),
        ContentTypes.of(csv=["application/json"], json=["image/jpeg"]),
    ]
)
attributes = st.none() | st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def records(draw: st.DrawFn) -> Written:
    """Return a record with the image and the rows that it holds; None: the response was not captured."""
    types, image, answer = draw(encodings), draw(images), draw(st.none() | rows)
    sent = CapturedData.of(image, draw(st.sampled_from(["image/jpeg", "application/x-image", None])), INPUT, types)
    body = json.dumps({"prediction": answer}).encode()
    received = None if answer is None else CapturedData.of(body, "application/json; charset=utf-8", OUTPUT, types)
    extra = draw(attributes)
    event = EventMetadata("e", "2026-11-21T12:00:00Z", draw(st.none() | st.just("i")), (extra,) if extra else None)
    return CaptureRecord(CaptureData(sent, received), event), image, answer


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Return the requests of a file with that content, and the codes of its findings."""
    folder = tmp_path_factory.mktemp("captures")
    file = folder / capture_name("bolts", "AllTraffic", NOON, "0f")
    file.parent.mkdir(parents=True)

    def read_back(content: bytes) -> tuple[list[CapturedRequest], list[CaptureCode]]:
        file.write_bytes(content)
        reader = CaptureReader(capture_files(str(folder)))
        return list(reader.requests()), [finding.code for finding in reader.findings]

    return read_back


def check(request: CapturedRequest, image: bytes, answer: list[list[float]] | None) -> None:
    """Check that a request has an image and rows."""
    assert request.image == image
    assert request.suffix == next(suffix for header, suffix in HEADERS.items() if image.startswith(header))
    assert (request.time, request.source) == (NOON, ("bolts", "AllTraffic"))
    found = request.detections(CLASSES)
    assert (found is None) == (answer is None)
    if found is None:
        return
    numbers = zip(found.class_id.tolist(), found.confidence.tolist(), found.xyxyn.tolist(), strict=True)
    assert [[class_id, score, *box] for class_id, score, box in numbers] == answer


def check_only(requests: list[CapturedRequest], written: Written) -> None:
    """Check that there is one request, and that it is what was written."""
    (request,) = requests
    _, image, answer = written
    check(request, image, answer)


@settings(max_examples=60, deadline=None)
@given(written=st.lists(records(), min_size=1, max_size=4))
def test_any_record_is_read_back_to_the_same_bytes_and_rows(read: Read, written: list[Written]) -> None:
    requests, findings = read(b"".join(record.line() for record, _, _ in written))
    assert findings == []
    for request, (record, image, answer) in zip(requests, written, strict=True):
        check(request, image, answer)
        assert request.inference_id == record.event_metadata.inference_id


@settings(max_examples=40, deadline=None)
@given(written=records(), missing=st.integers(1, 200))
def test_a_line_that_is_cut_off_is_counted(read: Read, written: Written, missing: int) -> None:
    line = written[0].line()
    requests, findings = read(line + line[: max(1, len(line) - 1 - missing)])
    check_only(requests, written)
    assert findings == [CaptureCode.INVALID_RECORD]


foreign = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode()) | st.binary(min_size=1, max_size=60).filter(
    lambda line: line.strip() != b"" and not set(line) & {10, 13}
)


@settings(max_examples=60, deadline=None)
@given(written=records(), lines=st.lists(foreign, min_size=1, max_size=3))
def test_foreign_lines_are_counted_and_never_fatal(read: Read, written: Written, lines: list[bytes]) -> None:
    requests, findings = read(b"\n".join([*lines, written[0].line()]))
    check_only(requests, written)
    assert findings == [CaptureCode.INVALID_RECORD] * len(lines)


def test_attributes_that_are_not_utf_8_leave_the_request_readable(read: Read) -> None:
    image, answer = b"\xff\xd8\xffimage", [[1, 0.9, 0.1, 0.1, 0.5, 0.5]]
    sent = {"mode": "INPUT", "encoding": "BASE64", "data": base64.b64encode(image).decode()}
    received = {"mode": "OUTPUT", "encoding": "JSON", "data": json.dumps({"prediction": answer})}
    metadata = {"eventId": "e", "inferenceTime": "2026-11-21T12:00:00Z", "customAttributes": ["LINE"]}
    captured = {"endpointInput": sent, "endpointOutput": received}
    line = json.dumps({"captureData": captured, "eventMetadata": metadata, "eventVersion": "0"}).encode()
    (request,), findings = read(line.replace(b"LINE", b"Stra\xdfe \xff"))
    assert findings == []
    check(request, image, answer)


def test_an_image_of_the_maximum_size_of_a_request_is_read_back(read: Read) -> None:
    image = b"\xff\xd8\xff" + bytes(range(256)) * (6 * 2**20 // 256)
    data = CaptureData(CapturedData.of(image, "application/x-image", INPUT, ContentTypes()), None)
    (request,), findings = read(CaptureRecord(data, EventMetadata("e", "2026-11-21T12:00:00Z")).line())
    assert findings == []
    check(request, image, None)
