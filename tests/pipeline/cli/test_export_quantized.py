"""`groundloop export-model --quantize int8`: calibrated, measured before and after, refused where it costs too much."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from groundloop.detections.predictions import Detections
from tests.fixtures.cli import Groundloop
from tests.fixtures.exported_models import CLASSES

pytest.importorskip("onnx", reason="the export extra is not installed")

from groundloop.local.detector.artifact import Detector
from groundloop.portable.onnx_detector import OnnxDetector
from pipeline.demo.synthetic_images import draw_image

IMAGES = 4
NAMES = ",".join(CLASSES)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn pictures."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(IMAGES):
        draw_image(random.Random(number)).image.save(folder / f"{number}.png")  # noqa: S311 - pictures, not secrets
    return folder


@pytest.fixture(scope="module")
def labels(photos: Path, onnx_detector: OnnxDetector) -> Path:
    """Ground truth that is what the model itself finds, so that its mAP is 1."""
    lines = ["image,label,left,top,width,height"]
    for path in sorted(photos.iterdir()):
        found = onnx_detector.detect(path.read_bytes()).filter(0.5)
        for name, box in zip(found.names, found.pixels(320, 240).tolist(), strict=True):
            if box[2] - box[0] > 1 and box[3] - box[1] > 1:
                lines.append(f"{path.name},{name},{box[0]},{box[1]},{box[2] - box[0]},{box[3] - box[1]}")
    file = photos.parent / "truth.csv"
    file.write_text("\n".join(lines))
    return file


@pytest.fixture
def options(photos: Path, labels: Path) -> list[str]:
    """The options that a model.tar.gz needs."""
    given = ["--quantize", "int8", "--calibrate", photos, "--labels", labels, "--images", photos]
    return ["--classes", NAMES, *map(str, given)]


def test_it_says_what_it_costs(
    stand_in: tuple[Path, Detector],
    exported_model: Path,
    scene: bytes,
    options: list[str],
    groundloop: Groundloop,
    tmp_path: Path,
) -> None:
    path = tmp_path / "int8.onnx"
    result = groundloop("export-model", str(stand_in[0]), "-o", str(path), "--max-loss", "1", "--json", *options)
    assert result.code == 0, result.err
    assert result.json["quantization"] == "int8"
    measured = result.json["quantized"]
    assert (measured["calibration_images"], measured["images"]) == (IMAGES, IMAGES)
    # The rest of its detections are boxes of no area, which are no labels.
    assert measured["before"]["map_50"] > 0.3
    assert 0 < measured["after"]["map_50"] < measured["before"]["map_50"]
    assert path.stat().st_size < exported_model.stat().st_size / 2
    detector = OnnxDetector(path, threads=1)
    assert detector.info.quantization == "int8"
    detections: Detections = detector.detect(scene)
    assert len(detections) > 0


def test_it_is_refused_when_it_costs_too_much(
    stand_in: tuple[Path, Detector], options: list[str], groundloop: Groundloop, tmp_path: Path
) -> None:
    path = tmp_path / "int8.onnx"
    result = groundloop("export-model", str(stand_in[0]), "-o", str(path), "--max-loss", "0", *options)
    assert result.code == 1
    assert "int8 would lower mAP from " in result.error
    assert "more than --max-loss 0: nothing was written" in result.error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--quantize", "int4"], "only int8 is possible", id="another type"),
        pytest.param(["--quantize", "int8"], "needs --calibrate FOLDER, and --labels FILE", id="no images"),
        pytest.param(["--images", "."], "are for --quantize int8", id="too much"),
        pytest.param(
            ["--quantize", "int8", "--calibrate", "{none}", "--labels", "{labels}", "--images", "{photos}"],
            "holds no image",
            id="an empty folder",
        ),
        pytest.param(
            ["--quantize", "int8", "--calibrate", "{photos}", "--labels", "{labels}", "--images", "{none}"],
            "0.png",
            id="images elsewhere",
        ),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    message: str,
    stand_in: tuple[Path, Detector],
    photos: Path,
    labels: Path,
    groundloop: Groundloop,
    tmp_path: Path,
) -> None:
    none, path = tmp_path / "none", tmp_path / "out" / "int8.onnx"
    none.mkdir()
    given = [argument.format(none=none, labels=labels, photos=photos) for argument in arguments]
    result = groundloop("export-model", str(stand_in[0]), "-o", str(path), "--classes", NAMES, *given)
    assert (result.code, len(result.error.splitlines())) == (1, 1)
    assert message in result.error
    assert not path.parent.exists()
