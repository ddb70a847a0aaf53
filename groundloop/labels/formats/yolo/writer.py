"""Writer of YOLO folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from groundloop.errors import UserError
from groundloop.images.access import SUFFIXES
from groundloop.images.local import ImageFolder
from groundloop.images.upright import copy_upright
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.disk import check_free, write_folder
from groundloop.labels.formats.image_sizes import files_of
from groundloop.labels.formats.names import as_file_names, label_files
from groundloop.labels.formats.orientation import as_shown


def as_yolo(dataset: LabelledDataset, folder: Path, images: ImageFolder | None = None) -> list[str]:
    """Write a folder with `data.yaml`, `labels/` and, where image files are given, `images/`.

    Returns:
        Notes on what the format could not hold.

    Raises:
        UserError: sizes are missing, an image's name does not fit the format, or the folder is not empty.
    """
    check_free(folder)
    dataset.require_sizes("YOLO")
    named = as_file_names(as_shown(dataset, images))
    for image in named.images:
        _check_name(image.name)
    labels = label_files([image.name for image in named.images], ".txt")
    ids = {name: number for number, name in enumerate(dataset.classes)}
    files = {f"labels/{labels[image.name]}": _lines(image, ids).encode() for image in named.images}
    files["data.yaml"] = _data_yaml(dataset.classes)
    copies = files_of(named.images, images) if images else {}
    write_folder(folder, files, {f"images/{name}": file for name, file in copies.items()}, copy_upright)
    notes = list(named.notes[len(dataset.notes) :])
    if not images:
        notes.append(
            "no image was copied: YOLO tools look for them in images/, and reading back needs them; see --images"
        )
    return [*notes, "data.yaml names the same images for train and val: split them before you train"]


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"the image {name} has no suffix of an image file, such as .jpg: YOLO would not find it")
    if "images" in path.parts[:-1]:
        # Tools find the labels by putting `labels` for the last folder called `images`.
        raise UserError(f"the image {name} is in a folder called images below images/: YOLO would not find its labels")


def _lines(image: LabelledImage, ids: Mapping[str, int]) -> str:
    return "".join(
        f"{ids[box.class_name]}"
        f" {(box.left + box.width / 2) / image.width:.12f} {(box.top + box.height / 2) / image.height:.12f}"
        f" {box.width / image.width:.12f} {box.height / image.height:.12f}\n"
        for box in image.boxes
    )


def _data_yaml(classes: tuple[str, ...]) -> bytes:
    import yaml  # only here: what runs inside a job can do without it

    data = {"train": "images", "val": "images", "nc": len(classes), "names": dict(enumerate(classes))}
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode()
