"""`labels convert` from the command line."""

from __future__ import annotations

import json
import shlex
import tempfile
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from groundloop.errors import UserError
from groundloop.labels.formats.dataset import LabelledDataset
from groundloop.labels.formats.groundtruth import from_groundtruth
from groundloop.labels.label_input import as_manifest
from groundloop.s3_download import S3Download
from pipeline.cli.labels.convert import convert
from tests.fixtures.cli import Groundloop

_SCENES = 6


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipeline.demo.synthetic_images import write_dataset

    return write_dataset(tmp_path_factory.mktemp("data"), _SCENES, "bucket")


@pytest.fixture(scope="module")
def truth(manifest: Path) -> LabelledDataset:
    return from_groundtruth(manifest)


def folder_of(dataset: LabelledDataset) -> str:
    return dataset.images[0].name.rpartition("/")[0] + "/"


APP = typer.Typer(rich_markup_mode=None)
APP.command()(convert)


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(APP, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    ("to", "name"),
    [("coco", "coco.json"), ("yolo", "y"), ("voc", "v"), ("csv", "labels.csv"), ("rekognition", "r.manifest")],
)
def test_there_and_back(manifest: Path, truth: LabelledDataset, tmp_path: Path, to: str, name: str) -> None:
    images = manifest.parent / "images"
    there = run(manifest, tmp_path / name, "--to", to, "--images", images)
    assert there.exit_code == 0
    prefix = [] if to in ("csv", "rekognition") else ["--prefix", folder_of(truth)]
    back = run(tmp_path / name, tmp_path / "back.manifest", "--to", "groundtruth", "--images", images, *prefix)
    assert back.exit_code == 0
    again = from_groundtruth(tmp_path / "back.manifest")
    assert sorted(again.images, key=lambda image: image.name) == sorted(truth.images, key=lambda image: image.name)
    assert set(again.classes) == set(truth.classes)


def test_what_is_printed(manifest: Path, truth: LabelledDataset, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("to", ["coco", "yolo", "voc", "csv", "groundtruth"])
def test_the_next_steps_work_as_they_are_printed(
    groundloop: Groundloop, manifest: Path, tmp_path: Path, to: str
) -> None:
    images = manifest.parent / "images"
    source = tmp_path / "coco.json"
    run(manifest, source, "--to", "coco")
    target = tmp_path / "written labels"
    prefix = ["--prefix", "s3://bucket/photos/"] if to == "groundtruth" else []
    printed = run(source, target, "--to", to, "--images", images, *prefix).stdout.splitlines()
    steps = [shlex.split(line.removeprefix("next ")) for line in printed if line.startswith("next ")]
    copied = target if to in ("yolo", "voc") else images
    given = [str(target), "--images", str(copied)]
    assert [step[1:] for step in steps[:2]] == [["labels", "check", *given], ["local", "run", "--labels", *given]]
    assert steps[2:] == ([["aws", "s3", "sync", str(images), "s3://bucket/photos/"]] if prefix else [])
    result = groundloop(*steps[0][1:])
    assert (result.code, f"{_SCENES} read" in result.out) == (0, True), result.err or result.out
    # The second takes a minute; this is how it reads its labels.
    with as_manifest(steps[1][4], "us-east-1", images=Path(steps[1][6])) as labels:
        assert labels.path.is_file()


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


def upload(s3: Any, folder: Path, prefix: str) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            s3.upload_file(str(file), "bucket", f"{prefix}/{file.relative_to(folder).as_posix()}")


def test_a_file_in_s3(s3: Any, manifest: Path, truth: LabelledDataset, tmp_path: Path) -> None:
    s3.upload_file(str(manifest), "bucket", "job/output.manifest")
    printed = run("s3://bucket/job/output.manifest", tmp_path / "c.json", "--to", "coco").stdout.splitlines()
    assert printed[0].endswith("from groundtruth s3://bucket/job/output.manifest")
    s3.upload_file(str(tmp_path / "c.json"), "bucket", "c.json")
    run("s3://bucket/c.json", tmp_path / "back", "--to", "groundtruth", "--prefix", folder_of(truth))
    assert set(from_groundtruth(tmp_path / "back").images) == set(truth.images)


@pytest.mark.parametrize("uri", ["s3://bucket/sets/one", "s3://bucket/sets/one/"])
@pytest.mark.parametrize("to", ["yolo", "voc", "jumpstart"])
def test_a_folder_in_s3(s3: Any, manifest: Path, truth: LabelledDataset, tmp_path: Path, to: str, uri: str) -> None:
    run(manifest, tmp_path / "there", "--to", to, "--images", manifest.parent / "images")
    upload(s3, tmp_path / "there", "sets/one")
    s3.put_object(Bucket="bucket", Key="sets/one/labels/", Body=b"")
    s3.put_object(Bucket="bucket", Key="sets/one-other/data.yaml", Body=b"another folder")
    printed = run(uri, tmp_path / "back", "--to", "groundtruth", "--prefix", folder_of(truth)).stdout
    assert f"from {to} {uri}" in printed
    again = from_groundtruth(tmp_path / "back")
    assert {image for image in again.images if image.boxes} == {image for image in truth.images if image.boxes}


def test_images_are_copied_from_s3_only_where_labels_are_measured_by_them(
    s3: Any, manifest: Path, truth: LabelledDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    original = S3Download._download

    def download(self: S3Download, key: str, name: str) -> None:
        copied.append(name)
        original(self, key, name)

    monkeypatch.setattr(S3Download, "_download", download)
    images, prefix = manifest.parent / "images", folder_of(truth)
    cases: list[tuple[str, list[str | Path], int]] = [
        ("voc", [], 0),
        ("yolo", ["--images", images], 0),
        ("yolo", [], _SCENES),
    ]
    for to, given, expected in cases:
        run(manifest, tmp_path / f"{to}{len(given)}", "--to", to, "--images", images)
        upload(s3, tmp_path / f"{to}{len(given)}", f"{to}{len(given)}")
        copied.clear()
        uri = f"s3://bucket/{to}{len(given)}"
        run(uri, tmp_path / f"{to}{len(given)}.m", "--to", "groundtruth", "--prefix", prefix, *given)
        assert sum(name.endswith(".jpg") for name in copied) == expected, to


def test_answers_of_human_loops_in_s3(s3: Any, tmp_path: Path) -> None:
    for number, boxes in enumerate(([], [{"label": "nut", "left": 1, "top": 2, "width": 3, "height": 4}])):
        content = {
            "inputContent": {"taskObject": f"s3://photos/{number}.png"},
            "humanAnswers": [
                {"answerContent": {"a": {"boundingBoxes": boxes, "inputImageProperties": {"width": 9, "height": 9}}}}
            ],
        }
        key = f"a2i/review/2024/01/02/03/04/0{number}/loop{number}/output.json"
        s3.put_object(Bucket="bucket", Key=key, Body=json.dumps(content))
    printed = run("s3://bucket/a2i", tmp_path / "m", "--to", "groundtruth").stdout
    assert "read       2 images (1 without boxes), 1 boxes, from a2i s3://bucket/a2i" in printed
    assert [image.name for image in from_groundtruth(tmp_path / "m").images] == [
        "s3://photos/0.png",
        "s3://photos/1.png",
    ]
    s3.put_object(Bucket="bucket", Key="a2i/x/output.json", Body=b'{"inputContent": {}, "humanAnswers": []}')
    printed = run("s3://bucket/a2i", tmp_path / "again", "--to", "groundtruth").stdout
    assert "first: s3://bucket/a2i/x/output.json\n" in printed
    assert tempfile.gettempdir() not in printed.replace(str(tmp_path), "")


def test_a_video_job_in_s3(s3: Any, tmp_path: Path) -> None:
    line = {
        "source-ref": "s3://bucket/in/1.json",
        "cars-ref": "s3://bucket/out/SeqLabel.json",
        "cars-ref-metadata": {"class-map": {"0": "car"}, "type": "groundtruth/video-object-tracking"},
    }
    box = {"class-id": "0", "left": 1, "top": 2, "width": 30, "height": 4}
    labels = {"tracking-annotations": [{"frame-no": "0", "frame": "0.png", "annotations": [box]}]}
    for key, content in (
        ("out/output.manifest", line),
        ("out/SeqLabel.json", labels),
        ("in/1.json", {"seq-no": 1, "prefix": "s3://bucket/frames/"}),
    ):
        s3.put_object(Bucket="bucket", Key=key, Body=json.dumps(content))
    (tmp_path / "frames").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "frames/0.png")
    target: list[str | Path] = [tmp_path / "m", "--to", "groundtruth", "--images", tmp_path / "frames"]
    assert "from video s3://bucket/out/output.manifest" in run("s3://bucket/out/output.manifest", *target).stdout
    (image,) = from_groundtruth(tmp_path / "m").images
    assert (image.name, image.width, len(image.boxes)) == ("s3://bucket/frames/0.png", 64, 1)
    with pytest.raises(UserError, match=r"needs the size of each image, .* --images"):
        run("s3://bucket/out/output.manifest", tmp_path / "n", "--to", "groundtruth")


@pytest.mark.parametrize(
    ("files", "uri", "message"),
    [
        pytest.param({}, "s3://bucket/x", "s3://bucket/x does not exist in S3: check the URI", id="nothing"),
        pytest.param({}, "s3://nowhere", "s3://nowhere does not exist in S3", id="no bucket"),
        pytest.param({"x": "hello"}, "s3://bucket/x", "s3://bucket/x is in no supported format", id="no format"),
        pytest.param(
            {"x/c.json": '{"images": [1]}'}, "s3://bucket/x", r"s3://bucket/x is in no supported format", id="folder"
        ),
        pytest.param({"x/../y": "1"}, "s3://bucket/x", r"x/\.\./y: its key cannot be a file", id="out of it"),
        pytest.param({"x/a": "1", "x/a/b": "2"}, "s3://bucket/x", "cannot be written to disk", id="file and folder"),
        pytest.param(
            {"x/a.xml": "<annotation><filename>a</filename><object/></annotation>"},
            "s3://bucket/x/",
            r"s3://bucket/x/a\.xml: object 1: has no name",
            id="a fault in a file of a folder",
        ),
        pytest.param(
            {"d/l.csv": "image,label,left,top,width,height\na,nut,1,2,3\n"},
            "s3://bucket/d/l.csv",
            r"s3://bucket/d/l\.csv, line 2: 5 fields",
            id="a fault in a file",
        ),
    ],
)
def test_faults_name_what_is_in_s3(s3: Any, tmp_path: Path, files: dict[str, str], uri: str, message: str) -> None:
    for key, content in files.items():
        s3.put_object(Bucket="bucket", Key=key, Body=content)
    with pytest.raises(UserError, match=message) as raised:
        run(uri, tmp_path / "y", "--to", "yolo")
    assert tempfile.gettempdir() not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "y").exists()


def test_nothing_is_written_to_s3(manifest: Path) -> None:
    with pytest.raises(UserError, match="s3://bucket/y is in S3, and labels are written to the disk"):
        run(manifest, "s3://bucket/y", "--to", "yolo")


def test_an_unknown_format_is_a_usage_error(manifest: Path, tmp_path: Path) -> None:
    for unknown in ("kitti", "a2i"):  # the second is for reading only
        result = run(manifest, tmp_path / "x", "--to", unknown)
        assert result.exit_code == 2
    assert "jumpstart" in result.output
