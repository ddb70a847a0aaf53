"""Reader of COCO files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import BoxCheck, LabelledDataset, LabelledImage, check_classes, check_unique
from groundloop.labels.formats.disk import read_json
from groundloop.labels.formats.image_sizes import Sizes
from groundloop.labels.records import Box

_Pixels = Annotated[int, msgspec.Meta(ge=1)]


class _Image(msgspec.Struct):
    id: int
    file_name: Annotated[str, msgspec.Meta(min_length=1)]
    width: _Pixels | None = None
    height: _Pixels | None = None


class _Annotation(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0
    score: float | None = None
    segmentation: msgspec.Raw = msgspec.Raw(b"[]")


class _Category(msgspec.Struct):
    id: int
    name: str
    supercategory: str | None = None


class _Coco(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def from_coco(path: Path, images: ImageFolder | None = None) -> LabelledDataset:
    """Read a COCO file, or the only JSON file of a folder.

    Args:
        images: where to look up sizes that the file does not give.

    Raises:
        UserError: naming the file and the element that is wrong.
    """
    file = json_file(path)
    coco = read_json(file, _Coco)
    categories = sorted(coco.categories, key=lambda category: category.id)
    names = {category.id: category.name for category in categories}
    if len(names) < len(categories):
        raise UserError(f"{file}: two categories have the same id: give each its own")
    check_classes([category.name for category in categories], file)
    sizes = Sizes(images)
    measured = {}
    for image in coco.images:
        if image.id in measured:
            raise UserError(f"{file}: two images have the id {image.id}: give each its own")
        known = image.width is not None and image.height is not None
        measured[image.id] = (image.width or 0, image.height or 0) if known else sizes.of(image.file_name)
    boxes: dict[int, list[Box]] = {image.id: [] for image in coco.images}
    check = BoxCheck()
    for index, one in enumerate(coco.annotations):
        where = f"{file}: annotations[{index}]"
        if one.image_id not in boxes:
            raise UserError(f"{where}: there is no image with the id {one.image_id}: correct or remove the annotation")
        if one.category_id not in names:
            raise UserError(f"{where}: there is no category with the id {one.category_id}: add it to categories")
        if not one.iscrowd:
            boxes[one.image_id].append(check(where, Box(names[one.category_id], *one.bbox), *measured[one.image_id]))
    found = tuple(LabelledImage(image.file_name, *measured[image.id], tuple(boxes[image.id])) for image in coco.images)
    check_unique(found, file)
    return LabelledDataset(found, tuple(names.values()), (*_not_kept(coco), *check.notes, *sizes.notes))


def json_file(path: Path) -> Path:
    """Return the file itself, or the only `.json` file in a folder.

    Raises:
        UserError: the folder holds none or several.
    """
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.json"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found[:3]) + (", ..." if len(found) > 3 else "") or "none"
        raise UserError(f"{path}: holds {len(found)} JSON files ({names}): give the one to read")
    return found[0]


def _not_kept(coco: _Coco) -> list[str]:
    counts = {
        "crowd regions left out: they are not boxes of single objects": sum(
            bool(one.iscrowd) for one in coco.annotations
        ),
        "segmentations not kept": sum(bytes(one.segmentation) not in (b"[]", b"null") for one in coco.annotations),
        "scores not kept": sum(one.score is not None for one in coco.annotations),
        "supercategories not kept": sum(bool(category.supercategory) for category in coco.categories),
    }
    return [f"{count} {text}" for text, count in counts.items() if count]
