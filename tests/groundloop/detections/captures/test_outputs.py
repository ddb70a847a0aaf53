"""Outputs of Batch Transform and of asynchronous endpoints are the same requests as those of data capture."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from groundloop.detections.captures.files import capture_files
from groundloop.detections.captures.requests import CaptureCode, CaptureReader
from groundloop.local import LocalAws
from groundloop.spec.data_capture import CaptureSource

CLASSES = ["bolt", "nut"]
ANSWER = b'{"prediction": [[1, 0.9, 0.1, 0.1, 0.5, 0.5]]}'


def image(number: int) -> bytes:
    """Return what starts like a JPEG."""
    return b"\xff\xd8\xff" + bytes([number])


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def images_of(reader: CaptureReader) -> dict[str, bytes]:
    """Return the image of each request by the output's name below `output/`, and check its detections."""
    found = {}
    for request in reader.requests():
        detections = request.detections(CLASSES)
        assert detections is not None
        assert detections.names == ["nut"]
        assert (request.line, request.source) == (0, None)
        found[request.file.rpartition("output/")[2]] = request.image
    return found


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"input/a.jpg": image(1), "input/b.jpg": image(2), "output/a.jpg.out": ANSWER, "output/b.jpg.out": ANSWER},
            {"a.jpg.out": image(1), "b.jpg.out": image(2)},
            id="one folder of images",
        ),
        pytest.param(
            {
                "input/x/a.jpg": image(1),
                "input/y/a.jpg": image(2),
                "output/x/a.jpg.out": ANSWER,
                "output/y/a.jpg.out": ANSWER,
            },
            {"x/a.jpg.out": image(1), "y/a.jpg.out": image(2)},
            id="the same file name in two folders",
        ),
    ],
)
def test_an_output_belongs_to_the_image_of_its_name(
    tmp_path: Path, files: dict[str, bytes], expected: dict[str, bytes]
) -> None:
    write(tmp_path, files)
    reader = CaptureReader(capture_files(str(tmp_path)))
    assert images_of(reader) == expected
    assert reader.findings == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({"input/x/a.jpg": b"", "input/y/a.jpg": b""}, "no image belongs", id="two images fit"),
        pytest.param({}, "no image belongs", id="no image fits"),
        pytest.param({"input/a.jpg": b"text"}, "neither a JPEG nor a PNG", id="no image"),
    ],
)
def test_an_output_without_its_image_is_a_finding(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    write(tmp_path, {**files, "output/a.jpg.out": ANSWER})
    reader = CaptureReader(capture_files(str(tmp_path)))
    assert list(reader.requests()) == []
    assert message in str(reader.findings[0])


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, {"photos/a.jpg": image(1), "job/output/a.jpg.out": ANSWER})
    files = capture_files(str(tmp_path / "job"), images=str(tmp_path / "photos"))
    assert images_of(CaptureReader(files)) == {"a.jpg.out": image(1)}


def test_only_outputs_written_in_time_are_read(tmp_path: Path) -> None:
    write(tmp_path, {"a.jpg": image(1), "b.jpg": image(2), "output/a.jpg.out": ANSWER, "output/b.jpg.out": ANSWER})
    now = datetime.now(timezone.utc)
    os.utime(tmp_path / "output/a.jpg.out", ((now - timedelta(hours=3)).timestamp(),) * 2)
    late = CaptureReader(capture_files(str(tmp_path), since=now - timedelta(hours=1)))
    assert images_of(late) == {"b.jpg.out": image(2)}


@pytest.fixture
def objects(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, bytes]:
    """What lies in the bucket `captured`."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    manifest = json.dumps([{"prefix": "s3://captured/photos/"}, "x/a.jpg", "a.jpg"]).encode()
    files = {
        "photos/x/a.jpg": image(1),
        "photos/a.jpg": image(2),
        "batch/job/input/manifest.json": manifest,
        "batch/job/input/selection.json": b"{}",
        "batch/job/output/x/a.jpg.out": ANSWER,
        "batch/job/output/a.jpg.out": ANSWER,
        "async/one.out": ANSWER,
    }
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="captured")
    for key, body in files.items():
        s3.put_object(Bucket="captured", Key=key, Body=body)
    return files


@pytest.mark.usefixtures("objects")
def test_the_manifest_file_of_a_transform_job_names_the_images() -> None:
    reader = CaptureReader(capture_files("s3://captured/batch/job", "us-east-1"))
    assert images_of(reader) == {"x/a.jpg.out": image(1), "a.jpg.out": image(2)}
    assert reader.findings == []


def notification(**changes: object) -> dict[str, object]:
    """Return a message of the success topic."""
    return {
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-21T09:05:04.5Z",
        "receivedTime": "2026-11-21T09:05:02.340Z",
        "invocationStatus": "Completed",
        "requestParameters": {
            "contentType": "application/x-image",
            "endpointName": "queued",
            "inputLocation": "s3://captured/photos/a.jpg",
        },
        "responseParameters": {"contentType": "application/json", "outputLocation": "s3://captured/async/one.out"},
        "inferenceId": "i-1",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
        **changes,
    }


FAILED = notification(invocationStatus="Failed", responseParameters=None, failureReason="out of memory")
GONE = notification(requestParameters={"endpointName": "queued", "inputLocation": "s3://captured/photos/gone.jpg"})


@pytest.mark.usefixtures("objects")
def test_a_notification_of_an_asynchronous_endpoint_leads_to_its_image_and_response(tmp_path: Path) -> None:
    envelope = {"Type": "Notification", "Message": json.dumps(notification())}
    lines = [notification(), envelope, FAILED, GONE]
    (tmp_path / "messages.jsonl").write_bytes(b"\n".join(json.dumps(line).encode() for line in lines))
    reader = CaptureReader(capture_files(str(tmp_path), "us-east-1"))
    plain, enveloped, failed = reader.requests()
    for request in (plain, enveloped):
        detections = request.detections(CLASSES)
        assert detections is not None
        assert detections.names == ["nut"]
        assert (request.image, request.inference_id, request.time.second) == (image(2), "i-1", 2)
        assert request.source == CaptureSource("queued", "")
    assert failed.image == image(2)
    assert failed.detections(CLASSES) is None
    ((code, line),) = [(finding.code, finding.line) for finding in reader.findings]
    assert (code, line) == (CaptureCode.NO_INPUT, 4)
    assert "gone.jpg does not exist" in str(reader.findings[0])
