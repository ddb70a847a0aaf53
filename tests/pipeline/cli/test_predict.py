"""`groundloop predict` and `groundloop count` on crafted scenes."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from groundloop.prediction.detector import Detector
from groundloop.prediction.running import predict_all
from tests.fixtures.cli import Groundloop
from tests.pipeline.cli.crafted_model import CraftedModel, draw_scene, opened

SCENES = {
    "a.png": [("bolt", 10, 10), ("nut", 60, 12), ("nut", 12, 50)],
    "deep/b.png": [("bolt", 70, 60)],
    "z.png": [],
}
MODEL = ("--model", "crafted.onnx")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CraftedModel:
    """A folder of scenes, and the model that `--model` opens."""
    monkeypatch.chdir(tmp_path)
    for name, objects in SCENES.items():
        draw_scene(tmp_path / "scenes" / name, objects)
    crafted = CraftedModel()
    monkeypatch.setattr("groundloop.prediction.model_files.open_model", lambda path, classes: opened(crafted))
    return crafted


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_a_table_of_counts(model: CraftedModel, groundloop: Groundloop) -> None:
    ran = groundloop("predict", "scenes", *MODEL)
    assert ran.code == 0, ran.err
    assert rows(ran.out) == [
        ["image", "bolt", "nut"],
        ["scenes/a.png", "1", "2"],
        ["scenes/deep/b.png", "1", "0"],
        ["scenes/z.png", "0", "0"],
        ["total", "2", "2"],
    ]
    assert "3/3 images" in ran.err
    assert model.asked == 3


def test_results_are_kept_and_not_asked_for_again(model: CraftedModel, groundloop: Groundloop) -> None:
    first = groundloop("predict", "scenes/a.png", *MODEL, "-o", "results.jsonl")
    assert (first.code, model.asked) == (0, 1)
    again = groundloop("predict", "scenes", *MODEL, "-o", "results.jsonl")
    assert (again.code, model.asked) == (0, 3)
    assert "1 of 3 images are done already" in again.err
    lines = [json.loads(line) for line in Path("results.jsonl").read_text().splitlines()]
    assert lines[0]["image"] == "scenes/a.png"
    rest = sorted(line["image"] for line in lines[1:])
    assert rest == ["scenes/deep/b.png", "scenes/z.png"], "in the order in which they were done"
    (bolt,) = [one for one in lines[0]["detections"] if one["class"] == "bolt"]
    assert bolt == {"class": "bolt", "score": 0.9, "box": [10.0, 10.0, 20.0, 20.0]}
    counted = groundloop("count", "results.jsonl", "--by", "class")
    assert rows(counted.out)[-1] == ["total", "2", "2", "4"]
    assert model.asked == 3


def test_a_bad_image_is_told_and_skipped(model: CraftedModel, groundloop: Groundloop) -> None:
    Path("scenes/bad.png").write_bytes(b"text")
    Image.new("RGB", (9, 9)).save("scenes/black.png")
    ran = groundloop("predict", "scenes", *MODEL, "-o", "results.csv")
    assert ran.code == 1
    assert sorted(ran.error.splitlines()) == [
        "2 images failed, 3 are done",
        "scenes/bad.png: not an image, or in a format that Pillow does not open",
        "scenes/black.png: the model takes no black images",
    ]
    draw_scene(Path("scenes/bad.png"), [("nut", 20, 20)])
    Path("scenes/black.png").unlink()
    asked = model.asked
    assert groundloop("predict", "scenes", *MODEL, "-o", "results.csv").code == 0
    assert model.asked == asked + 1, "only what was missing"
    with Path("results.csv").open(newline="") as stream:
        assert [row["class"] for row in csv.DictReader(stream)] == ["bolt", "nut", "nut", "nut", "bolt", ""]
    assert sorted(path.name for path in Path().iterdir()) == ["results.csv", "scenes"], "the journal is gone"


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        pytest.param(["--format", "csv"], "filename,width,height,class", id="CSV"),
        pytest.param(["--format", "coco"], '[{"image_id":1,', id="COCO results"),
        pytest.param(["--format", "manifest"], '{"source-ref":"scenes/a.png"', id="manifest"),
        pytest.param(["--format", "jsonl"], '{"image":"scenes/a.png"', id="JSON Lines"),
        pytest.param(["--json"], '{\n  "model": "crafted"', id="one JSON object"),
    ],
)
@pytest.mark.usefixtures("model")
def test_results_on_standard_output(groundloop: Groundloop, arguments: list[str], begins: str) -> None:
    ran = groundloop("predict", "scenes/a.png", *MODEL, *arguments)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(begins)


def test_annotated_copies(model: CraftedModel, groundloop: Groundloop) -> None:
    assert groundloop("predict", "scenes", *MODEL, "-o", "r.jsonl", "--draw", "drawn").code == 0
    drawn = sorted(path.relative_to("drawn").as_posix() for path in Path("drawn").rglob("*.*"))
    assert drawn == ["a.png.jpg", "deep/b.png.jpg", "z.png.jpg"]
    Path("drawn/a.png.jpg").unlink()
    assert groundloop("predict", "scenes", *MODEL, "-o", "r.jsonl", "--draw", "drawn").code == 0
    assert Path("drawn/a.png.jpg").exists()
    assert model.asked == 3, "drawn from the results"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["-o", "seen.jpg"], "--draw FOLDER writes annotated images", id="an image as output"),
        pytest.param(["--format", "xml"], "use one of jsonl, csv, coco, manifest", id="an unknown format"),
        pytest.param(["--endpoint", "e"], "--model and --endpoint exclude each other", id="model and endpoint"),
        pytest.param(["-o", "scenes/there.csv"], "exists already", id="a file that is there"),
        pytest.param(["-o", "scenes/there.jsonl"], "not a result of groundloop predict", id="another file"),
    ],
)
@pytest.mark.usefixtures("model")
def test_a_wrong_option_is_a_message(groundloop: Groundloop, arguments: list[str], message: str) -> None:
    Path("scenes/there.csv").write_text("mine\n")
    Path("scenes/there.jsonl").write_text("mine\n")
    ran = groundloop("predict", "scenes/a.png", *MODEL, *arguments)
    assert ran.code == 1
    assert message in ran.error
    assert (Path("scenes/there.csv").read_text(), Path("scenes/there.jsonl").read_text()) == ("mine\n", "mine\n")


def test_a_model_without_thresholds_needs_one(
    model: CraftedModel, groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = opened(model, thresholds=False)
    monkeypatch.setattr("groundloop.prediction.model_files.open_model", lambda path, classes: without)
    assert "no operating thresholds are known of crafted" in groundloop("predict", "scenes", *MODEL).error
    ran = groundloop("predict", "scenes/a.png", *MODEL, "--threshold", "0.2")
    assert rows(ran.out) == [["bolt", "2"], ["nut", "2"]]


def test_an_interrupted_run_says_how_to_go_on(
    model: CraftedModel, groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    detect = Detector.detect_payload

    def interrupted(self: Detector, request: object) -> object:
        os.kill(os.getpid(), signal.SIGTERM)
        stopped.wait(5)
        return detect(self, request)  # type: ignore[arg-type]

    stopped = threading.Event()

    def watched(images: object, predict: object, workers: int, stop: threading.Event) -> object:
        nonlocal stopped
        stopped = stop
        return predict_all(images, predict, workers, stop)  # type: ignore[arg-type]

    monkeypatch.setattr("groundloop.prediction.bulk.predict_all", watched)
    monkeypatch.setattr(Detector, "detect_payload", interrupted)
    ran = groundloop("predict", "scenes", *MODEL, "-o", "results.csv", "--workers", "1")
    assert ran.code == 130
    assert "interrupted: 1 image is done; the same command goes on where this one stopped" in ran.err
    assert not Path("results.csv").exists()


def test_count_says_the_expected_error(model: CraftedModel, groundloop: Groundloop) -> None:
    ran = groundloop("count", "scenes", *MODEL)
    assert ran.code == 0, ran.err
    *table, error = ran.out.splitlines()
    assert [line.split() for line in table][-1] == ["total", "4"]
    assert error == (
        "expected error: 0.25 objects per image (MAE of the evaluation's test split); of the total: +0.3 ± 0.8"
    )
    found = groundloop("count", "scenes", *MODEL, "--json").json
    assert found["totals"] == [{"objects": 4, "counts": {"bolt": 2, "nut": 2}}]
    assert found["count_error"]["mae_per_image"] == 0.25
    assert [one["objects"] for one in found["images"]] == [3, 1, 0]
    assert model.asked == 6


ZONES = {
    "zones": [
        {"name": "left", "polygon": [[0, 0], [50, 0], [50, 80], [0, 80]]},
        {"name": "gate", "line": [[0, 40], [100, 40]]},
    ]
}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(
            [],
            [
                ["image", "zone", "objects"],
                ["scenes/a.png", "left", "2"],
                ["scenes/a.png", "gate: left", "2"],
                ["scenes/a.png", "gate: right", "1"],
            ],
            id="objects",
        ),
        pytest.param(
            ["--by", "class"],
            [
                ["image", "zone", "bolt", "nut", "objects"],
                ["scenes/a.png", "left", "1", "1", "2"],
                ["scenes/a.png", "gate: left", "1", "1", "2"],
                ["scenes/a.png", "gate: right", "0", "1", "1"],
            ],
            id="by class",
        ),
    ],
)
@pytest.mark.usefixtures("model")
def test_count_in_zones(groundloop: Groundloop, arguments: list[str], expected: list[list[str]]) -> None:
    Path("zones.json").write_text(json.dumps(ZONES))
    ran = groundloop("count", "scenes/a.png", *MODEL, "--zones", "zones.json", "--csv", *arguments)
    assert ran.code == 0, ran.err
    assert list(csv.reader(io.StringIO(ran.out))) == expected
    table = groundloop("count", "scenes", *MODEL, "--zones", "zones.json", *arguments).out
    assert [line.split()[0] for line in table.splitlines()[-3:]] == ["total"] * 3
    assert "expected error" not in table, "the evaluation counted whole images"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: ("count", "r.jsonl", "scenes"), id="results and images"),
        pytest.param(lambda: ("count", "r.jsonl", "other.jsonl"), id="other classes"),
    ],
)
@pytest.mark.usefixtures("model")
def test_what_cannot_be_counted_together(groundloop: Groundloop, make: Callable[[], tuple[str, ...]]) -> None:
    groundloop("predict", "scenes/a.png", *MODEL, "-o", "r.jsonl")
    Path("other.jsonl").write_text(Path("r.jsonl").read_text().replace("bolt", "screw"))
    assert "can't be counted together" in groundloop(*make()).error
