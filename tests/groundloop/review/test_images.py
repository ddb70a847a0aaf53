"""Images reach the page with the pixels that labels mean, whatever their EXIF orientation says."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from groundloop.images.access import UnusableImageError
from groundloop.images.size import EXIF_ORIENTATION
from groundloop.review.images import FolderFiles, QueueImages, Rendition, as_stored


def encoded(kind: str, orientation: int | None, size: tuple[int, int] = (64, 32)) -> bytes:
    """Return an image whose left half is red."""
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    if orientation:
        exif[EXIF_ORIENTATION] = orientation
    stream = io.BytesIO()
    picture.save(stream, kind, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_orientation_is_neutralised_and_the_pixels_stay(kind: str, orientation: int) -> None:
    original = encoded(kind, orientation)
    sent = as_stored(original)
    assert len(sent) == len(original)
    assert sum(one != other for one, other in zip(sent, original, strict=True)) <= 6  # the value, and PNG's checksum
    with Image.open(io.BytesIO(sent)) as image:
        image.load()
        assert image.getexif()[EXIF_ORIENTATION] == 1
        assert image.getexif()[0x010F] == "a camera"
        shown = ImageOps.exif_transpose(image).convert("RGB")
        assert shown.size == (64, 32)
        red, _, blue = shown.getpixel((10, 16))  # type: ignore[misc]
        assert red > 200 > blue


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(encoded("JPEG", None), id="JPEG without orientation"),
        pytest.param(encoded("PNG", None), id="PNG without orientation"),
        pytest.param(encoded("JPEG", 6)[:30], id="JPEG that is cut off"),
        pytest.param(encoded("PNG", 6)[:40], id="PNG that is cut off"),
        pytest.param(b"\xff\xd8\xff\xe1\x00\x10Exif\0\0MM\0*\xff\xff\xff\xff", id="EXIF that points beyond its end"),
        pytest.param(b"GIF89a", id="another format"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_has_no_orientation_stays_byte_for_byte(body: bytes) -> None:
    assert as_stored(body) == body


@pytest.mark.parametrize("rendition", [Rendition.PREVIEW, Rendition.THUMBNAIL])
def test_smaller_ones_show_the_stored_pixels(tmp_path: Path, rendition: Rendition) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG", 6, (4000, 1000)))
    sent = QueueImages(FolderFiles(tmp_path)).get("a.jpg", rendition)
    with Image.open(io.BytesIO(sent.body)) as image:
        assert image.size == (rendition.value, rendition.value // 4 if rendition.value else 0)
        assert EXIF_ORIENTATION not in image.getexif()


def test_a_damaged_image_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG", None, (4000, 1000))[:200])
    with pytest.raises(UnusableImageError, match="bad image"):
        QueueImages(FolderFiles(tmp_path)).get("a.jpg", Rendition.PREVIEW)
