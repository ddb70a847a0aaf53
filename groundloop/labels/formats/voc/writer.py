"""Writer of Pascal VOC files."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.images.upright import copy_upright
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.disk import check_free, class_names_text, write_folder
from groundloop.labels.formats.image_sizes import files_of
from groundloop.labels.formats.names import as_file_names, label_files
from groundloop.labels.formats.orientation import as_shown
from groundloop.labels.formats.voc.reader import ANNOTATIONS, CLASSES
from groundloop.labels.records import Box

IMAGES = "JPEGImages"

# XML 1.0, production 2 (Char); a carriage return would come back as a line feed.
_NOT_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_voc(dataset: LabelledDataset, folder: Path, images: ImageFolder | None = None) -> list[str]:
    """Write a folder with `Annotations/`, `classes.txt` and, where image files are given, `JPEGImages/`.

    Returns:
        Notes on what the format could not hold.

    Raises:
        UserError: sizes are missing, a name does not fit the format, or the folder is not empty.
    """
    check_free(folder)
    dataset.require_sizes("Pascal VOC")
    named = as_file_names(as_shown(dataset, images))
    labels = label_files([image.name for image in named.images], ".xml")
    for name in (*dataset.classes, *labels):
        if _NOT_XML.search(name):
            raise UserError(f"the name {name!r} has a character that XML cannot hold: rename it")
    files = {f"{ANNOTATIONS}/{labels[image.name]}": _annotation(image) for image in named.images}
    files[CLASSES] = class_names_text(dataset.classes).encode()
    copies = files_of(named.images, images) if images else {}
    write_folder(folder, files, {f"{IMAGES}/{name}": file for name, file in copies.items()}, copy_upright)
    notes = list(named.notes[len(dataset.notes) :])
    rounded = sum(_corners(box, image) != _exact(box) for image in named.images for box in image.boxes)
    if rounded:
        notes.append(f"{rounded} boxes were rounded to whole pixels: Pascal VOC holds no fractions")
    if not images:
        notes.append(f"no image was copied: tools for Pascal VOC look for them in {IMAGES}/; see --images")
    return notes


def _annotation(image: LabelledImage) -> bytes:
    path = PurePosixPath(image.name)
    root = Element("annotation")
    SubElement(root, "folder").text = (IMAGES / path.parent).as_posix()
    SubElement(root, "filename").text = path.name
    size = SubElement(root, "size")
    for side, pixels in (("width", image.width), ("height", image.height), ("depth", 3)):
        SubElement(size, side).text = str(pixels)
    SubElement(root, "segmented").text = "0"
    for box in image.boxes:
        one = SubElement(root, "object")
        for key, value in (("name", box.class_name), ("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
            SubElement(one, key).text = value
        corners = SubElement(one, "bndbox")
        for side, pixels in zip(("xmin", "ymin", "xmax", "ymax"), _corners(box, image), strict=True):
            SubElement(corners, side).text = str(pixels)
    indent(root)
    xml: bytes = tostring(root, encoding="utf-8")
    return xml + b"\n"


def _exact(box: Box) -> tuple[float, float, float, float]:
    return box.left + 1, box.top + 1, box.left + box.width, box.top + box.height


def _corners(box: Box, image: LabelledImage) -> tuple[int, int, int, int]:
    """Return whole, 1-based, inclusive corners that span at least one pixel and lie on the image."""
    left, top = min(round(box.left), image.width - 1) + 1, min(round(box.top), image.height - 1) + 1
    right, bottom = min(round(box.left + box.width), image.width), min(round(box.top + box.height), image.height)
    return left, top, max(left, right), max(top, bottom)
