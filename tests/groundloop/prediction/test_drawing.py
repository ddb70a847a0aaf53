"""Annotated copies are upright, whatever the EXIF orientation of the image."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from groundloop.detections import Detections
from groundloop.errors import UserError
from groundloop.prediction.drawing import as_shown, draw_result, drawn_names
from groundloop.prediction.journal import ImageResult

STORED = (100, 60)
THRESHOLDS = {"nut": 0.5}


def scene(orientation: int) -> tuple[bytes, ImageResult]:
    """Return an image with a white rectangle on black, and its detection, both in stored pixels."""
    pixels = np.zeros((STORED[1], STORED[0]), dtype=np.uint8)
    pixels[6:18, 10:40] = 255
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(stream, "PNG", exif=exif)
    found = Detections(("nut",), np.array([0]), np.array([0.9]), np.array([[0.1, 0.1, 0.4, 0.3]]), STORED)
    return stream.getvalue(), ImageResult.of("a.png", found, "model", THRESHOLDS, orientation)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_with_the_image(orientation: int) -> None:
    content, result = scene(orientation)
    with Image.open(io.BytesIO(content)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    shown = as_shown(result.as_detections(), orientation)
    assert shown.image_size == upright.shape[::-1]
    rows, columns = np.nonzero(upright)
    expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(shown.xyxy, [expected], atol=1e-9)


def test_an_annotated_copy_is_written_whole(tmp_path: Path) -> None:
    content, result = scene(6)
    draw_result(content, result, tmp_path / "deep" / "a.jpg")
    with Image.open(tmp_path / "deep" / "a.jpg") as drawn:
        assert drawn.height > drawn.width, "upright"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.jpg"]


def test_an_image_that_cannot_be_decoded_any_more_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't be drawn on"):
        draw_result(b"text", scene(1)[1], tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("names", "drawn"),
    [
        pytest.param(["a.jpg", "b.JPEG"], ["a.jpg", "b.JPEG"], id="JPEG"),
        pytest.param(["a.jpg", "a.png"], ["a.jpg", "a.png.jpg"], id="another format"),
        pytest.param(["x/a.jpg", "x/a.jpg"], ["x/a.jpg", "x/a-2.jpg"], id="a name twice"),
        pytest.param(["../../a.jpg", "/etc/b.jpg"], ["a.jpg", "etc/b.jpg"], id="never outside of the folder"),
    ],
)
def test_names_of_annotated_copies(names: list[str], drawn: list[str]) -> None:
    assert drawn_names(names) == drawn
