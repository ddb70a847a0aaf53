"""Checks whether one image is valid for training, and whether its labels describe it."""

from __future__ import annotations

import io

from groundloop.images.access import ImageFault, one_line
from groundloop.images.size import EXIF_ORIENTATION, ROTATING_ORIENTATIONS

#: Ground Truth itself takes no image beyond this; decoding a crafted bigger one could exhaust memory.
MAX_PIXELS = 100_000_000


def image_problem(body: bytes, width: int, height: int) -> tuple[ImageFault, str] | None:
    """Return what the built-in algorithm or the labels would fail on in one image; None when there is nothing.

    A fault whose code is a warning means that the image can be used.

    Args:
        body: the encoded image.
        width, height: the size in pixels that the label's image_size gives.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(body)) as image:
            if image.width * image.height > MAX_PIXELS:
                return ImageFault.INVALID, f"the image has {image.width} x {image.height} pixels, too many to decode"
            image.load()
            size, bands, mode = image.size, len(image.getbands()), image.mode
            rotated = image.getexif().get(EXIF_ORIENTATION) in ROTATING_ORIENTATIONS
    # Decoders raise every kind of error on damaged data: whichever it is, the image is unreadable.
    except Exception as error:
        return ImageFault.INVALID, f"the image cannot be decoded: {one_line(error)}"
    if size != (width, height):
        hint = "; its EXIF orientation rotates it, so store it upright and label it again" if rotated else ""
        message = f"the image has {size[0]} x {size[1]} pixels but its label says {width} x {height}{hint}"
        return ImageFault.SIZE_DIFFERS, message
    if bands != 3:
        return ImageFault.CHANNELS, (
            f"the image has {bands} channel{'s' if bands != 1 else ''} (mode {mode}) but the built-in algorithm takes "
            "three: save it as RGB"
        )
    if rotated:
        return ImageFault.EXIF_ROTATED, (
            "the label fits the image as it is stored, but its EXIF orientation rotates it in viewers: check that the "
            "boxes are where they should be, or store it upright"
        )
    return None
