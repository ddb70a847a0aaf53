"""Copies of images whose pixels are stored as viewers show them, without an EXIF orientation."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

from groundloop.errors import UserError
from groundloop.images.access import one_line
from groundloop.images.size import UPRIGHT, image_size

_JPEG_QUALITY = 95


def copy_upright(source: Path, target: BinaryIO) -> None:
    """Copy an image; one that its EXIF orientation turns or mirrors is encoded again, as it is shown.

    Raises:
        UserError: the file is not an image, or damaged.
    """
    if image_size(source).orientation == UPRIGHT:
        with source.open("rb") as origin:
            shutil.copyfileobj(origin, target)
        return
    from PIL import Image, ImageOps

    try:
        with Image.open(source) as image:
            encoding = image.format
            upright = ImageOps.exif_transpose(image)
        upright.save(target, encoding, exif=upright.getexif(), quality=_JPEG_QUALITY)
    except Exception as error:  # decoders raise every kind of error on damaged data
        raise UserError(f"{source}: the image cannot be decoded: {one_line(error)}; replace or remove it") from None
