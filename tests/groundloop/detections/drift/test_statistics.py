"""The statistics of an image and of its detections are what their names say, and undefined where they have to be."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from groundloop.detections.drift.statistics import (
    CLASS_SHARE,
    ImageFormat,
    detection_statistics,
    image_statistics,
    statistics_of,
)
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.images.access import UnusableImageError

CLASSES = ("bolt", "nut")


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def textured(width: int = 640, height: int = 480) -> Image.Image:
    coarse = np.random.default_rng(1).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def detections(*rows: tuple[int, float, float, float, float, float]) -> Detections:
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return Detections(CLASSES, table[:, 0].astype(np.int64), table[:, 1], table[:, 2:])


class TestImage:
    def test_one_colour_has_no_contrast(self) -> None:
        found = image_statistics(encoded(Image.new("RGB", (320, 240), (200, 100, 50))))
        # 0.299 x 200 + 0.587 x 100 + 0.114 x 50, as Pillow rounds it
        assert found.brightness == pytest.approx(124.2, abs=0.6)
        assert found.contrast == 0
        assert found.saturation == pytest.approx(0.75)
        assert found.color_balance == 150
        assert found.sharpness == pytest.approx(math.log(0.01)), "the logarithm of no variance has a floor"

    def test_stripes(self) -> None:
        pixels = np.zeros((240, 320, 3), np.uint8)
        pixels[:, 160:] = 200
        found = image_statistics(encoded(Image.fromarray(pixels)))
        assert found.brightness == pytest.approx(100)
        assert found.contrast == pytest.approx(100)
        assert found.saturation == 0

    @pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 960)], ids=str)
    def test_a_reduced_jpeg_measures_as_the_whole_image(self, size: tuple[int, int]) -> None:
        jpeg = encoded(textured(*size), "JPEG", quality=95)
        whole = image_statistics(encoded(Image.open(io.BytesIO(jpeg)), "BMP"))
        reduced = image_statistics(jpeg)
        assert reduced.brightness == pytest.approx(whole.brightness, abs=0.6)
        assert reduced.contrast == pytest.approx(whole.contrast, abs=0.6)
        assert reduced.sharpness == pytest.approx(whole.sharpness, abs=0.05)
        assert reduced.saturation == pytest.approx(whole.saturation, abs=0.02)

    def test_blur_takes_sharpness_alone(self) -> None:
        sharp, blurred = textured(), textured().resize((40, 30), Image.Resampling.BILINEAR).resize((640, 480))
        before, after = image_statistics(encoded(sharp)), image_statistics(encoded(blurred))
        assert after.sharpness < before.sharpness - 1
        assert after.brightness == pytest.approx(before.brightness, abs=1)

    def test_swapped_channels_change_the_color_balance_alone(self) -> None:
        orange = Image.new("RGB", (320, 240), (200, 120, 200 - 90))
        before = image_statistics(encoded(orange))
        after = image_statistics(encoded(Image.merge("RGB", orange.split()[::-1])))
        assert (before.color_balance, after.color_balance) == (90, -90)
        assert after.saturation == before.saturation

    @pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
    def test_every_mode_is_measured(self, mode: str) -> None:
        kind = "JPEG" if mode == "CMYK" else "PNG"
        found = image_statistics(encoded(textured().convert(mode), kind))
        assert found.image_format.mode == mode
        assert 50 < found.brightness < 200

    def test_sixteen_bits_are_scaled(self) -> None:
        gray = Image.fromarray(np.full((48, 64), 0x8000, np.uint16))
        assert image_statistics(encoded(gray)).brightness == pytest.approx(127, abs=1)

    def test_the_format_is_as_stored(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        found = image_statistics(encoded(textured(64, 48), "JPEG", exif=exif))
        assert found.image_format == ImageFormat(64, 48, "RGB", 6)
        assert str(found.image_format) == "64 x 48, RGB, EXIF orientation 6"

    @pytest.mark.parametrize(
        "body",
        [b"", b"\xff\xd8\xff", b"<svg/>", encoded(textured())[:-3000]],
        ids=["empty", "header only", "another kind", "truncated"],
    )
    def test_what_can_not_be_decoded_is_said(self, body: bytes) -> None:
        with pytest.raises(UnusableImageError, match="the image cannot be decoded: "):
            image_statistics(body)


class TestDetections:
    def test_boxes_over_the_threshold_of_their_class(self) -> None:
        found = detections((0, 0.4, 0, 0, 0.5, 0.5), (1, 0.4, 0, 0, 0.1, 0.1), (1, 0.8, 0, 0, 0.2, 0.2))
        measured = detection_statistics(found, {"bolt": 0.3, "nut": 0.5})
        assert measured.boxes == 2
        assert measured.best_score == 0.8
        assert measured.mean_score == pytest.approx(0.6)
        assert measured.box_area == pytest.approx(math.log((0.25 + 0.04) / 2))
        assert measured.class_shares == (0.5, 0.5)

    def test_without_boxes_only_their_number_and_the_best_score_are_defined(self) -> None:
        measured = detection_statistics(detections((0, 0.1, 0, 0, 1, 1)), 0.5)
        assert (measured.boxes, measured.best_score) == (0, 0.1)
        assert all(map(math.isnan, (measured.mean_score, measured.box_area, *measured.class_shares)))

    def test_without_detections_there_is_no_best_score(self) -> None:
        measured = detection_statistics(detections(), 0.5)
        assert measured.boxes == 0
        assert math.isnan(measured.best_score)

    def test_a_box_without_area_has_a_logarithm(self) -> None:
        assert math.isfinite(detection_statistics(detections((0, 0.9, 0.5, 0.5, 0.5, 0.5)), 0.5).box_area)

    def test_each_class_needs_a_threshold(self) -> None:
        with pytest.raises(UserError, match="class 'nut' has no threshold"):
            detection_statistics(detections(), {"bolt": 0.5})

    @pytest.mark.parametrize(("classes", "shares"), [(("a",), 0), (("a", "b"), 2)], ids=["one class", "two"])
    def test_a_single_class_has_no_share(self, classes: tuple[str, ...], shares: int) -> None:
        names = [statistic.name for statistic in statistics_of(classes)]
        assert sum(name.startswith(CLASS_SHARE) for name in names) == shares
        one = Detections(classes, np.array([0]), np.array([0.9]), np.array([[0, 0, 1.0, 1.0]]))
        assert len(detection_statistics(one, 0.5).values) == len(names) - 5
