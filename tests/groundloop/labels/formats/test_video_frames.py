"""Video jobs: one image for each frame."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import LabelledImage
from groundloop.labels.formats.format_name import FormatName
from groundloop.labels.formats.registry import detect
from groundloop.labels.formats.video import from_video
from groundloop.labels.records import Box

SAMPLE = Path(__file__).parents[5] / "shared/samples/manifests/aws__amazon-sagemaker-examples__SeqLabel.head20.json"

CAR = {"class-id": "0", "left": 1, "top": 2, "width": 30, "height": 4, "object-name": "Car:1", "object-id": "5e0c"}


def sequence(*frames: list[dict[str, Any]], kind: str = "tracking") -> str:
    return json.dumps(
        {
            f"{kind}-annotations": [
                {"frame-no": str(n), "frame": f"{n}.jpg", "annotations": items} for n, items in enumerate(frames)
            ]
        }
    )


def line(video: int, class_map: dict[str, str] | None = None, attribute: str = "cars") -> dict[str, Any]:
    return {
        "source-ref": f"s3://bucket/in/{video}.json",
        f"{attribute}-ref": f"s3://bucket/out/{video}/SeqLabel.json",
        f"{attribute}-ref-metadata": {
            "class-map": {"0": "car", "1": "bus"} if class_map is None else class_map,
            "type": "groundtruth/video-object-tracking",
            "job-name": "cars",
        },
    }


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: dict[str, Any] | str) -> Path:
        path = tmp_path / "output.manifest"
        path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines))
        return path

    return write


def bucket(uri: str) -> bytes:
    """Two videos of two frames; the first frame of each has a car."""
    video = uri.removesuffix("/SeqLabel.json").removesuffix(".json").rpartition("/")[2]
    if video not in ("1", "2"):
        raise UserError(f"{uri}: is not there")
    if "/in/" in uri:
        return json.dumps({"seq-no": 1, "prefix": f"s3://bucket/frames/{video}/", "frames": []}).encode()
    return sequence([CAR], []).encode()


def test_a_sequence_names_frames_by_file_and_classes_by_objects(tmp_path: Path) -> None:
    (tmp_path / "SeqLabel.json").write_text("\ufeff" + sequence([CAR], []))
    found = from_video(tmp_path / "SeqLabel.json")
    assert found.images == (LabelledImage("0.jpg", 0, 0, (Box("Car", 1, 2, 30, 4),)), LabelledImage("1.jpg", 0, 0))
    assert found.classes == ("Car",)
    assert found.notes == ("not kept: numbers of frames, identities of objects, attributes of frames and objects",)


def test_a_manifest_names_frames_by_their_uris_and_classes_by_its_map(manifest: Callable[..., Path]) -> None:
    found = from_video(manifest(line(1), "", line(2)), fetch=bucket)
    assert [image.name for image in found.images] == [
        f"s3://bucket/frames/{video}/{frame}.jpg" for video in (1, 2) for frame in (0, 1)
    ]
    assert found.images[0].boxes == (Box("car", 1, 2, 30, 4),)
    assert found.classes == ("car", "bus")
    assert found.negatives == 2


def test_sizes_are_those_of_the_image_files(
    manifest: Callable[..., Path], tmp_path: Path, make_image: Callable[[Path, int, int], None]
) -> None:
    for frame in range(2):
        make_image(tmp_path / f"frames/1/{frame}.jpg", 64, 48)
    found = from_video(manifest(line(1)), images=ImageFolder(tmp_path / "frames"), fetch=bucket)
    assert {(image.width, image.height) for image in found.images} == {(64, 48)}
    make_image(tmp_path / "frames/1/0.jpg", 16, 16)
    with pytest.raises(UserError, match=r"s3://bucket/out/1/SeqLabel\.json: frame s3://.*0\.jpg: .*leaves the image"):
        from_video(manifest(line(1)), images=ImageFolder(tmp_path / "frames"), fetch=bucket)


def test_videos_that_are_not_labelled_are_told(manifest: Callable[..., Path]) -> None:
    found = from_video(manifest(line(1), {"source-ref": "s3://bucket/in/2.json"}), fetch=bucket)
    assert len(found.images) == 2
    assert found.notes[0] == "1 of 2 videos are not labelled, first: line 2"


def test_of_several_attributes_one_is_asked_for(manifest: Callable[..., Path]) -> None:
    path = manifest(line(1) | line(1, {"0": "lorry"}, "other"))
    with pytest.raises(UserError, match=r"2 label attributes of videos \(cars-ref, other-ref\): choose one"):
        from_video(path, fetch=bucket)
    for asked in ("other", "other-ref"):
        assert from_video(path, asked, fetch=bucket).classes == ("lorry",)
    with pytest.raises(UserError, match="no line has labels of a video under 'third-ref'"):
        from_video(path, "third", fetch=bucket)


def test_maps_of_two_videos_that_contradict_each_other_give_the_alphabet(manifest: Callable[..., Path]) -> None:
    found = from_video(manifest(line(1), line(2, {"0": "bus", "1": "car"})), fetch=bucket)
    assert [image.boxes[0].class_name for image in found.images if image.boxes] == ["car", "bus"]
    assert found.classes == ("bus", "car")
    assert found.notes[0].startswith("the class maps of the lines contradict each other")


def test_what_a_video_manifest_is_recognised_by(manifest: Callable[..., Path], tmp_path: Path) -> None:
    assert detect(manifest("", line(1))) is FormatName.VIDEO
    (tmp_path / "x.json").write_text(sequence([], kind="detection"))
    assert detect(tmp_path / "x.json") is FormatName.VIDEO


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        pytest.param([], "holds no labels of a video job", id="empty"),
        pytest.param([line(1), "{"], "line 2: not JSON", id="no JSON"),
        pytest.param([line(3)], r"s3://bucket/in/3\.json: is not there", id="a file in S3 is gone"),
        pytest.param([line(1), line(1)], r"s3://bucket/frames/1/0\.jpg appears twice", id="a video twice"),
        pytest.param([line(1, {"5": "car"})], r"1/SeqLabel\.json: class 0 of frame 0\.jpg is not in", id="class"),
        pytest.param([line(1) | {"cars-ref": 4}], "needs a source-ref and 'cars-ref'", id="no URI"),
        pytest.param([line(1) | {"cars-ref": "x"}], "'x' is not an S3 URI", id="another URI"),
        pytest.param([line(1) | {"source-ref": line(1)["cars-ref"]}], "not the sequence file of a video", id="source"),
    ],
)
def test_what_cannot_be_read(manifest: Callable[..., Path], lines: list[Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        from_video(manifest(*lines), fetch=bucket)
    assert "\n" not in str(raised.value)


def test_without_a_way_into_s3_the_command_is_named(manifest: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"line 1: its labels are in s3://bucket/out/1/SeqLabel\.json: convert the"):
        from_video(manifest(line(1)))


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the folder of real samples is not beside the repository")
def test_a_real_tracking_job() -> None:
    assert detect(SAMPLE) is FormatName.VIDEO
    found = from_video(SAMPLE)
    assert (len(found.images), found.negatives, found.classes) == (20, 0, ("Vehicle",))
