"""Sizes of images in pixels, read from the files' headers."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.access import MAX_THREADS, Images, UnusableImageError, one_line

#: The EXIF tag of an image's orientation, and its values that rotate by 90 or 270 degrees.
EXIF_ORIENTATION = 0x0112
ROTATING_ORIENTATIONS = frozenset({5, 6, 7, 8})
#: The orientation of an image that is shown as it is stored.
UPRIGHT = 1


@dataclass(frozen=True, slots=True)
class Size:
    """Size of an image in pixels, as viewers and training tools show it.

    Attributes:
        rotated: the EXIF orientation swaps the stored width and height.
        orientation: of EXIF, 1 to 8; 1 for an image that is shown as it is stored.
    """

    width: int
    height: int
    rotated: bool = False
    orientation: int = 1

    @property
    def stored(self) -> tuple[int, int]:
        """Width and height of the pixels as they are stored, which boxes are on whatever the EXIF orientation says."""
        return (self.height, self.width) if self.rotated else (self.width, self.height)


def image_size(path: Path) -> Size:
    """Read an image's size from the file's header; the pixels are not decoded.

    Raises:
        UserError: the file is not an image.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        return _opened_size(path)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, struct.error) as e:
        raise UserError(f"{path}: cannot be read as an image ({type(e).__name__}): replace or remove it") from None


def encoded_size(body: bytes) -> Size:
    """Read the size of an encoded image from its header.

    Raises:
        UserError: the bytes are not an image.
    """
    try:
        return _opened_size(io.BytesIO(body))
    except Exception as error:  # decoders raise every kind
        raise UserError(f"not an image that can be read: {one_line(error)}") from None


def image_sizes(source_refs: Sequence[str], images: Images) -> dict[str, Size]:
    """Read the sizes of images in parallel.

    Raises:
        UserError: the images can't be read, or one is missing or not an image; the text names it.
    """
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        sizes = pool.map(lambda source_ref: _image_size(images, source_ref), source_refs)
        return dict(zip(source_refs, sizes, strict=True))


def _image_size(images: Images, source_ref: str) -> Size:
    try:
        return _opened_size(io.BytesIO(images.body(source_ref)))
    except UnusableImageError as error:
        raise UserError(f"the size of {source_ref} can't be read: {error}") from None
    except UserError:
        raise
    except Exception as error:  # decoders raise every kind
        raise UserError(f"the size of {source_ref} can't be read: {one_line(error)}") from None


def _opened_size(file: Path | io.BytesIO) -> Size:
    from PIL import Image

    with warnings.catch_warnings():
        # Nothing is decoded, so a large image cannot fill the memory.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(file) as image:
            width, height = image.size
            # Asking every image for its EXIF would decode PNGs to the end.
            orientation = image.getexif().get(EXIF_ORIENTATION) if "exif" in image.info else None
    if not isinstance(orientation, int) or not 2 <= orientation <= 8:
        return Size(width, height)
    if orientation in ROTATING_ORIENTATIONS:
        return Size(height, width, True, orientation)
    return Size(width, height, False, orientation)
