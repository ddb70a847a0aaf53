"""Writer of JumpStart's object detection input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.images.upright import copy_upright
from groundloop.labels.formats.dataset import LabelledDataset, as_json_number
from groundloop.labels.formats.disk import check_free, class_names_text, write_folder
from groundloop.labels.formats.image_sizes import files_of
from groundloop.labels.formats.jumpstart.reader import ANNOTATIONS, CLASSES
from groundloop.labels.formats.names import as_file_names, check_file_name
from groundloop.labels.formats.orientation import as_shown


def as_jumpstart(dataset: LabelledDataset, folder: Path, images: ImageFolder | None = None) -> list[str]:
    """Write a folder with `annotations.json`, `classes.txt` and, where image files are given, `images/`.

    Returns:
        Notes on what the format could not hold.

    Raises:
        UserError: sizes are missing, no image has a box, or the folder is not empty.
    """
    check_free(folder)
    dataset.require_sizes("JumpStart")
    named = as_file_names(as_shown(dataset, images))
    labelled = replace(named, images=tuple(image for image in named.images if image.boxes))
    if not labelled.images:
        raise UserError("no image has a box: JumpStart's algorithm fails on images without boxes; label some first")
    for image in labelled.images:
        check_file_name(image.name)
    ids = {name: number for number, name in enumerate(dataset.classes)}
    entries = [
        {"file_name": image.name, "height": image.height, "width": image.width, "id": number}
        for number, image in enumerate(labelled.images)
    ]
    annotations = [
        {
            "image_id": number,
            "bbox": [as_json_number(side) for side in (box.left, box.top, box.left + box.width, box.top + box.height)],
            "category_id": ids[box.class_name],
        }
        for number, image in enumerate(labelled.images)
        for box in image.boxes
    ]
    files = {
        ANNOTATIONS: msgspec.json.encode({"images": entries, "annotations": annotations}) + b"\n",
        CLASSES: class_names_text(dataset.classes).encode(),
    }
    copies = files_of(labelled.images, images) if images else {}
    write_folder(folder, files, {f"images/{name}": file for name, file in copies.items()}, copy_upright)
    notes = list(named.notes[len(dataset.notes) :])
    if dataset.negatives:
        notes.append(f"{dataset.negatives} images without boxes left out: JumpStart's algorithm fails on them")
    if not images:
        notes.append("no image was copied: JumpStart looks for them in images/; see --images")
    return [*notes, f"{ANNOTATIONS} holds ids only: {CLASSES} beside it has the names of the classes"]
