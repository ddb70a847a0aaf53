"""The demo's synthetic images: labelled truthfully, the same each time."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from PIL import Image

from pipeline.demo import synthetic_images


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of 32 images, which lie beside it."""
    return synthetic_images.write_dataset(tmp_path_factory.mktemp("dataset"), 32, "bucket")


def lines_of(manifest: Path) -> list[dict[str, object] | None]:
    def parsed(line: str) -> dict[str, object] | None:
        try:
            value: dict[str, object] = json.loads(line)
            return value
        except ValueError:
            return None

    return [parsed(line) for line in manifest.read_text().splitlines()]


def test_the_same_seed_gives_the_same_data(tmp_path: Path) -> None:
    first, second = (synthetic_images.write_dataset(tmp_path / name, 3, "bucket") for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert (tmp_path / "a/images/image-0002.jpg").read_bytes() == (tmp_path / "b/images/image-0002.jpg").read_bytes()


def test_every_image_is_named_and_there(manifest: Path) -> None:
    records = [record for record in lines_of(manifest) if record]
    named = {str(record["source-ref"]) for record in records}
    rendered = {f"s3://bucket/images/{path.name}" for path in (manifest.parent / "images").iterdir()}
    assert len(rendered) == 32
    assert rendered < named, "the faulty lines name images that aren't there"


def test_boxes_lie_on_their_objects() -> None:
    image = synthetic_images.draw_image(random.Random(1))  # noqa: S311
    assert image.objects
    for kind, (left, top, width, height) in image.objects:
        assert kind in synthetic_images.CLASSES
        assert 0 <= left < left + width <= synthetic_images.WIDTH
        assert 0 <= top < top + height <= synthetic_images.HEIGHT
        assert min(width, height) >= 8


def test_objects_hardly_overlap() -> None:
    chance = random.Random(3)  # noqa: S311
    for _ in range(5):
        boxes = [box for _, box in synthetic_images.draw_image(chance).objects]
        pairs = [(a, b) for index, a in enumerate(boxes) for b in boxes[index + 1 :]]
        assert all(synthetic_images._overlap(a, b) <= 0.05 for a, b in pairs)


def test_there_are_negatives_faulty_lines_and_two_numberings(manifest: Path) -> None:
    records = lines_of(manifest)
    assert records.count(None) == 1, "one line is cut off"
    whole = [record for record in records if record]
    labelled = [record for record in whole if synthetic_images.LABEL_ATTRIBUTE in record]
    assert len(whole) - len(labelled) == 1, "one failed"
    negatives = [record for record in labelled if not record[synthetic_images.LABEL_ATTRIBUTE]["annotations"]]  # type: ignore[index]
    assert len(negatives) == 2
    maps = {
        class_id
        for record in labelled
        for class_id, name in record[f"{synthetic_images.LABEL_ATTRIBUTE}-metadata"]["class-map"].items()  # type: ignore[index]
        if name == "bolt"
    }
    assert maps == {"0", "2", "7"}, "the same class under two ids, and once under one that its boxes don't have"


def test_an_image_is_a_plain_colour_jpeg(manifest: Path) -> None:
    with Image.open(manifest.parent / "images" / "image-0000.jpg") as image:
        assert (image.format, image.mode, image.size) == (
            "JPEG",
            "RGB",
            (synthetic_images.WIDTH, synthetic_images.HEIGHT),
        )
