"""Images as an endpoint takes them: JPEG or PNG, in colour, within the limit of a request."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from groundloop.errors import UserError
from groundloop.images.access import one_line
from groundloop.images.decoding import MAX_PIXELS
from groundloop.images.size import EXIF_ORIENTATION, UPRIGHT

#: What `application/x-image` covers, in the modes that every decoder turns into three channels alike.
_ACCEPTED = {"JPEG": frozenset({"RGB", "L"}), "PNG": frozenset({"RGB", "L"})}
#: Formats that keep every pixel: sent as PNG while that fits.
_LOSSLESS = frozenset({"BMP", "DIB", "GIF", "PNG", "PPM", "TGA", "TIFF"})
_JPEG_QUALITY = 95
_SHRINKING = 0.75
_MIN_SIDE = 32


@dataclass(frozen=True)
class Payload:
    """The body of a request, and what it shows.

    Attributes:
        body: a JPEG or PNG.
        width, height: of the image as it is stored, in pixels.
        orientation: of its EXIF, 1 to 8. It is not applied: boxes are in stored pixels, as those of Ground Truth are.
        re_encoded: whether the body is not the image file itself.
    """

    body: bytes
    width: int
    height: int
    orientation: int
    re_encoded: bool


def payload(content: bytes, max_bytes: int | None = None) -> Payload:
    """Return an image as a request takes it: unchanged where possible.

    One in another format than JPEG or PNG, or with other channels than grey or RGB, is encoded again; one over the
    limit too, and shrunk until it fits. Coordinates are fractions, so shrinking does not change where boxes are.

    Args:
        content: the image file.
        max_bytes: maximum size of the body; None where there is none, as for a model on this machine. With a limit,
            the whole image is decoded first: half an image is not sent.

    Raises:
        UserError: the content can't be decoded, or has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise UserError(f"the image has {width} x {height} pixels, too many to decode")
            orientation = image.getexif().get(EXIF_ORIENTATION, UPRIGHT) if "exif" in image.info else UPRIGHT
            if not isinstance(orientation, int) or not 1 <= orientation <= 8:
                orientation = UPRIGHT
            accepted = image.mode in _ACCEPTED.get(image.format or "", ())
            fits = max_bytes is None or len(content) <= max_bytes
            body = content
            if not accepted or max_bytes is not None:
                image.load()
            if not (accepted and fits):
                body = _encoded(_rgb(image), image.format in _LOSSLESS, max_bytes)
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UserError("not an image, or in a format that Pillow does not open") from None
    except Exception as error:  # decoders raise every kind
        raise UserError(f"the image can't be decoded: {one_line(error)}") from None
    return Payload(body, width, height, orientation, body is not content)


def _rgb(image: Image.Image) -> Image.Image:
    """Return three channels of 8 bits; Pillow itself would clip 16 bits to the darkest shades."""
    if image.mode.startswith("I;16") or image.mode == "I":
        values = np.asarray(image).astype(np.int64)
        return Image.fromarray((values >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def _encoded(image: Image.Image, lossless: bool, max_bytes: int | None) -> bytes:
    body = _saved(image, "PNG") if lossless else b""
    if lossless and (max_bytes is None or len(body) <= max_bytes):
        return body
    while True:
        body = _saved(image, "JPEG")
        if max_bytes is None or len(body) <= max_bytes:
            return body
        if max(image.size) <= _MIN_SIDE:
            raise UserError(f"no image of {len(body)} bytes fits into a request of {max_bytes}")
        size = (max(1, round(image.width * _SHRINKING)), max(1, round(image.height * _SHRINKING)))
        image = image.resize(size, Image.Resampling.LANCZOS)


def _saved(image: Image.Image, encoding: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, encoding, quality=_JPEG_QUALITY)
    return stream.getvalue()
