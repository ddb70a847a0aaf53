"""Reader of Pascal VOC files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import (
    BoxCheck,
    LabelledDataset,
    LabelledImage,
    LeftOut,
    check_classes,
    check_unique,
    used_classes,
)
from groundloop.labels.formats.disk import read_class_names
from groundloop.labels.formats.image_sizes import Sizes
from groundloop.labels.formats.names import NameReader
from groundloop.labels.formats.voc.xml_file import parse_xml
from groundloop.labels.records import Box

ANNOTATIONS = "Annotations"
CLASSES = "classes.txt"

_FLAGS = ("difficult", "truncated", "occluded")


def from_voc(path: Path, images: ImageFolder | None = None, strict: bool = True) -> LabelledDataset:
    """Read the XML files below `Annotations/` or, where there is no such folder, below the folder itself.

    Args:
        path: the folder.
        images: where to look up sizes that the files do not give.
        strict: whether a fault is raised; else the image is left out.

    Raises:
        UserError: naming the file and the element that is wrong.
    """
    folder = annotations_folder(path)
    files = sorted(folder.rglob("*.xml"))
    if not files:
        raise UserError(f"{path}: holds no XML file: give the folder that has {ANNOTATIONS}/")
    reading = _Reading(folder, Sizes(images))
    left_out = LeftOut(strict)
    images_read = []
    for file in files:
        try:
            images_read.append(reading.image(file))
        except UserError as error:
            left_out.add(error)
    found = tuple(images_read)
    check_unique(found, path)
    classes = used_classes(found)
    if (path / CLASSES).is_file():
        listed = tuple(read_class_names(path / CLASSES))
        check_classes(listed, path / CLASSES)
        unknown = sorted(set(classes) - set(listed))
        if unknown:
            raise UserError(
                f"{path / CLASSES}: the class {unknown[0]!r} of a box is not in it: add it, or remove the file"
            )
        classes = listed
    return LabelledDataset(found, classes, tuple(reading.notes), left_out=left_out.messages(found))


def annotations_folder(path: Path) -> Path:
    """Return the folder of the XML files: `Annotations` in whatever case, else the folder itself."""
    folders = (folder for folder in sorted(path.glob("*/")) if folder.name.lower() == ANNOTATIONS.lower())
    return next((folder for folder in folders if folder.is_dir()), path)


class _Reading:
    """Reads files and keeps count of what to report."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self._folder = folder
        self._sizes = sizes
        self._check = BoxCheck()
        self._not_kept: Counter[str] = Counter()
        self._from_zero = 0
        self._name = NameReader()

    def image(self, file: Path) -> LabelledImage:
        """Read the labels of one file."""
        root = parse_xml(file)
        if root.tag != "annotation":
            raise UserError(f"{file}: the root element is {root.tag}, not annotation: this is not a Pascal VOC file")
        filename = root.findtext("filename")
        if not filename or not filename.strip():
            raise UserError(f"{file}: has no filename: name the image in it")
        name = (self._folder_of_image(file) / self._name(filename)).as_posix()
        size = root.find("size")
        width, height = (0, 0) if size is None else (_pixels(f"{file}: size", size, s) for s in ("width", "height"))
        if width < 1 or height < 1:
            width, height = self._sizes.of(name)
        boxes = tuple(
            self._box(f"{file}: object {number}", one, width, height)
            for number, one in enumerate(root.iterfind("object"), start=1)
        )
        return LabelledImage(name, width, height, boxes)

    def _folder_of_image(self, file: Path) -> PurePosixPath:
        """Return the image's folder: that of the XML, without the `Annotations` of a part such as `train/`."""
        parts = list(file.parent.relative_to(self._folder).parts)
        if self._folder.name.lower() != ANNOTATIONS.lower():
            number = next((n for n, part in enumerate(parts) if part.lower() == ANNOTATIONS.lower()), len(parts))
            parts = parts[:number] + parts[number + 1 :]
        return PurePosixPath(*parts)

    @property
    def notes(self) -> list[str]:
        """Return what reading left out, one line each."""
        notes = [f"{count} objects {what}, which is not kept" for what, count in self._not_kept.items()]
        if self._from_zero:
            notes.append(
                f"{self._from_zero} boxes begin at 0, where Pascal VOC counts from 1: if the tool that wrote them "
                "counts from 0, all boxes are one pixel too far to the left and top"
            )
        return [*notes, *self._name.notes, *self._check.notes, *self._sizes.notes]

    def _box(self, where: str, one: Element, width: int, height: int) -> Box:
        name = one.findtext("name")
        if not name:
            raise UserError(f"{where}: has no name: say of which class it is")
        corners = one.find("bndbox")
        if corners is None:
            raise UserError(f"{where}: has no bndbox: add it, or remove the object")
        left, top, right, bottom = (_number(where, corners, side) for side in ("xmin", "ymin", "xmax", "ymax"))
        self._from_zero += left == 0 or top == 0
        self._not_kept.update(
            f"marked {flag}" for flag in _FLAGS if (one.findtext(flag) or "0").strip() not in ("0", "")
        )
        self._not_kept.update(["with a pose"] * ((one.findtext("pose") or "Unspecified") != "Unspecified"))
        self._not_kept.update(["with parts"] * (one.find("part") is not None))
        return self._check(where, Box(name, left - 1, top - 1, right - left + 1, bottom - top + 1), width, height)


def _number(where: str, parent: Element, name: str) -> float:
    text = parent.findtext(name)
    try:
        return float(text or "")
    except ValueError:
        raise UserError(f"{where}: {name} is {text!r}, not a number: correct it") from None


def _pixels(where: str, parent: Element, name: str) -> int:
    value = _number(where, parent, name)
    if not value.is_integer():
        raise UserError(f"{where}: {name} is {value:g}, not a whole number of pixels: correct it")
    return int(value)
