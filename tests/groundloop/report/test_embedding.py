"""Image files are made small enough to embed; what is not an image is reported."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import pytest
from PIL import Image

from groundloop.report.embedding import MAX_PIXELS, embed


def _file(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def _opened(address: str) -> Image.Image:
    start, _, data = address.partition(",")
    assert start == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize(
    ("size", "embedded"),
    [
        pytest.param((3000, 2000), (640, 427), id="a large one is scaled down"),
        pytest.param((320, 240), (320, 240), id="a small one is not enlarged"),
        pytest.param((40, 3000), (9, 640), id="a narrow one"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pictures_have_a_longest_side(size: tuple[int, int], embedded: tuple[int, int], kind: str) -> None:
    made = embed(_file(Image.new("RGB", size, "red"), kind))
    assert (made.width, made.height) == size
    assert _opened(made.address).size == embedded
    assert max(embedded) <= MAX_PIXELS


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_any_mode_is_embedded(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    assert _opened(embed(_file(Image.new(mode, (20, 10)), kind)).address).mode == "RGB"


def test_what_is_transparent_becomes_gray() -> None:
    made = embed(_file(Image.new("RGBA", (20, 10), (255, 0, 0, 0)), "PNG"))
    assert _opened(made.address).getpixel((5, 5)) == (128, 128, 128)


def _bomb() -> bytes:
    """A PNG of 400 million pixels, in few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "not an image", id="empty"),
        pytest.param(b"<html>access denied</html>", "not an image", id="something else"),
        pytest.param(_file(Image.effect_noise((100, 100), 50), "JPEG")[:800], "not an image", id="cut off"),
        pytest.param(_bomb(), "too many pixels", id="a bomb"),
    ],
)
def test_what_cannot_be_embedded_is_reported(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        embed(content)
