"""Labelled images side by side, with their boxes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, UnidentifiedImageError

from groundloop.detections.drawing import draw_labels
from groundloop.errors import UserError
from groundloop.images.fonts import PictureText
from groundloop.images.local import ImageFolder
from groundloop.labels.records import Record

_COLUMNS = 4
_CELL = 480
_GAP = 8
_CAPTION = 20
_GROUND = (24, 24, 24)


class ImageSource:
    """Where the images of a manifest are: a folder when one is given, else the S3 URIs themselves."""

    def __init__(self, folder: Path | None, region: str) -> None:
        self._folder = ImageFolder(folder) if folder else None
        self._region = region

    def open(self, reference: str) -> Image.Image:
        """Open the image of a source-ref.

        Raises:
            UserError: it is missing, or no image.
        """
        try:
            picture = Image.open(io.BytesIO(self._read(reference)))
            picture.load()
        except (UnidentifiedImageError, OSError):
            raise UserError(f"{reference}: is not an image that can be read") from None
        return picture

    def _read(self, reference: str) -> bytes:
        if self._folder is None:
            from groundloop.aws import client
            from groundloop.s3 import read_bytes

            return read_bytes(client("s3", self._region), reference)
        return self._folder.file(reference).read_bytes()


def contact_sheet(records: Sequence[Record], classes: Sequence[str], source: ImageSource) -> Image.Image:
    """Draw labelled images on a sheet of up to four columns, each with its boxes, counts and name.

    Raises:
        UserError: an image is missing, unreadable, or of another size than its label says.
    """
    cells = [_cell(record, classes, source) for record in records]
    columns = min(_COLUMNS, len(cells))
    rows = math.ceil(len(cells) / columns)
    heights = [max(cell.height for cell in cells[row * columns : (row + 1) * columns]) for row in range(rows)]
    sheet = Image.new("RGB", (columns * (_CELL + _GAP) + _GAP, sum(heights) + (rows + 1) * _GAP), _GROUND)
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        sheet.paste(cell, (_GAP + column * (_CELL + _GAP), _GAP + sum(heights[:row]) + row * _GAP))
    return sheet


def _cell(record: Record, classes: Sequence[str], source: ImageSource) -> Image.Image:
    picture = source.open(record.source_ref)
    if picture.size != (record.width, record.height):
        raise UserError(
            f"{record.source_ref}: is {picture.width} x {picture.height} pixels, "
            f"but its label says {record.width} x {record.height}"
        )
    drawn = draw_labels(picture, record.boxes, classes)
    drawn = drawn.resize((_CELL, round(drawn.height * _CELL / drawn.width)), Image.Resampling.LANCZOS)
    cell = Image.new("RGB", (_CELL, drawn.height + _CAPTION), _GROUND)
    cell.paste(drawn, (0, 0))
    name = record.source_ref.rsplit("/", 1)[-1]
    PictureText(13).draw(ImageDraw.Draw(cell), (2, drawn.height + 3), name, "white")
    return cell
