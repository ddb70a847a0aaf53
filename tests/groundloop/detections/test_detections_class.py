"""`Detections`: filtered, suppressed, ordered, and in the formats of other libraries."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from groundloop.detections import Detections
from groundloop.errors import UserError
from groundloop.labels.manifest import ManifestReader

CLASSES = ("bolt", "nut")


def detections(*rows: list[float], size: tuple[int, int] | None = (200, 100)) -> Detections:
    content = json.dumps({"prediction": list(rows)}).encode()
    return Detections.from_sagemaker(content, CLASSES, image_size=size)


TWO = ([1, 0.9, 0.1, 0.2, 0.5, 0.6], [0, 0.4, 0.5, 0.5, 1, 1])


def test_boxes_are_in_pixels_where_the_size_is_known() -> None:
    assert detections(*TWO).xyxy.tolist() == [[20, 20, 100, 60], [100, 50, 200, 100]]
    with pytest.raises(UserError, match=r"need the size of the image: set it with `sized"):
        _ = detections(*TWO, size=None).xyxy
    assert detections(*TWO, size=None).sized(10, 10).xyxy[0].tolist() == [1, 2, 5, 6]


@pytest.mark.parametrize(
    ("threshold", "classes", "names"),
    [
        pytest.param(0.0, None, ["nut", "bolt"], id="all"),
        pytest.param(0.4, None, ["nut", "bolt"], id="a score at the threshold"),
        pytest.param(0.5, None, ["nut"], id="one threshold"),
        pytest.param({"bolt": 0.3, "nut": 0.95}, None, ["bolt"], id="by class"),
        pytest.param(0.0, ["bolt"], ["bolt"], id="one class"),
        pytest.param(0.0, [], [], id="no class"),
    ],
)
def test_filter(threshold: Any, classes: list[str] | None, names: list[str]) -> None:
    assert detections(*TWO).filter(threshold, classes).names == names


def test_a_filter_names_what_it_does_not_know() -> None:
    with pytest.raises(UserError, match="class 'screw' is not in the class list: bolt, nut"):
        detections(*TWO).filter(classes=["screw"])
    with pytest.raises(UserError, match="class 'nut' has no threshold"):
        detections(*TWO).filter({"bolt": 0.5})


@pytest.mark.parametrize(
    ("class_agnostic", "scores"),
    [pytest.param(False, [0.9, 0.8, 0.6], id="per class"), pytest.param(True, [0.9, 0.6], id="over all classes")],
)
def test_suppression_keeps_the_best_of_those_that_overlap(class_agnostic: bool, scores: list[float]) -> None:
    found = detections(
        [0, 0.7, 0.1, 0.1, 0.5, 0.5],
        [0, 0.9, 0.1, 0.1, 0.5, 0.52],
        [1, 0.8, 0.1, 0.1, 0.5, 0.5],
        [0, 0.6, 0.6, 0, 1, 1],
    )
    assert found.nms(0.5, class_agnostic=class_agnostic).confidence.tolist() == scores


def test_objects_are_counted_row_by_row() -> None:
    def box(x: float, y: float) -> list[float]:
        return [0, 0.5 + x / 10 + y / 100, x, y, x + 0.15, y + 0.2]

    # Two rows of three, none of them quite level.
    placed = [box(0.05, 0.12), box(0.4, 0.05), box(0.75, 0.1), box(0.1, 0.55), box(0.45, 0.6), box(0.8, 0.5)]
    shuffled = detections(*(placed[index] for index in (4, 1, 5, 0, 2, 3)))
    np.testing.assert_allclose(shuffled.in_reading_order().xyxyn, [one[2:] for one in placed])


def test_coco_results() -> None:
    assert detections(*TWO).as_coco(7) == [
        {"image_id": 7, "category_id": 2, "bbox": [20.0, 20.0, 80.0, 40.0], "score": 0.9},
        {"image_id": 7, "category_id": 1, "bbox": [100.0, 50.0, 100.0, 50.0], "score": 0.4},
    ]


def test_a_line_of_a_manifest_is_read_as_labelled_by_no_person() -> None:
    line = json.dumps(detections(*TWO).as_groundtruth("s3://bucket/a.jpg", created="2026-11-21T10:00:00", job="j/x"))
    read = ManifestReader("detections").read_line(1, line.encode())
    assert [finding.message for finding in read.findings if finding.severity.value == "error"] == []
    assert read.record is not None
    assert read.record.auto_labelled
    boxes = [(box.class_name, box.left, box.top, box.width, box.height) for box in read.record.boxes]
    assert boxes == [("nut", 20, 20, 80, 40), ("bolt", 100, 50, 100, 50)]


@dataclass
class SupervisionDetections:
    """The documented constructor of `supervision.Detections`, as far as it is used."""

    xyxy: Any
    mask: Any = None
    confidence: Any = None
    class_id: Any = None
    tracker_id: Any = None
    data: Any = None


@pytest.mark.parametrize("real", [pytest.param(False, id="its constructor"), pytest.param(True, id="the library")])
def test_supervision_and_back(monkeypatch: pytest.MonkeyPatch, real: bool) -> None:
    if real:
        pytest.importorskip("supervision", reason="supervision is not installed")
    else:
        stub = types.ModuleType("supervision")
        stub.Detections = SupervisionDetections  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "supervision", stub)
    converted = detections(*TWO).as_supervision()
    assert list(converted.data["class_name"]) == ["nut", "bolt"]
    again = Detections.from_supervision(converted, CLASSES, (200, 100))
    assert again.names == ["nut", "bolt"]
    np.testing.assert_allclose(again.xyxyn, detections(*TWO).xyxyn, atol=1e-6)
    np.testing.assert_allclose(again.confidence, [0.9, 0.4], atol=1e-6)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        pytest.param(None, "no class_id", id="no classes"),
        pytest.param(np.array([2]), "outside 0 to 1", id="another class list"),
    ],
)
def test_detections_of_unknown_classes_are_rejected(ids: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Detections.from_supervision(SupervisionDetections(np.ones((1, 4)), class_id=ids), CLASSES, (10, 10))


def test_without_supervision_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(UserError, match="pip install supervision"):
        detections(*TWO).as_supervision()


def test_importing_detections_and_detector_is_light() -> None:
    code = (
        "import sys; from groundloop.detections import Detections, Detector;"
        "print([name for name in ('boto3', 'botocore', 'onnxruntime', 'onnx', 'sagemaker', 'moto')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
