"""Reader of COCO files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import (
    BoxCheck,
    LabelledDataset,
    LabelledImage,
    LeftOut,
    check_classes,
    check_unique,
)
from groundloop.labels.formats.disk import keys_of, read_bytes, read_json
from groundloop.labels.formats.image_sizes import Sizes
from groundloop.labels.formats.names import NameReader
from groundloop.labels.records import Box

#: The keys that a COCO file of object instances has.
KEYS = frozenset({"images", "annotations", "categories"})

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


def from_coco(path: Path, images: ImageFolder | None = None, strict: bool = True) -> LabelledDataset:
    """Read a COCO file, or the COCO files of a folder or of its `annotations/` together.

    Args:
        path: the file or folder.
        images: where to look up sizes that the files do not give.
        strict: whether a fault is raised; else the image is left out.

    Raises:
        UserError: naming the file and the element that is wrong.
    """
    files, others = coco_files(path)
    if len(files) == 1:
        dataset = _read(files[0], images, strict)
    else:
        # A part's file lies among the images of that part; those of `annotations/` name images of one folder.
        dataset = _joined(path, {file: _under(_read(file, images, strict), _part(file, path)) for file in files})
    notes = [f"{file.relative_to(path).as_posix()} is not read: it holds no instances" for file in others]
    return replace(dataset, notes=(*dataset.notes, *notes))


def coco_files(path: Path) -> tuple[list[Path], list[Path]]:
    """Return the COCO files of object instances at a path, and the other JSON files beside them.

    Of a folder: its own JSON files, else those of `annotations/`, else those of all folders in it.

    Raises:
        UserError: there is none.
    """
    if not path.is_dir():
        return [path], []
    found: list[Path] = []
    for pattern in ("*.json", "[aA]nnotations/*.json", "*/*.json"):
        found = sorted(path.glob(pattern))
        files = [file for file in found if keys_of(read_bytes(file)) >= KEYS]
        # COCO's own downloads have the same images in person_keypoints_*.json too.
        files = [file for file in files if file.name.startswith("instances")] or files
        if files:
            return files, [file for file in found if file not in files]
    raise UserError(f"{path}: holds no JSON file with {', '.join(sorted(KEYS))}, neither itself nor in annotations/")


def _part(file: Path, path: Path) -> str:
    shared = file.parent == path or file.parent.name.lower() == "annotations"
    return "" if shared else f"{file.parent.relative_to(path).as_posix()}/"


def _under(dataset: LabelledDataset, part: str) -> LabelledDataset:
    return replace(dataset, images=tuple(replace(image, name=part + image.name) for image in dataset.images))


def _joined(path: Path, datasets: Mapping[Path, LabelledDataset]) -> LabelledDataset:
    images = tuple(image for dataset in datasets.values() for image in dataset.images)
    check_unique(images, path)
    classes = tuple(dict.fromkeys(name for dataset in datasets.values() for name in dataset.classes))
    notes = dict.fromkeys(note for dataset in datasets.values() for note in dataset.notes)
    counts = [f"{file.relative_to(path).as_posix()} {len(dataset.images)}" for file, dataset in datasets.items()]
    split = f"{len(datasets)} files are read together, so their split is not kept (images: {', '.join(counts)})"
    left_out = tuple(message for dataset in datasets.values() for message in dataset.left_out)
    return LabelledDataset(images, classes, (*notes, split), left_out=left_out)


def _read(file: Path, images: ImageFolder | None, strict: bool) -> LabelledDataset:
    coco = read_json(file, _Coco)
    categories = sorted(coco.categories, key=lambda category: category.id)
    names = {category.id: category.name for category in categories}
    if len(names) < len(categories):
        raise UserError(f"{file}: two categories have the same id: give each its own")
    check_classes([category.name for category in categories], file)
    sizes, read_name = Sizes(images), NameReader()
    file_names = {image.id: read_name(image.file_name) for image in coco.images}
    measured = {}
    for image in coco.images:
        if image.id in measured:
            raise UserError(f"{file}: two images have the id {image.id}: give each its own")
        known = image.width is not None and image.height is not None
        measured[image.id] = (image.width or 0, image.height or 0) if known else sizes.of(file_names[image.id])
    boxes: dict[int, list[Box]] = {image.id: [] for image in coco.images}
    check, left_out = BoxCheck(), LeftOut(strict)
    faulty: set[int] = set()
    for index, one in enumerate(coco.annotations):
        where = f"{file}: annotations[{index}]"
        try:
            if one.image_id not in boxes:
                raise UserError(
                    f"{where}: there is no image with the id {one.image_id}: correct or remove the annotation"
                )
            if one.category_id not in names:
                raise UserError(f"{where}: there is no category with the id {one.category_id}: add it to categories")
            if not one.iscrowd:
                box = check(where, Box(names[one.category_id], *one.bbox), *measured[one.image_id])
                boxes[one.image_id].append(box)
        except UserError as error:
            left_out.add(error)
            faulty.add(one.image_id)
    found = tuple(
        LabelledImage(file_names[image.id], *measured[image.id], tuple(boxes[image.id]))
        for image in coco.images
        if image.id not in faulty
    )
    check_unique(found, file)
    notes = (*_not_kept(coco), *read_name.notes, *check.notes, *sizes.notes)
    return LabelledDataset(found, tuple(names.values()), notes, left_out=left_out.messages(found))


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
