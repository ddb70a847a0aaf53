"""``labels convert`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from labels.errors import UserError
from labels.formats.dataset import Dataset
from labels.formats.groundtruth import from_groundtruth
from pipeline.cli.labels.convert import convert

_SCENES = 6


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipeline.scenes import render

    return render(tmp_path_factory.mktemp("data"), _SCENES, "bucket")


@pytest.fixture(scope="module")
def truth(manifest: Path) -> Dataset:
    return from_groundtruth(manifest)


def run(*arguments: str | Path) -> Result:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(convert)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    ("to", "name"),
    [("coco", "coco.json"), ("yolo", "y"), ("voc", "v"), ("csv", "labels.csv"), ("rekognition", "r.manifest")],
)
def test_there_and_back(manifest: Path, truth: Dataset, tmp_path: Path, to: str, name: str) -> None:
    images = manifest.parent / "images"
    there = run(manifest, tmp_path / name, "--to", to, "--images", images)
    assert there.exit_code == 0
    folder = truth.images[0].name.rpartition("/")[0] + "/"
    prefix = [] if to in ("csv", "rekognition") else ["--prefix", folder]
    back = run(tmp_path / name, tmp_path / "back.manifest", "--to", "groundtruth", "--images", images, *prefix)
    assert back.exit_code == 0
    again = from_groundtruth(tmp_path / "back.manifest")
    assert sorted(again.images, key=lambda image: image.name) == sorted(truth.images, key=lambda image: image.name)
    assert set(again.classes) == set(truth.classes)


def test_what_is_printed(manifest: Path, truth: Dataset, tmp_path: Path) -> None:
    lines = run(manifest, tmp_path / "c.json", "--to", "coco").stdout.splitlines()
    counts = f"{_SCENES} images ({truth.negatives} without boxes), {truth.boxes} boxes"
    assert lines[0] == f"read       {counts}, from groundtruth {manifest}"
    assert lines[1] == f"classes    {', '.join(truth.classes)}"
    assert all(line.startswith("note       ") for line in lines[2:-1])
    assert any("give it as --prefix to convert back" in line for line in lines)
    assert lines[-1] == f"written    coco {tmp_path / 'c.json'}"


@pytest.mark.parametrize(("to", "folder"), [("yolo", "images"), ("voc", "JPEGImages"), ("jumpstart", "images")])
def test_images_are_copied_where_the_format_keeps_them(manifest: Path, tmp_path: Path, to: str, folder: str) -> None:
    run(manifest, tmp_path / "out", "--to", to, "--images", manifest.parent / "images")
    copied = sorted((tmp_path / "out" / folder).iterdir())
    assert len(copied) in (_SCENES, _SCENES - 1)
    with Image.open(copied[0]) as image:
        assert image.size == (320, 240)


def test_the_label_attribute_and_a_shorter_prefix(manifest: Path, tmp_path: Path) -> None:
    run(manifest, tmp_path / "c.json", "--to", "coco", "--prefix", "s3://bucket/")
    name = json.loads((tmp_path / "c.json").read_text())["images"][0]["file_name"]
    run(tmp_path / "c.json", tmp_path / "g", "--to", "groundtruth", "--prefix", "s3://b", "--label-attribute", "screws")
    first = json.loads((tmp_path / "g").read_text().splitlines()[0])
    assert first["source-ref"] == f"s3://b/{name}"
    assert "screws-metadata" in first


def test_the_way_from_one_tool_to_another_without_s3(manifest: Path, tmp_path: Path) -> None:
    images = manifest.parent / "images"
    run(manifest, tmp_path / "y", "--to", "yolo", "--images", images)
    printed = run(tmp_path / "y", tmp_path / "v", "--to", "voc", "--from", "yolo").stdout
    assert f"{_SCENES} images" in printed
    assert len(list((tmp_path / "v/Annotations").iterdir())) == _SCENES
    with pytest.raises(UserError, match="--prefix s3://b/ is not needed: coco names images by files"):
        run(tmp_path / "y", tmp_path / "c.json", "--to", "coco", "--prefix", "s3://b/")


def test_what_is_missing_is_asked_for(manifest: Path, tmp_path: Path) -> None:
    run(manifest, tmp_path / "t.csv", "--to", "csv", "--prefix", "s3://bucket/")
    with pytest.raises(UserError, match=r"groundtruth names images by S3 URIs, .* --prefix s3://bucket/images/"):
        run(tmp_path / "t.csv", tmp_path / "g", "--to", "groundtruth")
    with pytest.raises(UserError, match=r"needs the size of each image, .* --images"):
        run(tmp_path / "t.csv", tmp_path / "g", "--to", "groundtruth", "--prefix", "s3://bucket/")
    assert not (tmp_path / "g").exists()


def test_nothing_is_overwritten_and_the_source_must_be_there(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing is overwritten"):
        run(manifest, manifest, "--to", "coco")
    for given in ([], ["--from", "coco"]):
        with pytest.raises(UserError, match="absent does not exist"):
            run(tmp_path / "absent", tmp_path / "x", "--to", "voc", *given)


def test_s3_is_no_place_on_disk(manifest: Path) -> None:
    for given in (["s3://bucket/output.manifest", "x"], [str(manifest), "s3://bucket/y"]):
        with pytest.raises(UserError, match="is in S3, and labels are converted on disk"):
            run(*given, "--to", "yolo")


def test_an_unknown_format_is_a_usage_error(manifest: Path, tmp_path: Path) -> None:
    result = run(manifest, tmp_path / "x", "--to", "kitti")
    assert result.exit_code == 2
    assert "jumpstart" in result.output
