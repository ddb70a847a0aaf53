"""Copies of images whose pixels are stored as viewers show them, without an EXIF orientation."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

from groundloop.images.size import UPRIGHT, image_size

_JPEG_QUALITY = 95


def copy_upright(source: Path, target: BinaryIO) -> None:
    """Copy an image; one that its EXIF orientation turns or mirrors is encoded again, as it is shown.

    Raises:
        UserError: the file is not an image.
    """
    if image_size(source).orientation == UPRIGHT:
        with source.open("rb") as origin:
            shutil.copyfileobj(origin, target)
        return
    from PIL import Image, ImageOps

    with Image.open(source) as image:
        encoding = image.format
        upright = ImageOps.exif_transpose(image)
    upright.save(target, encoding, exif=upright.getexif(), quality=_JPEG_QUALITY)
