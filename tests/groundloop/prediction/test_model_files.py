"""`Detector.from_model` opens what training and export leave."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from groundloop.detections import Detector
from groundloop.detections.count_error import CountError
from groundloop.errors import UserError
from groundloop.local.archive import pack
from groundloop.local.detector import artifact
from groundloop.local.detector.hyperparameters import parse
from groundloop.local.detector.network import Network
from groundloop.portable.conversion import to_onnx
from groundloop.portable.model_archive import read_model_archive

CLASSES = ("bolt", "nut", "washer")
THRESHOLDS = {"bolt": 0.2, "nut": 0.3, "washer": 0.4}
COUNT = {"mae": 0.5, "bias": 0.1, "rmse": 0.7}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a local run, as far as detection needs it, with its model as an archive and as ONNX."""
    folder = tmp_path_factory.mktemp("run")
    values = {"num_classes": "3", "num_training_samples": "16", "image_shape": "300", "nms_threshold": "0.4"}
    detector = artifact.Detector(parse(values), Network(3, seed=2))
    rng = np.random.default_rng(5)
    for block in detector.network.blocks():
        block.norm.running_mean = rng.normal(0, 0.5, block.norm.running_mean.shape).astype(np.float32)
    detector.network.head.weights.value *= 10
    model = folder / "jobs" / "pipelines-1-Train-2" / "model"
    artifact.save(model, detector)
    evaluation = folder / "jobs" / "pipelines-1-Evaluate-2" / "processing" / "output" / "evaluation"
    evaluation.mkdir(parents=True)
    metrics = {"classes": CLASSES, "class_thresholds": THRESHOLDS, "count": COUNT}
    (evaluation / "evaluation.json").write_text(json.dumps(metrics))
    pack(model, folder / "model.tar.gz")
    converted = to_onnx(
        read_model_archive(folder / "model.tar.gz"), CLASSES, thresholds=THRESHOLDS, count_error=CountError(**COUNT)
    )
    onnx.save(converted, folder / "detector.onnx")
    return folder


def test_the_same_detections_from_each(run: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)).save(stream, "PNG")
    whole, archive, exported = (
        Detector.from_model(run),
        Detector.from_model(run / "model.tar.gz", CLASSES),
        Detector.from_model(run / "detector.onnx"),
    )
    expected = whole.detect(stream.getvalue())
    assert len(expected) > 5, "the comparison must not be about nothing"
    assert expected.image_size == (320, 240)
    for other in (archive, exported):
        found = other.detect(stream.getvalue())
        assert found.names == expected.names
        np.testing.assert_allclose(found.xyxyn, expected.xyxyn, atol=1e-4)
        np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-4)


@pytest.mark.parametrize("name", ["", "detector.onnx"], ids=["local run", "ONNX"])
def test_thresholds_and_counting_error_come_along(run: Path, name: str) -> None:
    detector = Detector.from_model(run / name)
    assert (detector.classes, detector.thresholds) == (CLASSES, THRESHOLDS)
    assert detector.count_error == CountError(**COUNT)


@pytest.mark.parametrize(
    ("name", "classes", "message"),
    [
        pytest.param("none.tar.gz", (), "does not exist: give an ONNX file, a model.tar.gz or", id="nothing there"),
        pytest.param("model.tar.gz", (), "holds no class names", id="no class names"),
        pytest.param("detector.onnx", CLASSES, "has its class names inside", id="class names twice"),
        pytest.param("", CLASSES, "a local run has its class names", id="class names of a run"),
        pytest.param("jobs", (), "not the folder of a local run whose Evaluate step succeeded", id="another folder"),
        pytest.param("text.tar.gz", CLASSES, "can't be read as a model.tar.gz", id="not an archive"),
    ],
)
def test_what_cannot_be_opened_is_a_message(
    run: Path, tmp_path: Path, name: str, classes: tuple[str, ...], message: str
) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "text.tar.gz").write_text("text")
    with pytest.raises(UserError, match=message):
        Detector.from_model(tmp_path / "run" / name, classes)


def test_an_arn_of_something_else_is_a_message() -> None:
    with pytest.raises(UserError, match="is not the ARN of a model package"):
        Detector.from_package("arn:aws:sagemaker:us-east-1:123456789012:model/detector")
