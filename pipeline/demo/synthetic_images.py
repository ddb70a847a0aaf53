"""The demo's data: synthetic images of bolts, nuts and washers, and a Ground Truth manifest of them.

The manifest has the format and the flaws of real ones: two labelling jobs whose class ids differ, images without
objects, and lines that can't be used.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 320, 240
CLASSES = ("bolt", "nut", "washer")
LABEL_ATTRIBUTE = "parts"
# Shapes are drawn this much larger and reduced, which smooths their edges.
_FINE = 3
# Positions of the lines that can't be used.
_FAULTY_AT = (5, 20, 40, 60)
# One image of so many shows no object.
_NEGATIVE_EVERY = 15

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class SyntheticImage:
    """One image and its objects: class name and box (left, top, width, height) in pixels."""

    image: Image.Image
    objects: list[tuple[str, Box]]


def write_dataset(folder: Path, images: int, bucket: str, seed: int = 7) -> Path:
    """Write `images` synthetic images and an `output.manifest` that names them under `s3://<bucket>/images/`.

    Returns:
        Path of the manifest.
    """
    pictures = folder / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)  # noqa: S311 - pictures, not secrets
    lines = []
    for number in range(images):
        item = draw_image(chance, empty=number % _NEGATIVE_EVERY == _NEGATIVE_EVERY - 1)
        name = f"image-{number:04d}.jpg"
        item.image.save(pictures / name, quality=88)
        lines.append(json.dumps(_line(f"s3://{bucket}/images/{name}", item, job=number % 2)))
    for place, faulty in zip(_FAULTY_AT, _faulty_lines(bucket), strict=True):
        lines.insert(min(place, len(lines)), faulty)
    manifest = folder / "output.manifest"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest


def draw_image(chance: random.Random, empty: bool = False) -> SyntheticImage:
    """Draw parts that hardly overlap, on a textured background under uneven light."""
    size = (WIDTH * _FINE, HEIGHT * _FINE)
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    shadow = Image.new("L", size, 0)
    objects: list[tuple[str, Box]] = []
    count = 0 if empty else chance.randint(2, 6)
    for _ in range(count * 6):
        if len(objects) == count:
            break
        name = chance.choice(CLASSES)
        part = _part(name, chance)
        left = chance.randint(0, size[0] - part.width)
        top = chance.randint(0, size[1] - part.height)
        box = _scaled(part.getbbox() or (0, 0, 0, 0), left, top)
        if any(_overlap(box, other) > 0.05 for _, other in objects):
            continue
        mask = part.getchannel("A")
        shadow.paste(90, (left + 6, top + 7), mask)
        layer.alpha_composite(part, (left, top))
        objects.append((name, box))
    background = _background(chance)
    blurred = shadow.reduce(_FINE).filter(ImageFilter.GaussianBlur(2))
    background.paste((0, 0, 0), (0, 0), blurred)
    parts = layer.reduce(_FINE)
    background.paste(parts, (0, 0), parts)
    return SyntheticImage(_add_grain(background, chance), objects)


def _part(name: str, chance: random.Random) -> Image.Image:
    """Draw one part on a transparent square, rotated at random."""
    radius = chance.randint(20, 32) * _FINE
    side = 2 * radius + 8
    part = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen, middle = ImageDraw.Draw(part), side / 2
    light = chance.randint(120, 215)
    tint = chance.choice([(1.0, 1.0, 1.0), (1.0, 0.88, 0.62), (0.85, 0.93, 1.0)])
    metal = (*(int(light * share) for share in tint), 255)
    dark = (*(int(channel * 0.55) for channel in metal[:3]), 255)
    _SHAPES[name](pen, middle, radius, metal, dark)
    return part.rotate(chance.uniform(0, 360), Image.Resampling.BICUBIC)


def _bolt(pen: ImageDraw.ImageDraw, middle: float, radius: int, metal: Any, dark: Any) -> None:
    """Draw a threaded shaft with a wide head."""
    half = radius * 0.2
    pen.rectangle((middle - radius * 0.6, middle - half, middle + radius, middle + half), metal, dark, _FINE)
    for step in range(6):
        x = middle - radius * 0.2 + step * radius * 0.2
        pen.line((x, middle - half, x + half * 0.6, middle + half), dark, _FINE)
    pen.rounded_rectangle(
        (middle - radius, middle - radius * 0.45, middle - radius * 0.55, middle + radius * 0.45),
        radius * 0.08,
        metal,
        dark,
        _FINE,
    )


def _nut(pen: ImageDraw.ImageDraw, middle: float, radius: int, metal: Any, dark: Any) -> None:
    """Draw a hexagon with a hole."""
    corners = [
        (middle + radius * 0.85 * math.cos(k * math.pi / 3), middle + radius * 0.85 * math.sin(k * math.pi / 3))
        for k in range(6)
    ]
    pen.polygon(corners, metal, dark, _FINE)
    _hole(pen, middle, radius * 0.36, dark)


def _washer(pen: ImageDraw.ImageDraw, middle: float, radius: int, metal: Any, dark: Any) -> None:
    """Draw a disc with a hole."""
    outer = radius * 0.8
    pen.ellipse((middle - outer, middle - outer, middle + outer, middle + outer), metal, dark, _FINE)
    _hole(pen, middle, radius * 0.48, dark)


def _hole(pen: ImageDraw.ImageDraw, middle: float, radius: float, dark: Any) -> None:
    pen.ellipse((middle - radius, middle - radius, middle + radius, middle + radius), (0, 0, 0, 0), dark, _FINE)


_SHAPES: dict[str, Callable[[ImageDraw.ImageDraw, float, int, Any, Any], None]] = {
    "bolt": _bolt,
    "nut": _nut,
    "washer": _washer,
}


def _scaled(fine: tuple[int, int, int, int], left: int, top: int) -> Box:
    """Scale a box of the enlarged drawing to pixels of the image, clipped to it."""
    x0, y0 = (fine[0] + left) // _FINE, (fine[1] + top) // _FINE
    x1 = min(math.ceil((fine[2] + left) / _FINE), WIDTH)
    y1 = min(math.ceil((fine[3] + top) / _FINE), HEIGHT)
    return x0, y0, x1 - x0, y1 - y0


def _overlap(a: Box, b: Box) -> float:
    """Return the intersection of two boxes over the smaller area."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0) / min(a[2] * a[3], b[2] * b[3])


def _background(chance: random.Random) -> Image.Image:
    """Draw a work bench: a colour, coarse blotches, streaks, light from one side."""
    noise = np.random.default_rng(chance.getrandbits(32))
    base = np.array(chance.choice([(96, 82, 66), (70, 78, 88), (108, 104, 98), (60, 70, 58), (120, 92, 74)]), float)
    blotches = _upscaled(noise.normal(0, 14, (12, 16))) + _upscaled(noise.normal(0, 9, (48, 64)))
    streaks = _upscaled(noise.normal(0, 8, (120, 4)))
    slope = np.linspace(-1, 1, WIDTH)[None, :] * chance.uniform(-18, 18)
    pixels = base[None, None, :] + (blotches + streaks + slope)[:, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _upscaled(coarse: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    picture = Image.fromarray(coarse.astype(np.float32))
    return np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), dtype=np.float64)


def _add_grain(image: Image.Image, chance: random.Random) -> Image.Image:
    noise = np.random.default_rng(chance.getrandbits(32)).normal(0, 5, (HEIGHT, WIDTH, 1))
    return Image.fromarray(np.clip(np.asarray(image, dtype=np.float64) + noise, 0, 255).astype(np.uint8))


def _line(source_ref: str, item: SyntheticImage, job: int) -> dict[str, Any]:
    """Return one line as Ground Truth writes it. The two labelling jobs number the classes in opposite order."""
    ids = {name: index for index, name in enumerate(CLASSES if job == 0 else CLASSES[::-1])}
    present = sorted({name for name, _ in item.objects})
    return {
        "source-ref": source_ref,
        LABEL_ATTRIBUTE: {
            "image_size": [{"width": WIDTH, "height": HEIGHT, "depth": 3}],
            "annotations": [
                {"class_id": ids[name], "left": left, "top": top, "width": width, "height": height}
                for name, (left, top, width, height) in item.objects
            ],
        },
        f"{LABEL_ATTRIBUTE}-metadata": {
            "objects": [{"confidence": 0} for _ in item.objects],
            "class-map": {str(ids[name]): name for name in present},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": f"2026-0{1 + job}-15T10:00:00.000000",
            "job-name": f"labeling-job/parts-{'morning' if job == 0 else 'evening'}",
        },
    }


def _faulty_lines(bucket: str) -> list[str]:
    """Return faulty lines such as real manifests hold: truncated, failed, box outside the image, id without a name."""
    outside = _line(
        f"s3://{bucket}/images/faulty-1.jpg", SyntheticImage(Image.new("RGB", (1, 1)), [("nut", (300, 10, 90, 40))]), 0
    )
    unnamed = _line(
        f"s3://{bucket}/images/faulty-2.jpg", SyntheticImage(Image.new("RGB", (1, 1)), [("bolt", (10, 10, 40, 40))]), 0
    )
    unnamed[f"{LABEL_ATTRIBUTE}-metadata"]["class-map"] = {"7": "bolt"}
    failed = {
        "source-ref": f"s3://{bucket}/images/faulty-3.jpg",
        f"{LABEL_ATTRIBUTE}-metadata": {
            "failure-reason": "ClientError: the image could not be shown to the worker",
            "type": "groundtruth/object-detection",
            "job-name": "labeling-job/parts-evening",
        },
    }
    cut_off = f'{{"source-ref": "s3://{bucket}/images/faulty-4.jpg", "{LABEL_ATTRIBUTE}": {{"image_size": [{{"wid'
    return [json.dumps(outside), json.dumps(unnamed), json.dumps(failed), cut_off]
