"""What `predict --capture` keeps is read as an endpoint's own data capture is."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np
import pytest

from groundloop.detections import Detections
from groundloop.detections.captures.files import capture_files
from groundloop.detections.captures.requests import CaptureReader
from groundloop.detections.endpoint import Exchange
from groundloop.errors import UserError
from groundloop.local import LocalAws
from groundloop.prediction.client_capture import ClientCapture, model_variant
from groundloop.spec import capture_buffer
from groundloop.spec.data_capture import CaptureSource

CLASSES = ("bolt", "nut")
IMAGE = b"\xff\xd8\xffimage"
ANSWER = b'{"prediction": [[1, 0.9, 0.1, 0.1, 0.5, 0.5]]}'
FOUND = Detections(CLASSES, np.array([1]), np.array([0.9]), np.array([[0.1, 0.1, 0.5, 0.5]]))


def exchange(image: bytes = IMAGE, variant: str = "v") -> Exchange:
    return Exchange(image, hashlib.sha256(image).hexdigest(), ANSWER, "application/json", variant)


class Model:
    """Finds one nut on every image."""

    def detect(self, image: bytes) -> Detections:
        return FOUND


def test_exchanges_with_an_endpoint_are_kept_by_variant(tmp_path: Path) -> None:
    capture = ClientCapture(str(tmp_path / "kept"))
    observe = capture.of_endpoint("bolts")
    for variant in ("a", "b", "a"):
        observe(exchange(variant=variant))
    assert not list(tmp_path.rglob("*.jsonl")), "nothing is written before there is enough"
    capture.close()
    capture.close()
    reader = CaptureReader(capture_files(str(tmp_path / "kept")))
    requests = list(reader.requests())
    assert [request.source for request in requests] == [CaptureSource("bolts", name) for name in ("a", "a", "b")]
    assert len({request.event_id for request in requests}) == 3
    assert {request.inference_id for request in requests} == {hashlib.sha256(IMAGE).hexdigest()}
    detections = requests[0].detections(CLASSES)
    assert detections is not None
    assert (detections.names, requests[0].image) == (["nut"], IMAGE)


def test_a_model_on_this_machine_is_a_variant_of_its_own(tmp_path: Path) -> None:
    capture = ClientCapture(str(tmp_path))
    model = capture.of_model(Model(), Path("models/week 47.onnx"), "sha256:1f2e")
    assert model.detect(IMAGE) is FOUND
    capture.close()
    (request,) = CaptureReader(capture_files(str(tmp_path))).requests()
    assert request.source == CaptureSource("local", "week-47-d767e5a3")
    detections = request.detections(CLASSES)
    assert detections is not None
    assert (detections.class_id, detections.confidence) == (FOUND.class_id, FOUND.confidence)
    assert detections.xyxyn.tolist() == FOUND.xyxyn.tolist()


@pytest.mark.parametrize("path", ["model.tar.gz", "model.onnx", ".onnx", "x" * 99 + ".onnx"])
def test_a_variants_name_is_one_that_the_api_takes(path: str) -> None:
    name = model_variant(Path(path), "any")
    assert len(name) <= 63
    assert name.replace("-", "").isalnum()


def test_a_full_file_is_written_at_once_and_threads_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_buffer, "MAX_FILE_BYTES", 500)
    capture = ClientCapture(str(tmp_path))
    observe = capture.of_endpoint("bolts")

    def work() -> None:
        for _ in range(25):
            observe(exchange())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(tmp_path.rglob("*.jsonl"))) > 5
    capture.close()
    assert sum(1 for _ in CaptureReader(capture_files(str(tmp_path))).requests()) == 100


def test_exchanges_are_kept_in_s3(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    aws.client("s3").create_bucket(Bucket="kept-exchanges")
    capture = ClientCapture("s3://kept-exchanges/capture", "us-east-1")
    capture.of_endpoint("bolts")(exchange())
    capture.close()
    (request,) = CaptureReader(capture_files("s3://kept-exchanges/capture/bolts", "us-east-1")).requests()
    assert (request.image, request.source) == (IMAGE, CaptureSource("bolts", "v"))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--capture .*file/kept: can't be written: Not a directory"):
        ClientCapture(str(tmp_path / "file" / "kept"))
