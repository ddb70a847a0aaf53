"""Reader of CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import BoxCheck, LabelledDataset, LabelledImage, LeftOut, used_classes
from groundloop.labels.formats.disk import read_text
from groundloop.labels.formats.image_sizes import Sizes
from groundloop.labels.formats.names import NameReader
from groundloop.labels.records import Box

COLUMNS = ("image", "label", "left", "top", "width", "height")

#: The other header, with corners and the image's size.
CORNER_COLUMNS = ("filename", "class", "xmin", "ymin", "xmax", "ymax", "width", "height")


def missing_columns(header: Sequence[str]) -> list[str]:
    """Return the columns that a header lacks or names twice, of the table that it is closest to."""
    return [name for name in _columns(header) if header.count(name) != 1]


def _columns(header: Sequence[str]) -> tuple[str, ...]:
    # Both tables have a width and a height.
    own = len(set(COLUMNS) & set(header))
    return CORNER_COLUMNS if len(set(CORNER_COLUMNS) & set(header)) > own else COLUMNS


def from_csv(path: Path, images: ImageFolder | None = None, strict: bool = True) -> LabelledDataset:
    """Read a CSV file.

    Args:
        images: where to look up the images' sizes; without it they are not known.
        strict: whether a fault is raised; else the image is left out.

    Raises:
        UserError: naming the line that is wrong.
    """
    rows = _rows(path)
    _, header = next(rows, (0, []))
    columns = _columns(header)
    missing = missing_columns(header)
    if missing:
        raise UserError(f"{path}, line 1: the header needs {','.join(columns)} once each; wrong: {', '.join(missing)}")
    places = [header.index(name) for name in columns]
    others = [name for name in header if name not in columns]
    sizes, check, read_name = Sizes(images), BoxCheck(), NameReader()
    measured: dict[str, tuple[int, int]] = {}
    boxes: dict[str, list[Box]] = {}
    negatives: set[str] = set()
    left_out, faulty = LeftOut(strict), set()
    for line, row in rows:
        where, image = f"{path}, line {line}", ""
        try:
            if len(row) != len(header):
                raise UserError(f"{where}: {len(row)} fields, but the header has {len(header)}: correct the line")
            image, label, *numbers = (row[place] for place in places)
            sides, size = numbers[:4], numbers[4:]
            if not image:
                raise UserError(f"{where}: the image is empty: name it")
            image = read_name(image)
            if image not in boxes:
                measured[image] = _size(where, size) if any(size) else sizes.of(image)
            listed = boxes.setdefault(image, [])
            empty = not label and not any(sides)
            if image in negatives or (empty and listed):
                raise UserError(f"{where}: {image} has a row without a box and another row: remove one of them")
            if empty:
                negatives.add(image)
            else:
                listed.append(check(where, _box(where, label, sides, bool(size)), *measured[image]))
        except UserError as error:
            left_out.add(error)
            faulty.add(image)
    found = tuple(
        LabelledImage(name, *measured[name], tuple(listed)) for name, listed in boxes.items() if name not in faulty
    )
    notes = [f"other columns not kept: {', '.join(others)}"] if others else []
    every = (*notes, *read_name.notes, *check.notes, *sizes.notes)
    return LabelledDataset(found, used_classes(found), every, left_out=left_out.messages(found))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with the number of the line they end on; blank lines are left out."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        yield from ((reader.line_num, row) for row in reader if row)
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: not CSV: {error}") from None


def _size(where: str, size: list[str]) -> tuple[int, int]:
    try:
        width, height = map(int, size)
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise UserError(f"{where}: width and height are {','.join(size)}, not the image's size in whole pixels")
    return width, height


def _box(where: str, label: str, sides: list[str], corners: bool) -> Box:
    if not label:
        raise UserError(f"{where}: the label is empty: name the class, or empty the box too for an image without boxes")
    try:
        left, top, width, height = map(float, sides)
    except ValueError:
        names = ", ".join((CORNER_COLUMNS if corners else COLUMNS)[2:6])
        raise UserError(f"{where}: {names} are {','.join(sides)}, not four numbers") from None
    return Box(label, left, top, width - left, height - top) if corners else Box(label, left, top, width, height)
