from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.groundtruth import as_groundtruth, from_groundtruth
from groundloop.labels.formats.names import under_prefix
from groundloop.labels.formats.rekognition import as_rekognition
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Box, LineStatus


def line(key: str, class_map: dict[str, str], *class_ids: int, **others: Any) -> dict[str, Any]:
    boxes = [{"class_id": class_id, "left": 1, "top": 2, "width": 3, "height": 4} for class_id in class_ids]
    return {
        "source-ref": f"s3://bucket/{key}",
        "bb": {"image_size": [{"width": 100, "height": 50, "depth": 3}], "annotations": boxes},
        "bb-metadata": {
            "objects": [{"confidence": 0}] * len(boxes),
            "class-map": class_map,
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
        },
        **others,
    }


def write(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "output.manifest"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return path


@pytest.fixture
def in_s3(screws: LabelledDataset) -> LabelledDataset:
    return under_prefix(screws, "s3://bucket/photos", "groundtruth")


def test_what_is_written_is_a_sound_manifest(in_s3: LabelledDataset, tmp_path: Path) -> None:
    assert as_groundtruth(in_s3, tmp_path / "output.manifest", "screws") == []
    with (tmp_path / "output.manifest").open("rb") as stream:
        lines = list(ManifestReader("screws").read(stream))
    assert [one.status for one in lines] == [LineStatus.LABELLED, LineStatus.NEGATIVE, LineStatus.LABELLED]
    assert not any(one.findings for one in lines)
    first = json.loads(lines[0].raw)
    assert first["source-ref"] == "s3://bucket/photos/a.png"
    assert first["screws"] == {
        "image_size": [{"width": 200, "height": 100, "depth": 3}],
        "annotations": [
            {"class_id": 0, "left": 10, "top": 20, "width": 30, "height": 40},
            {"class_id": 1, "left": 0, "top": 0, "width": 200, "height": 100},
        ],
    }
    metadata = first["screws-metadata"]
    assert metadata["class-map"] == {"0": "nut", "1": "bolt", "2": "washer"}
    assert metadata["objects"] == [{"confidence": 0}] * 2
    assert {"type", "human-annotated", "creation-date", "job-name"} <= metadata.keys()


def test_ids_give_the_order_of_the_classes_where_maps_agree(tmp_path: Path) -> None:
    path = write(
        tmp_path, line("a.jpg", {"4": "nut"}, 4), line("b.jpg", {}), line("c.jpg", {"9": "axle", "4": "nut"}, 9)
    )
    dataset = from_groundtruth(path)
    assert dataset.classes == ("nut", "axle")
    assert [image.name for image in dataset.images] == ["s3://bucket/a.jpg", "s3://bucket/b.jpg", "s3://bucket/c.jpg"]
    assert dataset.images[2].boxes == (Box("axle", 1, 2, 3, 4),)
    assert dataset.notes == ("not kept from the manifest: confidences, dates and job names",)


def test_maps_that_contradict_each_other_give_the_alphabet(tmp_path: Path) -> None:
    dataset = from_groundtruth(write(tmp_path, line("a.jpg", {"0": "nut"}, 0), line("b.jpg", {"0": "axle"}, 0)))
    assert dataset.classes == ("axle", "nut")
    assert dataset.notes[0] == (
        "the class maps of the lines contradict each other (class id 0 is 'nut' on line 1 and 'axle' on line 2): "
        "names count, and the classes are in alphabetical order"
    )


def test_lines_that_are_not_used_and_keys_that_are_not_kept_are_told(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        line("a.jpg", {"0": "nut"}, 0, color="blue"),
        {"source-ref": "s3://bucket/b.jpg"},
        line("c.jpg", {"0": "nut"}, 7),
    )
    dataset = from_groundtruth(path)
    assert len(dataset.images) == 1
    assert dataset.notes == (
        "2 of 3 lines are not used (1 unlabelled, 1 rejected); line 3: box 1: class_id 7 is not in the class-map (0)",
        "not kept from the manifest: confidences, dates and job names",
        "not kept from the manifest: other keys of its lines (color)",
    )


def test_several_lines_without_labels_are_no_fault(tmp_path: Path) -> None:
    """As the output of a labelling job that was stopped has them."""
    unlabelled = [{"source-ref": f"s3://bucket/{name}.jpg"} for name in "bc"]
    dataset = from_groundtruth(write(tmp_path, line("a.jpg", {"0": "nut"}, 0), *unlabelled))
    assert len(dataset.images) == 1
    assert dataset.notes[0].startswith("2 of 3 lines are not used (2 unlabelled); line 2: ")


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no line holds labels that can be used: 1 of 1 lines"):
        from_groundtruth(write(tmp_path, {"source-ref": "s3://bucket/b.jpg"}), "bb")


@pytest.mark.parametrize("name", ["a b", "x-metadata", "x-ref", "-x", "", "ü"])
def test_names_that_no_label_attribute_has(in_s3: LabelledDataset, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"--label-attribute .* cannot name a label"):
        as_groundtruth(in_s3, tmp_path / "x", name)


@pytest.mark.parametrize(
    ("image", "classes", "message"),
    [
        pytest.param(LabelledImage("a.jpg", 9, 9), (), "does not fit a manifest: source-ref 'a.jpg'", id="file name"),
        pytest.param(LabelledImage("s3://b/a", 0, 0), (), "Ground Truth needs the size of each image", id="no size"),
        pytest.param(
            LabelledImage("s3://b/a", 9, 9, (Box("n" * 257, 0, 0, 1, 1),)),
            ("n" * 257,),
            "a class name has 1 to 256 characters",
            id="long name",
        ),
    ],
)
def test_what_no_manifest_can_hold(
    tmp_path: Path, image: LabelledImage, classes: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        as_groundtruth(LabelledDataset((image,), classes), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_rekognition_leaves_out_what_it_would_refuse(tmp_path: Path) -> None:
    box = Box("nut", 0, 0, 10, 10)
    images = (
        LabelledImage("s3://b/valid.jpg", 4096, 300, (box,) * 50),
        LabelledImage("s3://b/empty.jpg", 64, 64),
        LabelledImage("s3://b/low.jpg", 100, 63, (box,)),
        LabelledImage("s3://b/wide.jpg", 4097, 3000, (box,)),
        LabelledImage("s3://b/long.jpg", 2000, 99, (box,)),
        LabelledImage("s3://b/many.jpg", 100, 100, (box,) * 51),
        LabelledImage("s3://b/tiny.jpg", 4000, 3000, (Box("nut", 0, 0, 3, 100),)),
        LabelledImage("s3://b/tiny2.jpg", 4000, 3000, (Box("nut", 0, 0, 3, 100),)),
    )
    notes = as_rekognition(LabelledDataset(images, ("nut",)), tmp_path / "r.manifest")
    lines = [json.loads(one) for one in (tmp_path / "r.manifest").read_text().splitlines()]
    assert [one["source-ref"] for one in lines] == ["s3://b/valid.jpg", "s3://b/empty.jpg"]
    assert lines[0]["bounding-box-metadata"]["objects"] == [{"confidence": 1}] * 50
    refuses = "images left out, which Rekognition refuses"
    assert notes == [
        f"2 {refuses} (a side under 64 or over 4096 pixels), first: s3://b/low.jpg",
        f"1 {refuses} (sides more than 20 to 1), first: s3://b/long.jpg",
        f"1 {refuses} (more than 50 boxes), first: s3://b/many.jpg",
        f"2 {refuses} (a box of 1 pixel or less once the image is scaled down to 1280), first: s3://b/tiny.jpg",
        "1 images without boxes are kept: Rekognition warns of them",
        "the format and size in bytes of the image files were not checked: see --images",
    ]


def test_rekognition_leaves_out_image_files_that_it_would_refuse(tmp_path: Path) -> None:
    box = Box("nut", 0, 0, 10, 10)
    names = ("valid.png", "photo.jpg", "large.jpg", "picture.bmp", "bitmap.jpg")
    dataset = LabelledDataset(tuple(LabelledImage(f"s3://b/{name}", 64, 64, (box,)) for name in names), ("nut",))
    (tmp_path / "images").mkdir()
    for name, kind in zip(names, ("PNG", "JPEG", "JPEG", "BMP", "BMP"), strict=True):
        Image.new("RGB", (64, 64)).save(tmp_path / "images" / name, kind)
    with (tmp_path / "images/large.jpg").open("ab") as stream:
        stream.truncate(15_000_001)
    notes = as_rekognition(dataset, tmp_path / "r.manifest", images=ImageFolder(tmp_path / "images"))
    lines = [json.loads(one) for one in (tmp_path / "r.manifest").read_text().splitlines()]
    assert [one["source-ref"] for one in lines] == ["s3://b/valid.png", "s3://b/photo.jpg"]
    refuses = "images left out, which Rekognition refuses"
    assert notes == [
        f"1 {refuses} (more than 15 MB), first: s3://b/large.jpg",
        f"2 {refuses} (neither PNG nor JPEG), first: s3://b/picture.bmp",
    ]


def test_rekognition_needs_the_image_files_that_were_labelled(tmp_path: Path) -> None:
    dataset = LabelledDataset((LabelledImage("s3://b/a.png", 64, 64, (Box("nut", 0, 0, 10, 10),)),), ("nut",))
    with pytest.raises(UserError, match=r"the image s3://b/a\.png is not in the folder"):
        as_rekognition(dataset, tmp_path / "r.manifest", images=ImageFolder(tmp_path))
    Image.new("RGB", (64, 65)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="64 x 65 pixels, but its labels were made on 64 x 64"):
        as_rekognition(dataset, tmp_path / "r.manifest", images=ImageFolder(tmp_path))


@pytest.mark.parametrize(
    ("names", "classes", "message"),
    [
        pytest.param(["s3://a/1", "s3://b/2"], ("nut",), r"several buckets \(a, b\)", id="buckets"),
        pytest.param(["s3://a/1"], (), "there are 0 classes, and Rekognition takes 1 to 250", id="no class"),
        pytest.param(["s3://a/1"], tuple(map(str, range(251))), "there are 251 classes", id="many classes"),
        pytest.param([], ("nut",), "Rekognition would refuse every image", id="nothing left"),
    ],
)
def test_rekognition_refuses_as_a_whole(
    tmp_path: Path, names: list[str], classes: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        as_rekognition(LabelledDataset(tuple(LabelledImage(name, 99, 99) for name in names), classes), tmp_path / "x")
