"""Images go to the endpoint unchanged where they can."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from groundloop.errors import UserError
from groundloop.prediction.payload import payload

RED = (250, 10, 20)


def encoded(mode: str = "RGB", encoding: str = "JPEG", size: tuple[int, int] = (40, 30), orientation: int = 0) -> bytes:
    stream = io.BytesIO()
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.new("RGB", size, RED).convert(mode, palette=Image.Palette.ADAPTIVE).save(stream, encoding, exif=exif)
    return stream.getvalue()


def noise(encoding: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8)).save(stream, encoding)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(encoded(), id="JPEG"),
        pytest.param(encoded("L"), id="grey JPEG"),
        pytest.param(encoded(encoding="PNG"), id="PNG"),
        pytest.param(encoded(orientation=6), id="an EXIF orientation"),
    ],
)
def test_unchanged(content: bytes) -> None:
    sent = payload(content, 10_000)
    assert sent.body is content
    assert (sent.width, sent.height, sent.re_encoded) == (40, 30, False)


def test_the_orientation_is_told_and_not_applied() -> None:
    assert payload(encoded(orientation=6)).orientation == 6
    assert payload(encoded(orientation=9)).orientation == 1


@pytest.mark.parametrize(
    ("mode", "encoding", "becomes"),
    [
        pytest.param("RGB", "BMP", "PNG", id="BMP"),
        pytest.param("RGB", "TIFF", "PNG", id="TIFF"),
        pytest.param("RGB", "WEBP", "JPEG", id="WebP"),
        pytest.param("P", "GIF", "PNG", id="GIF"),
        pytest.param("RGBA", "PNG", "PNG", id="PNG with alpha"),
        pytest.param("P", "PNG", "PNG", id="PNG with a palette"),
        pytest.param("CMYK", "JPEG", "JPEG", id="JPEG in CMYK"),
    ],
)
def test_encoded_again_in_colour(mode: str, encoding: str, becomes: str) -> None:
    sent = payload(encoded(mode, encoding), 10_000)
    assert sent.re_encoded
    with Image.open(io.BytesIO(sent.body)) as image:
        assert (image.format, image.mode, image.size) == (becomes, "RGB", (40, 30))
        assert np.allclose(np.asarray(image)[15, 20], RED, atol=12)


def test_16_bits_keep_their_shades() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 4), 32768, dtype=np.uint16)).save(stream, "PNG")
    with Image.open(io.BytesIO(payload(stream.getvalue()).body)) as image:
        assert image.getpixel((1, 1)) == (128, 128, 128)


@pytest.mark.parametrize(
    ("encoding", "limit", "size"),
    [
        pytest.param("PNG", 150_000, (300, 200), id="as JPEG"),
        pytest.param("PNG", 30_000, (169, 112), id="as JPEG and smaller"),
        pytest.param("JPEG", 30_000, (169, 112), id="smaller"),
    ],
)
def test_what_is_over_the_limit_is_made_to_fit(encoding: str, limit: int, size: tuple[int, int]) -> None:
    sent = payload(noise(encoding), limit)
    assert len(sent.body) <= limit
    assert (sent.width, sent.height) == (300, 200), "boxes are in pixels of the image itself"
    with Image.open(io.BytesIO(sent.body)) as image:
        assert image.format == "JPEG"
        assert image.size == size


@pytest.mark.parametrize(
    ("content", "limit", "message"),
    [
        pytest.param(b"text", None, "not an image, or in a format", id="text"),
        pytest.param(b"", None, "not an image, or in a format", id="nothing"),
        pytest.param(noise("JPEG")[:9000], 10**6, "the image can't be decoded: .*truncated", id="half an image"),
        pytest.param(noise("JPEG"), 100, "fits into a request of 100", id="a limit that nothing fits in"),
    ],
)
def test_what_cannot_be_sent_is_a_message(content: bytes, limit: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        payload(content, limit)
