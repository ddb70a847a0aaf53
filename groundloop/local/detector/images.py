"""Conversion of the bytes of an image into the network's input."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from groundloop.local.detector.boxes import Floats

GREY = 118
SPREAD = 58.0


class UnreadableImageError(ValueError):
    """The bytes are not a JPEG or PNG that can be decoded."""


def working_size(image_shape: int) -> int:
    """Return the side, in pixels, at which the stand-in works: about half of `image_shape`, in steps of 32."""
    return max(32, 32 * round(image_shape / 64))


def decode_image(
    data: bytes, size: int, formats: Sequence[str] = ("JPEG", "PNG")
) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """Decode an image; return (size, size, 3) bytes, and the image's own width and height in pixels.

    Scaled to a square without keeping the shape, and without turning by EXIF: as the built-in algorithm does, and as
    the boxes of Ground Truth are drawn. Raises UnreadableImageError.
    """
    try:
        with Image.open(io.BytesIO(data), formats=tuple(formats)) as image:
            width_and_height = image.size
            # A JPEG is decoded at half or a quarter of its size when that is enough: several times faster.
            image.draft("RGB", (size, size))
            small = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    except UnidentifiedImageError as error:
        raise UnreadableImageError(f"the {len(data)} bytes aren't a {' or '.join(formats)}") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(f"the image can't be decoded: {error}") from error
    return np.asarray(small), width_and_height


def normalise(pixels: npt.NDArray[np.uint8]) -> Floats:
    """Scale bytes to values around 0, of about unit variance."""
    values = pixels.astype(np.float32)
    values -= GREY
    values /= np.float32(SPREAD)
    return values
