"""The commands take labels in any format that `groundloop labels convert` reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from groundloop.labels.formats.dataset import LabelledDataset
from groundloop.labels.formats.groundtruth import from_groundtruth
from groundloop.labels.label_input import as_manifest
from groundloop.labels.reading import write_labels
from tests.fixtures.cli import Groundloop

_SCENES = 4
_REGION = "us-east-1"
_SOURCES = ["coco", "yolo", "data.yaml", "voc", "csv", "corners", "labelimg"]
Source = Callable[[str], Path]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipeline.demo.synthetic_images import write_dataset

    return write_dataset(tmp_path_factory.mktemp("data"), _SCENES, "bucket")


@pytest.fixture(scope="module")
def images(manifest: Path) -> Path:
    return manifest.parent / "images"


@pytest.fixture
def source(manifest: Path, images: Path, tmp_path: Path) -> Source:
    """Write the labels in another format."""
    dataset = from_groundtruth(manifest)

    def write(name: str) -> Path:
        place = tmp_path / {"coco": "coco.json", "csv": "labels.csv", "corners": "labels.csv"}.get(name, "dataset")
        if name == "corners":
            return _with_corners(dataset, place)
        write_labels(dataset, place, {"data.yaml": "yolo", "labelimg": "yolo"}.get(name, name), images=images)
        if name == "data.yaml":
            return place / name
        if name == "labelimg":
            (place / "data.yaml").unlink()
            (place / "labels/classes.txt").write_text("".join(f"{one}\n" for one in dataset.classes))
        return place

    return write


def _with_corners(dataset: LabelledDataset, path: Path) -> Path:
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for image in dataset.images:
        start = f"{image.name.rpartition('/')[2]},{image.width},{image.height}"
        rows += [
            f"{start},{box.class_name},{box.left},{box.top},{box.left + box.width},{box.top + box.height}"
            for box in image.boxes
        ] or [f"{start},,,,,"]
    path.write_text("\n".join(rows))
    return path


@pytest.mark.parametrize("name", _SOURCES)
def test_labels_are_counted(groundloop: Groundloop, manifest: Path, images: Path, source: Source, name: str) -> None:
    expected = groundloop("labels", "stats", str(manifest), "--json").json
    result = groundloop("labels", "stats", str(source(name)), "--images", str(images), "--json")
    assert result.code == 0
    assert result.json["classes"] == expected["classes"]
    assert result.json["images"] == expected["images"]
    assert "note: " in result.err, "the format is named"


@pytest.mark.parametrize("name", _SOURCES)
def test_labels_are_checked_with_their_images(groundloop: Groundloop, images: Path, source: Source, name: str) -> None:
    result = groundloop("labels", "check", str(source(name)), "--images", str(images))
    assert result.code == 0, result.out
    assert f"{_SCENES} read" in result.out


@pytest.mark.parametrize("name", _SOURCES)
def test_labels_are_shown(groundloop: Groundloop, images: Path, source: Source, tmp_path: Path, name: str) -> None:
    sheet = tmp_path / "sheet.jpg"
    assert groundloop("labels", "show", str(source(name)), "--images", str(images), "-o", str(sheet)).code == 0
    assert sheet.is_file()


@pytest.mark.parametrize("name", _SOURCES)
def test_labels_are_ground_truth(
    groundloop: Groundloop, manifest: Path, images: Path, source: Source, tmp_path: Path, name: str
) -> None:
    truth = from_groundtruth(manifest)
    predictions = tmp_path / "predictions"
    predictions.mkdir()
    for image in truth.images:
        boxes = [
            [
                truth.classes.index(box.class_name),
                0.9,
                box.left / image.width,
                box.top / image.height,
                (box.left + box.width) / image.width,
                (box.top + box.height) / image.height,
            ]
            for box in image.boxes
        ]
        file = predictions / (image.name.rpartition("/")[2] + ".out")
        file.write_text(json.dumps({"prediction": boxes}))
    given = ["--truth", str(source(name)), "--predictions", str(predictions), "--images", str(images)]
    listed = ["--classes", ",".join(truth.classes), "--resamples", "0", "-o", str(tmp_path / "out"), "--json"]
    result = groundloop("evaluate", *given, *listed)
    assert result.code == 0, result.err
    assert result.json["map_50"] == pytest.approx(1)


@pytest.mark.parametrize("name", _SOURCES)
def test_labels_become_a_manifest_to_upload(manifest: Path, images: Path, source: Source, name: str) -> None:
    with as_manifest(str(source(name)), _REGION, images=images) as converted:
        again = from_groundtruth(converted.path)
        assert {image.name.rpartition("/")[2]: image.boxes for image in again.images} == {
            image.name.rpartition("/")[2]: image.boxes for image in from_groundtruth(manifest).images
        }
        # The table with sides keeps S3 URIs.
        prefix = "s3://bucket/" if name == "csv" else "s3://groundloop-local/images/"
        assert all(image.name.startswith(prefix) for image in again.images)
    assert not converted.path.exists()


def test_a_manifest_is_used_as_it_is(manifest: Path) -> None:
    with as_manifest(str(manifest), _REGION) as source:
        assert source.path == manifest
        assert source.notes == ()


@pytest.mark.parametrize("command", ["check", "stats", "show"])
def test_what_holds_no_labels_is_an_error(groundloop: Groundloop, tmp_path: Path, command: str) -> None:
    path = tmp_path / "labels.manifest"
    path.write_text("{}\n")
    result = groundloop("labels", command, str(path))
    assert result.code == 1
    assert result.error.startswith(f"{path} is in no supported format; the closest is groundtruth: ")


@pytest.mark.parametrize("command", ["stats", "show"])
def test_lines_that_cannot_be_used_are_an_error(groundloop: Groundloop, tmp_path: Path, command: str) -> None:
    path = tmp_path / "labels.manifest"
    path.write_text('{"source-ref": "s3://b/a.jpg"}\n')
    result = groundloop("labels", command, str(path), "--label-attribute", "parts")
    assert result.code == 1
    assert result.error == (
        f"{path}: none of 1 lines can be used: line 1: not labelled: the line has no label attribute 'parts'"
    )


def test_a_local_run_says_what_it_cannot_read(
    groundloop: Groundloop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.compiled.compile_ahead", lambda _: None)
    for given, message in (("absent", "does not exist"), (".", "is in no supported format")):
        place = tmp_path / given
        result = groundloop("local", "run", "--labels", str(place), "--images", str(tmp_path))
        assert result.code == 1
        assert message in result.error
    assert groundloop("local", "run", "--labels", "labels.csv").code == 2
