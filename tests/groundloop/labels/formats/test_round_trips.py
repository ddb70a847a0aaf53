"""Ground Truth to each format and back: equal images, boxes and classes, negatives included."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage, used_classes
from groundloop.labels.formats.format_name import FormatName, WrittenFormat
from groundloop.labels.formats.names import as_file_names, under_prefix
from groundloop.labels.formats.registry import FORMATS, WRITERS, Options, detect
from groundloop.labels.records import Box

PREFIX = "s3://bucket/photos/"

# No control characters: XML cannot hold them, and a list of classes has one name a line.
_text = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\\\ufffe\uffff\ufeff"), min_size=1)
_names = _text.map(lambda text: text[:40])
# `images` below images/ is refused in YOLO, and long names of files by the disk.
_stems = st.text(st.sampled_from("abcXYZ019._- é猫"), min_size=1, max_size=12).filter(lambda stem: stem.strip(". "))


@st.composite
def _image(draw: st.DrawFn, classes: list[str], whole: bool) -> LabelledImage:
    width, height = draw(st.integers(1, 9000)), draw(st.integers(1, 9000))
    boxes = []
    for _ in range(draw(st.integers(0, 4)) if classes else 0):
        left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
        shift = 0 if whole else draw(st.floats(0, 0.9))
        size = (right - left - shift, bottom - top - shift)
        boxes.append(Box(draw(st.sampled_from(classes)), left + shift, top + shift, *size))
    return LabelledImage("", width, height, tuple(boxes))


@st.composite
def datasets(draw: st.DrawFn, whole: bool = True) -> LabelledDataset:
    classes = draw(st.lists(_names, min_size=1, max_size=4, unique=True))
    stems = draw(st.lists(_stems, min_size=1, max_size=4, unique_by=str.casefold))
    folders = st.sampled_from(["", "train/", "a/b/"])
    images = [replace(draw(_image(classes, whole)), name=f"{draw(folders)}{stem}.png") for stem in stems]
    return LabelledDataset(tuple(images), tuple(classes))


def _there_and_back(
    dataset: LabelledDataset, name: FormatName, make_image: Callable[[Path, int, int], None]
) -> tuple[LabelledDataset, LabelledDataset]:
    """The data set as a manifest says it, and as it says it after the way through another format."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for image in dataset.images:
            make_image(root / "pictures" / image.name, image.width, image.height)
        truth, other = FORMATS[FormatName.GROUNDTRUTH], FORMATS[name]
        WRITERS[WrittenFormat.GROUNDTRUTH](under_prefix(dataset, PREFIX, "x"), root / "first.manifest", Options())
        first = truth.read(root / "first.manifest", Options())
        named = as_file_names(first, PREFIX) if other.file_names and not other.uris else first
        place = root / ("annotations.json" if name is FormatName.COCO else "there")
        options = Options(ImageFolder(root / "pictures"))
        WRITERS[WrittenFormat(name.value)](named, place, options)
        assert detect(place) is (FormatName.GROUNDTRUTH if name is FormatName.REKOGNITION else name)
        back = other.read(place, Options() if other.keeps_images else Options(ImageFolder(root / "pictures")))
        named_back = back if back.in_s3 else under_prefix(back, PREFIX, "groundtruth")
        WRITERS[WrittenFormat.GROUNDTRUTH](named_back, root / "second.manifest", Options())
        return first, truth.read(root / "second.manifest", Options())


def _by_name(dataset: LabelledDataset) -> dict[str, LabelledImage]:
    return {image.name: image for image in dataset.images}


@pytest.mark.parametrize("name", [FormatName.COCO, FormatName.YOLO, FormatName.VOC])
@settings(max_examples=40, deadline=None)
@given(dataset=datasets())
def test_whole_pixels_and_classes_come_back(
    name: FormatName, dataset: LabelledDataset, make_image: Callable[[Path, int, int], None]
) -> None:
    first, second = _there_and_back(dataset, name, make_image)
    assert _by_name(first) == {image.name: image for image in under_prefix(dataset, PREFIX, "x").images}
    assert _by_name(second) == _by_name(first)
    assert second.classes == first.classes == dataset.classes


@settings(max_examples=40, deadline=None)
@given(dataset=datasets(whole=False))
def test_csv_gives_back_fractions_too_and_the_classes_of_the_boxes(
    dataset: LabelledDataset, make_image: Callable[[Path, int, int], None]
) -> None:
    first, second = _there_and_back(dataset, FormatName.CSV, make_image)
    assert second.images == first.images
    assert second.classes == used_classes(first.images)


@settings(max_examples=30, deadline=None)
@given(dataset=datasets(whole=False))
def test_coco_gives_back_fractions_too(dataset: LabelledDataset, make_image: Callable[[Path, int, int], None]) -> None:
    first, second = _there_and_back(dataset, FormatName.COCO, make_image)
    assert (second.images, second.classes) == (first.images, first.classes)


@settings(max_examples=30, deadline=None)
@given(dataset=datasets(whole=False))
def test_yolo_gives_back_fractions_within_a_millionth_of_a_pixel(
    dataset: LabelledDataset, make_image: Callable[[Path, int, int], None]
) -> None:
    first, second = _there_and_back(dataset, FormatName.YOLO, make_image)
    assert _by_name(second).keys() == _by_name(first).keys()
    for image, again in zip(
        _by_name(first).values(), (_by_name(second)[name] for name in _by_name(first)), strict=True
    ):
        for one, other in zip(image.boxes, again.boxes, strict=True):
            sides = (other.left, other.top, other.width, other.height)
            assert (one.left, one.top, one.width, one.height) == pytest.approx(sides, abs=1e-6, rel=0)


@settings(max_examples=30, deadline=None)
@given(dataset=datasets().filter(lambda dataset: dataset.boxes > 0))
def test_jumpstart_gives_back_all_but_the_negatives(
    dataset: LabelledDataset, make_image: Callable[[Path, int, int], None]
) -> None:
    first, second = _there_and_back(dataset, FormatName.JUMPSTART, make_image)
    assert second.images == tuple(image for image in first.images if image.boxes)
    assert second.classes == first.classes


def test_rekognition_gives_back_what_it_takes(
    screws: LabelledDataset, make_image: Callable[[Path, int, int], None]
) -> None:
    first, second = _there_and_back(screws, FormatName.REKOGNITION, make_image)
    assert [image.name for image in second.images] == [f"{PREFIX}a.png", f"{PREFIX}b/empty.png"]
    assert second.images == first.images[:2]
    assert second.classes == first.classes
