"""Annotated copies of images: each object with its number, class and score, upright as viewers show the image."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps

from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.images.access import one_line
from groundloop.images.size import ROTATING_ORIENTATIONS, UPRIGHT
from groundloop.labels.formats.orientation import shown_box
from groundloop.labels.records import Box
from groundloop.prediction.journal import ImageResult

_JPEG_SUFFIXES = (".jpg", ".jpeg")
_JPEG_QUALITY = 92


def draw_result(content: bytes, result: ImageResult, target: Path) -> None:
    """Write an annotated copy of an image as JPEG.

    Args:
        content: the image file.
        result: what was detected on it.
        target: file to write.

    Raises:
        UserError: the image can't be decoded any more, or the file can't be written.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            upright = ImageOps.exif_transpose(image)
    except Exception as error:  # decoders raise every kind
        raise UserError(f"can't be drawn on: {one_line(error)}") from None
    drawn = as_shown(result.as_detections(), result.orientation).draw(upright, result.thresholds, numbered=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        drawn.save(partial, "JPEG", quality=_JPEG_QUALITY)
        partial.replace(target)
    except OSError as error:
        raise UserError(f"{target}: can't be written: {error.strerror}") from None


def as_shown(detections: Detections, orientation: int) -> Detections:
    """Turn detections in stored pixels to where they are on the image as viewers show it."""
    if orientation == UPRIGHT:
        return detections
    width, height = detections.image_size or (1, 1)
    corners = []
    for name, (left, top, right, bottom) in zip(detections.names, detections.xyxy.tolist(), strict=True):
        x, y, w, h = shown_box(Box(name, left, top, right - left, bottom - top), orientation, width, height)
        corners.append((x, y, x + w, y + h))
    size = (height, width) if orientation in ROTATING_ORIENTATIONS else (width, height)
    boxes = np.array(corners, dtype=np.float64).reshape(-1, 4) / np.array([*size, *size])
    return replace(detections, xyxyn=boxes.clip(0, 1), image_size=size)


def drawn_names(file_names: list[str]) -> list[str]:
    """Return a different name for each image's annotated copy, in the images' folders.

    Example:
        >>> drawn_names(["a.jpg", "b/a.png", "a.jpg"])
        ['a.jpg', 'b/a.png.jpg', 'a-2.jpg']
    """
    taken: set[str] = set()
    names = []
    for file_name in file_names:
        parts = [part for part in PurePosixPath(file_name).parts if part not in ("/", "..", ".")]
        path = PurePosixPath(*parts)
        wanted = path if path.suffix.lower() in _JPEG_SUFFIXES else path.with_name(f"{path.name}.jpg")
        name, number = wanted, 1
        while str(name) in taken:
            number += 1
            name = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        taken.add(str(name))
        names.append(str(name))
    return names
