"""Copies of an image are found by their difference hashes, and other images are not taken for copies."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import pytest
from PIL import Image, ImageEnhance

from groundloop.images.difference_hash import difference_hash, distance

NEAR = 6


def encoded(image: Image.Image, encoding: str = "JPEG", quality: int = 90) -> bytes:
    """Return an encoded image."""
    stream = io.BytesIO()
    image.save(stream, encoding, quality=quality)
    return stream.getvalue()


def scene(seed: int) -> Image.Image:
    """Return a picture of soft patches."""
    small = Image.new("RGB", (8, 6))
    chance = random.Random(seed)  # noqa: S311 (pictures, not secrets)
    small.putdata([(chance.randrange(256), chance.randrange(256), chance.randrange(256)) for _ in range(48)])
    return small.resize((320, 240), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda image: encoded(image, quality=40), id="encoded again"),
        pytest.param(lambda image: encoded(image.resize((100, 75))), id="scaled"),
        pytest.param(lambda image: encoded(image, "PNG"), id="another format"),
        pytest.param(lambda image: encoded(image.convert("L")), id="without colour"),
        pytest.param(lambda image: encoded(ImageEnhance.Brightness(image).enhance(0.8)), id="darker"),
    ],
)
def test_a_changed_copy_is_near(changed: Callable[[Image.Image], bytes]) -> None:
    original, copy = difference_hash(encoded(scene(1))), difference_hash(changed(scene(1)))
    assert original is not None
    assert copy is not None
    assert distance(original, copy) <= NEAR


def test_other_images_are_not_near() -> None:
    hashes = [found for seed in range(20) if (found := difference_hash(encoded(scene(seed)))) is not None]
    assert len(hashes) == 20
    assert min(distance(one, other) for place, one in enumerate(hashes) for other in hashes[:place]) > NEAR


def test_each_bit_compares_two_neighbours_of_a_row() -> None:
    image = Image.new("L", (9, 8), 100)
    image.putpixel((0, 0), 200)  # brighter than its right neighbour
    image.putpixel((8, 7), 50)  # darker than its left neighbour
    assert difference_hash(encoded(image, "PNG")) == 1 << 63 | 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(encoded(Image.new("RGB", (64, 48), (9, 90, 120))), id="a single shade"),
        pytest.param(b"no image", id="no image"),
        pytest.param(encoded(scene(1))[:500], id="cut off"),
    ],
)
def test_an_image_that_says_nothing_has_no_hash(body: bytes) -> None:
    assert difference_hash(body) is None
