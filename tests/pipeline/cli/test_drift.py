"""`groundloop drift` from files alone, and against what an endpoint serves."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from groundloop.detections.drift import window
from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import detection_statistics, image_statistics
from groundloop.detections.predictions import Detections
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
from steps.monitor.served import MonitoredVariant, Served
from tests.fixtures.cli import Groundloop

CLASSES = ("bolt", "nut")
THRESHOLDS = dict.fromkeys(CLASSES, 0.5)
NOW = datetime.now(timezone.utc)


def request(chance: np.random.Generator, light: float = 1.0) -> tuple[bytes, bytes]:
    """Return a small image and an answer to it."""
    stream = io.BytesIO()
    pixels = chance.normal(chance.normal(120, 8), 30, (24, 32, 3)) * light
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stream, "PNG", compress_level=0)
    rows = [[int(chance.integers(2)), chance.uniform(0.4, 0.9) * light, 0.1, 0.1, 0.5, 0.5] for _ in range(4)]
    return stream.getvalue(), json.dumps({"prediction": rows}).encode()


def write_captures(folder: Path, images: int, light: float = 1.0, variant: str = "A", hours: float = 1) -> None:
    chance = np.random.default_rng(images)
    time, as_text = NOW - timedelta(hours=hours), ContentTypes.of(json=["application/json"])
    lines = []
    for number in range(images):
        image, answer = request(chance, light)
        data = CaptureData(
            CapturedData.of(image, "application/x-image", INPUT, as_text),
            CapturedData.of(answer, "application/json", OUTPUT, as_text),
        )
        lines.append(CaptureRecord(data, EventMetadata(str(number), time.isoformat())).line())
    path = folder / capture_name("bolts", variant, time, "0f")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))


@pytest.fixture(autouse=True, scope="module")
def images_measured_once() -> Iterator[None]:
    """The tests capture the same images over and over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "image_statistics", functools.cache(image_statistics))
        yield


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    chance = np.random.default_rng(0)
    rows = []
    for _ in range(80):
        image, answer = request(chance)
        found = Detections.from_sagemaker(answer, CLASSES)
        rows.append((image_statistics(image), detection_statistics(found, THRESHOLDS)))
    return Baseline(Sample.of(rows, CLASSES, THRESHOLDS), "version 3")


@pytest.fixture
def files(tmp_path: Path, baseline: Baseline) -> tuple[Path, Path]:
    """A folder for captures, and the file of a baseline."""
    (tmp_path / "captured").mkdir()
    (tmp_path / "baseline.json").write_bytes(baseline.to_json())
    return tmp_path / "captured", tmp_path / "baseline.json"


def options(files: tuple[Path, Path]) -> list[str]:
    return ["drift", "--captures", str(files[0]), "--baseline", str(files[1])]


def test_no_drift_is_exit_code_0(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    write_captures(files[0], 60)
    result = groundloop(*options(files))
    assert (result.code, result.err) == (0, "")
    assert f"endpoint bolts, variant A: 60 images, compared with 80 of {files[1]}" in result.out
    assert "answers: no drift (p = " in result.out
    assert "images: no drift (p = " in result.out


def test_drift_is_exit_code_3_with_a_page(groundloop: Groundloop, files: tuple[Path, Path], tmp_path: Path) -> None:
    write_captures(files[0], 60, light=0.7)
    result = groundloop(*options(files), "--report", str(tmp_path / "new" / "drift.html"))
    assert result.code == 3
    assert "answers: drift (p = 0.001)" in result.out
    assert "images: drift (p = 0.001)" in result.out
    assert "Answers: drift" in (tmp_path / "new" / "drift.html").read_text(encoding="utf-8")


def test_each_variant_is_compared_in_json(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    write_captures(files[0], 60)
    write_captures(files[0], 55, light=0.7, variant="B")
    result = groundloop(*options(files), "--json")
    assert result.code == 3
    assert result.json["drift"] is True
    assert [(one["variant"], one["images"], one["drift"]) for one in result.json["variants"]] == [
        ("A", 60, False),
        ("B", 55, True),
    ]


def test_a_missed_limit_is_drift(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    write_captures(files[0], 60)
    result = groundloop(*options(files), "--limit", "boxes >= 5", "--limit", "brightness<=200")
    assert result.code == 3
    assert "limit: mean of boxes at least 5: missed (" in result.out
    assert "limit: mean of brightness at most 200: met (" in result.out


def test_what_is_not_given_is_that_of_the_monitor_pipeline(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    write_captures(files[0], 60)
    given = ["-s", "monitor={min_images: 70, limits: {boxes: {min_mean: 5}}}"]
    assert "the window has 60 images, fewer than 70" in groundloop(*options(files), *given).out
    result = groundloop(*options(files), *given, "--min-images", "60")
    assert result.code == 3
    assert "limit: mean of boxes at least 5: missed (" in result.out
    assert groundloop(*options(files), *given, "--min-images", "60", "--limit", "boxes <= 5").code == 0


def test_too_few_images_decide_nothing(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    write_captures(files[0], 20, light=0.1)
    result = groundloop(*options(files))
    assert result.code == 0
    assert "answers: the window has 20 images with a captured answer, fewer than 50: nothing is decided" in result.out


def test_only_the_last_hours_count_where_they_are_given(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    write_captures(files[0], 60, light=0.5, hours=30)
    write_captures(files[0], 50)
    assert groundloop(*options(files), "--hours", "24").code == 0
    assert groundloop(*options(files)).code == 3


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--captures", "{captured}"], 1, "{captured} holds no captured request: give the endpoint's folder"),
        (["--captures", "{captured}/no"], 1, "{captured}/no is not a folder"),
        (["--captures", "{captured}", "--baseline", "no.json"], 1, "no.json can't be read (No such file or directory)"),
        (["--captures", "{captured}", "--limit", "boxes > 1"], 1, "--limit 'boxes > 1': write a statistic, >= or <=,"),
        (
            ["--captures", "{captured}", "--limit", "boxs >= 1"],
            1,
            "--limit: 'boxs' is not a statistic: write \"boxes\"",
        ),
        (["--captures", "{captured}", "--false-alarm", "0.0001"], 2, "must be at least 0.001"),
        ([], 2, "give --captures, the place of the captured requests, with --baseline"),
        (["--captures", "{captured}", "--endpoint", "bolts"], 2, "give --endpoint or --baseline: "),
    ],
)
def test_mistakes_are_said(
    groundloop: Groundloop, files: tuple[Path, Path], arguments: list[str], code: int, message: str
) -> None:
    given = [argument.format(captured=files[0]) for argument in arguments]
    given = given if "--baseline" in given else [*given, "--baseline", str(files[1])]
    result = groundloop("drift", *given)
    assert result.code == code
    assert message.format(captured=files[0]) in result.err


def test_answers_of_another_class_list_are_said(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    write_captures(files[0], 1)
    (path,) = files[0].rglob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"[[0, ", b"[[7, ").replace(b"[[1, ", b"[[7, "))
    result = groundloop(*options(files))
    assert result.code == 1
    assert "no captured request can be compared, first: " in result.error
    assert "the model was trained with another class list" in result.error


def test_a_variant_of_another_class_list_leaves_the_others_to_be_compared(
    groundloop: Groundloop, files: tuple[Path, Path]
) -> None:
    write_captures(files[0], 60)
    write_captures(files[0], 1, variant="B")
    (path,) = (files[0] / "bolts" / "B").rglob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"[[0, ", b"[[7, ").replace(b"[[1, ", b"[[7, "))
    result = groundloop(*options(files))
    assert result.code == 0
    assert "endpoint bolts, variant A: 60 images" in result.out
    assert "endpoint bolts, variant B: 0 images" in result.out
    assert "note: 1 request can't be used, first: " in result.out


def test_a_note_on_a_file_stands_with_its_own_variant(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    write_captures(files[0], 60)
    write_captures(files[0], 55, variant="B")
    (path,) = (files[0] / "bolts" / "B").rglob("*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"captureData": {')
    first, second = groundloop(*options(files), "--json").json["variants"]
    assert first["notes"] == []
    assert "1 captured line gives no request" in second["notes"][0]


def test_a_report_that_cannot_be_written_is_said(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    write_captures(files[0], 60)
    result = groundloop(*options(files), "--report", str(files[1] / "drift.html"))
    assert result.code == 1
    assert f"--report {files[1] / 'drift.html'}: can't be written: " in result.error


def test_lines_that_are_no_requests_are_said(groundloop: Groundloop, files: tuple[Path, Path]) -> None:
    (files[0] / "a.jsonl").write_text("{}\n[]\n")
    result = groundloop(*options(files))
    assert result.code == 1
    assert f"{files[0]}: 2 captured lines give no request, first: {files[0]}/a.jsonl, line 1:" in result.err


def test_each_variant_of_an_endpoint_is_compared_with_its_own_version(
    groundloop: Groundloop, files: tuple[Path, Path], baseline: Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_captures(files[0], 60, variant="A")
    write_captures(files[0], 55, light=0.7, variant="B")
    write_captures(files[0], 70, light=0.1, variant="A", hours=5)
    other = SimpleNamespace(version=4)
    found = [
        MonitoredVariant(name, package, baseline, str(files[0]), "bolts")  # type: ignore[arg-type]
        for name, package in (("A", SimpleNamespace(version=3)), ("B", other))
    ]
    served = Served(tuple(found), NOW - timedelta(hours=3))
    monkeypatch.setattr("steps.monitor.served.served", lambda *_: served)
    result = groundloop("drift", "--endpoint", "bolts", "-c", "configs/local.yaml")
    assert result.code == 3
    assert "endpoint bolts, variant A: 60 images, compared with 80 of version 3" in result.out
    assert "endpoint bolts, variant B: 55 images, compared with 80 of version 4" in result.out
