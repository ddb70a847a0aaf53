"""Reader of JumpStart's object detection input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from groundloop.errors import UserError
from groundloop.labels.formats.dataset import BoxCheck, LabelledDataset, LabelledImage, check_classes, check_unique
from groundloop.labels.formats.disk import read_class_names, read_json
from groundloop.labels.formats.names import NameReader
from groundloop.labels.records import Box

ANNOTATIONS = "annotations.json"
CLASSES = "classes.txt"

_Pixels = Annotated[int, msgspec.Meta(ge=1)]


class _Image(msgspec.Struct):
    file_name: Annotated[str, msgspec.Meta(min_length=1)]
    width: _Pixels
    height: _Pixels
    id: int | str


class _Annotation(msgspec.Struct):
    image_id: int | str
    bbox: tuple[float, float, float, float]
    category_id: int


class _Input(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]


def from_jumpstart(path: Path) -> LabelledDataset:
    """Read the folder, or its `annotations.json`.

    Raises:
        UserError: naming the file and the element that is wrong.
    """
    file = path / ANNOTATIONS if path.is_dir() else path
    data = read_json(file, _Input)
    names, notes = _names(file, data)
    sizes = {image.id: (image.width, image.height) for image in data.images}
    if len(sizes) < len(data.images):
        raise UserError(f"{file}: two images have the same id: give each its own")
    boxes: dict[int | str, list[Box]] = {image.id: [] for image in data.images}
    check, read_name = BoxCheck(), NameReader()
    for index, one in enumerate(data.annotations):
        where = f"{file}: annotations[{index}]"
        if one.image_id not in boxes:
            raise UserError(f"{where}: there is no image with the id {one.image_id}: correct or remove the annotation")
        if one.category_id not in names:
            raise UserError(
                f"{where}: category_id {one.category_id} has no line in {CLASSES}, which counts from 0: add it"
            )
        left, top, right, bottom = one.bbox
        box = Box(names[one.category_id], left, top, right - left, bottom - top)
        boxes[one.image_id].append(check(where, box, *sizes[one.image_id]))
    found = tuple(
        LabelledImage(read_name(image.file_name), image.width, image.height, tuple(boxes[image.id]))
        for image in data.images
    )
    check_unique(found, file)
    return LabelledDataset(found, tuple(names.values()), (*notes, *read_name.notes, *check.notes))


def _names(file: Path, data: _Input) -> tuple[dict[int, str], list[str]]:
    """Return the class name by id, and notes on the classes."""
    listed = file.with_name(CLASSES)
    if listed.is_file():
        names = read_class_names(listed)
        check_classes(names, listed)
        return dict(enumerate(names)), []
    ids = sorted({one.category_id for one in data.annotations})
    note = f"no {CLASSES} beside {ANNOTATIONS}: the classes are named by their ids ({', '.join(map(str, ids))})"
    return {class_id: str(class_id) for class_id in ids}, [note]
