"""Boxes stay on their objects, whatever the EXIF orientation of the image and the format."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageOps

from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.format_name import FormatName, WrittenFormat
from groundloop.labels.formats.names import under_prefix
from groundloop.labels.formats.orientation import as_shown, as_stored
from groundloop.labels.formats.registry import FORMATS, WRITERS, Options
from groundloop.labels.label_input import as_manifest
from groundloop.labels.records import Box

_BOX = (10, 20, 30, 8)  # left, top, width, height on the pixels as stored
_PREFIX = "s3://bucket/images/"


@pytest.fixture(params=range(1, 9))
def orientation(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=[(100, 60), (80, 80)], ids=["oblong", "square"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    width, height = request.param
    return width, height


@pytest.fixture
def photos(tmp_path: Path, orientation: int, size: tuple[int, int]) -> Path:
    """A black image with one white object."""
    image = Image.new("RGB", size)
    left, top, width, height = _BOX
    image.paste((255, 255, 255), (left, top, left + width, top + height))
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "photos").mkdir()
    image.save(tmp_path / "photos/a.png", exif=exif)
    return tmp_path / "photos"


@pytest.fixture
def stored(size: tuple[int, int]) -> LabelledDataset:
    return LabelledDataset((LabelledImage("a.png", *size, (Box("nut", *_BOX),)),), ("nut",), (), on_stored_pixels=True)


def _shown_object(file: Path) -> tuple[int, int, int, int]:
    with Image.open(file) as image:
        left, top, right, bottom = ImageOps.exif_transpose(image).convert("L").getbbox() or (0, 0, 0, 0)
    return left, top, right - left, bottom - top


def _sides(dataset: LabelledDataset) -> tuple[float, float, float, float]:
    ((box,),) = (image.boxes for image in dataset.images)
    return box.left, box.top, box.width, box.height


def test_boxes_are_where_the_object_is_shown(photos: Path, stored: LabelledDataset, orientation: int) -> None:
    shown = as_shown(stored, ImageFolder(photos))
    assert _sides(shown) == _shown_object(photos / "a.png")
    assert bool(shown.notes) is (orientation != 1)
    assert as_shown(shown, ImageFolder(photos)).images == shown.images, "once is enough"
    assert as_stored(shown, ImageFolder(photos)).images == stored.images


def test_labels_of_an_image_that_is_missing_stay(photos: Path, stored: LabelledDataset) -> None:
    (photos / "a.png").unlink()
    assert as_shown(stored, ImageFolder(photos)).images == stored.images


@pytest.mark.parametrize("name", [FormatName.COCO, FormatName.YOLO, FormatName.VOC, FormatName.CSV])
def test_a_manifest_through_another_format_and_back(
    photos: Path, stored: LabelledDataset, tmp_path: Path, name: FormatName
) -> None:
    images = Options(ImageFolder(photos))
    there = tmp_path / ("there.json" if name is FormatName.COCO else "there")
    WRITERS[WrittenFormat(name.value)](stored, there, images)
    labels = FORMATS[name].read(there, Options(ImageFolder(photos)))
    assert _sides(labels) == _shown_object(photos / "a.png")
    back = tmp_path / "back.manifest"
    WRITERS[WrittenFormat.GROUNDTRUTH](under_prefix(labels, _PREFIX, "x"), back, Options(ImageFolder(photos)))
    (image,) = FORMATS[FormatName.GROUNDTRUTH].read(back, Options()).images
    assert (image.width, image.height, image.boxes) == (
        stored.images[0].width,
        stored.images[0].height,
        stored.images[0].boxes,
    )


@pytest.mark.parametrize(("name", "folder"), [("yolo", "images"), ("voc", "JPEGImages"), ("jumpstart", "images")])
def test_copies_are_upright(photos: Path, stored: LabelledDataset, tmp_path: Path, name: str, folder: str) -> None:
    WRITERS[WrittenFormat(name)](stored, tmp_path / "there", Options(ImageFolder(photos)))
    with Image.open(tmp_path / "there" / folder / "a.png") as image:
        assert image.getexif().get(0x0112, 1) == 1
        box = image.convert("L").getbbox() or (0, 0, 0, 0)
    assert (box[0], box[1], box[2] - box[0], box[3] - box[1]) == _shown_object(photos / "a.png")
    labels = FORMATS[FormatName(name)].read(tmp_path / "there", Options())
    assert _sides(labels) == _shown_object(photos / "a.png"), "without the originals too"


def test_labels_for_a_local_run_are_on_the_pixels_that_are_trained_on(
    photos: Path, stored: LabelledDataset, tmp_path: Path
) -> None:
    WRITERS[WrittenFormat.COCO](stored, tmp_path / "c.json", Options(ImageFolder(photos)))
    with as_manifest(str(tmp_path / "c.json"), "us-east-1", images=photos) as source:
        (image,) = FORMATS[FormatName.GROUNDTRUTH].read(source.path, Options()).images
    assert image.boxes == stored.images[0].boxes
