"""Reader of CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import BoxCheck, LabelledDataset, LabelledImage, used_classes
from groundloop.labels.formats.disk import read_text
from groundloop.labels.formats.image_sizes import Sizes
from groundloop.labels.records import Box

COLUMNS = ("image", "label", "left", "top", "width", "height")


def from_csv(path: Path, images: ImageFolder | None = None) -> LabelledDataset:
    """Read a CSV file.

    Args:
        images: where to look up the images' sizes; without it they are not known.

    Raises:
        UserError: naming the line that is wrong.
    """
    rows = _rows(path)
    _, header = next(rows, (0, []))
    missing = [name for name in COLUMNS if header.count(name) != 1]
    if missing:
        raise UserError(f"{path}, line 1: the header needs {','.join(COLUMNS)} once each; wrong: {', '.join(missing)}")
    places = [header.index(name) for name in COLUMNS]
    others = [name for name in header if name not in COLUMNS]
    sizes, check = Sizes(images), BoxCheck()
    measured: dict[str, tuple[int, int]] = {}
    boxes: dict[str, list[Box]] = {}
    negatives: set[str] = set()
    for line, row in rows:
        where = f"{path}, line {line}"
        if len(row) != len(header):
            raise UserError(f"{where}: {len(row)} fields, but the header has {len(header)}: correct the line")
        image, label, *sides = (row[place] for place in places)
        if not image:
            raise UserError(f"{where}: the image is empty: name it")
        if image not in boxes:
            measured[image] = sizes.of(image)
        listed = boxes.setdefault(image, [])
        empty = not label and not any(sides)
        if image in negatives or (empty and listed):
            raise UserError(f"{where}: {image} has a row without a box and another row: remove one of them")
        if empty:
            negatives.add(image)
        else:
            listed.append(check(where, _box(where, label, sides), *measured[image]))
    found = tuple(LabelledImage(name, *measured[name], tuple(listed)) for name, listed in boxes.items())
    notes = [f"other columns not kept: {', '.join(others)}"] if others else []
    return LabelledDataset(found, used_classes(found), (*notes, *check.notes, *sizes.notes))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with the number of the line they end on; blank lines are left out."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        yield from ((reader.line_num, row) for row in reader if row)
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: not CSV: {error}") from None


def _box(where: str, label: str, sides: list[str]) -> Box:
    if not label:
        raise UserError(f"{where}: the label is empty: name the class, or empty the box too for an image without boxes")
    try:
        left, top, width, height = map(float, sides)
    except ValueError:
        raise UserError(f"{where}: left, top, width, height are {','.join(sides)}, not four numbers") from None
    return Box(label, left, top, width, height)
