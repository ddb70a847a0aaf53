"""Scaling of image files that are embedded in the page."""

from __future__ import annotations

import base64
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

#: The longer side of an embedded image, and its JPEG quality: mostly under 100 kB.
MAX_PIXELS = 640
_QUALITY = 76


@dataclass(frozen=True, slots=True)
class Embedded:
    """An image for a page.

    Attributes:
        address: a data URI of a JPEG.
        width, height: of the image file, in which its boxes are measured.
    """

    address: str
    width: int
    height: int


def embed(content: bytes) -> Embedded:
    """Return the image as a data URI, upright as stored, like the labels; transparent pixels become gray.

    Raises:
        ValueError: it is not an image, or one too large to decode safely; the text says so in one clause.
    """
    from PIL import Image

    with warnings.catch_warnings():
        # Pillow only warns of images that would fill the memory, and refuses those of twice that size.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            stored = Image.open(io.BytesIO(content))
            width, height = stored.size
            # A JPEG is decoded at a fraction of its size where that is enough.
            stored.draft("RGB", (2 * MAX_PIXELS, 2 * MAX_PIXELS))
            picture = _opaque(stored)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise ValueError("it has too many pixels to decode safely") from None
        except (OSError, SyntaxError, ValueError):
            raise ValueError("the file is not an image that can be read") from None
    picture.thumbnail((MAX_PIXELS, MAX_PIXELS), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    data = base64.b64encode(stream.getvalue()).decode()
    return Embedded(f"data:image/jpeg;base64,{data}", width, height)


def _opaque(picture: Image.Image) -> Image.Image:
    from PIL import Image

    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, "gray")
        return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")
