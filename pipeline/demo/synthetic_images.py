"""The demo's data: rendered scenes with bolts, nuts and washers to count, and a Ground Truth manifest beside them.

The pictures are drawn, the manifest has Ground Truth's real shape, with what real ones have too: two labelling
jobs whose class ids differ, images without objects, and lines that can't be used.
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
KINDS = ("bolt", "nut", "washer")
LABEL_ATTRIBUTE = "parts"
# Shapes are drawn this much larger and scaled down, which smooths their edges.
_FINE = 3
# Where the lines that can't be used stand.
_FAULTY_AT = (5, 20, 40, 60)
# One image in so many shows nothing.
_NEGATIVE_EVERY = 15

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Scene:
    """One rendered image and its objects: kind and box (left, top, width, height), pixels."""

    image: Image.Image
    objects: list[tuple[str, Box]]


def render(folder: Path, images: int, bucket: str, seed: int = 7) -> Path:
    """Write ``images`` scenes and an ``output.manifest`` that names them under ``s3://<bucket>/images/``.

    Returns:
        Path of the manifest.
    """
    pictures = folder / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)  # noqa: S311 - pictures, not secrets
    lines = []
    for number in range(images):
        scene = draw(chance, empty=number % _NEGATIVE_EVERY == _NEGATIVE_EVERY - 1)
        name = f"scene-{number:04d}.jpg"
        scene.image.save(pictures / name, quality=88)
        lines.append(json.dumps(_line(f"s3://{bucket}/images/{name}", scene, job=number % 2)))
    for place, faulty in zip(_FAULTY_AT, _faulty_lines(bucket), strict=True):
        lines.insert(min(place, len(lines)), faulty)
    manifest = folder / "output.manifest"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest


def draw(chance: random.Random, empty: bool = False) -> Scene:
    """One scene: parts that hardly overlap, on a textured ground under uneven light."""
    size = (WIDTH * _FINE, HEIGHT * _FINE)
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    shadow = Image.new("L", size, 0)
    objects: list[tuple[str, Box]] = []
    wanted = 0 if empty else chance.randint(2, 6)
    for _ in range(wanted * 6):
        if len(objects) == wanted:
            break
        kind = chance.choice(KINDS)
        part = _part(kind, chance)
        left = chance.randint(0, size[0] - part.width)
        top = chance.randint(0, size[1] - part.height)
        box = _scaled(part.getbbox() or (0, 0, 0, 0), left, top)
        if any(_overlap(box, other) > 0.05 for _, other in objects):
            continue
        mask = part.getchannel("A")
        shadow.paste(90, (left + 6, top + 7), mask)
        layer.alpha_composite(part, (left, top))
        objects.append((kind, box))
    ground = _ground(chance)
    blurred = shadow.resize((WIDTH, HEIGHT), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(2))
    ground.paste((0, 0, 0), (0, 0), blurred)
    parts = layer.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    ground.paste(parts, (0, 0), parts)
    return Scene(_grain(ground, chance), objects)


def _part(kind: str, chance: random.Random) -> Image.Image:
    """One part on a transparent square, turned at random."""
    radius = chance.randint(20, 32) * _FINE
    side = 2 * radius + 8
    part = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen, middle = ImageDraw.Draw(part), side / 2
    light = chance.randint(120, 215)
    tint = chance.choice([(1.0, 1.0, 1.0), (1.0, 0.88, 0.62), (0.85, 0.93, 1.0)])
    metal = (*(int(light * share) for share in tint), 255)
    dark = (*(int(channel * 0.55) for channel in metal[:3]), 255)
    _SHAPES[kind](pen, middle, radius, metal, dark)
    return part.rotate(chance.uniform(0, 360), Image.Resampling.BICUBIC)


def _bolt(pen: ImageDraw.ImageDraw, middle: float, radius: int, metal: Any, dark: Any) -> None:
    """A threaded shaft with a wide head."""
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
    """A hexagon with a hole."""
    corners = [
        (middle + radius * 0.85 * math.cos(k * math.pi / 3), middle + radius * 0.85 * math.sin(k * math.pi / 3))
        for k in range(6)
    ]
    pen.polygon(corners, metal, dark, _FINE)
    _hole(pen, middle, radius * 0.36, dark)


def _washer(pen: ImageDraw.ImageDraw, middle: float, radius: int, metal: Any, dark: Any) -> None:
    """A round disc with a hole."""
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
    """A box of the fine drawing, in pixels of the image and inside it."""
    x0, y0 = (fine[0] + left) // _FINE, (fine[1] + top) // _FINE
    x1 = min(math.ceil((fine[2] + left) / _FINE), WIDTH)
    y1 = min(math.ceil((fine[3] + top) / _FINE), HEIGHT)
    return x0, y0, x1 - x0, y1 - y0


def _overlap(a: Box, b: Box) -> float:
    """Intersection over the smaller area."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0) / min(a[2] * a[3], b[2] * b[3])


def _ground(chance: random.Random) -> Image.Image:
    """A work bench: a colour, coarse blotches, streaks, light from one side."""
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


def _grain(image: Image.Image, chance: random.Random) -> Image.Image:
    noise = np.random.default_rng(chance.getrandbits(32)).normal(0, 5, (HEIGHT, WIDTH, 1))
    return Image.fromarray(np.clip(np.asarray(image, dtype=np.float64) + noise, 0, 255).astype(np.uint8))


def _line(source_ref: str, scene: Scene, job: int) -> dict[str, Any]:
    """One line as Ground Truth writes it. The two jobs number the classes the other way round."""
    ids = {kind: index for index, kind in enumerate(KINDS if job == 0 else KINDS[::-1])}
    present = sorted({kind for kind, _ in scene.objects})
    return {
        "source-ref": source_ref,
        LABEL_ATTRIBUTE: {
            "image_size": [{"width": WIDTH, "height": HEIGHT, "depth": 3}],
            "annotations": [
                {"class_id": ids[kind], "left": left, "top": top, "width": width, "height": height}
                for kind, (left, top, width, height) in scene.objects
            ],
        },
        f"{LABEL_ATTRIBUTE}-metadata": {
            "objects": [{"confidence": 0} for _ in scene.objects],
            "class-map": {str(ids[kind]): kind for kind in present},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": f"2026-0{1 + job}-15T10:00:00.000000",
            "job-name": f"labeling-job/parts-{'morning' if job == 0 else 'evening'}",
        },
    }


def _faulty_lines(bucket: str) -> list[str]:
    """What real manifests hold too: cut off, failed, outside the image, an id without a name."""
    outside = _line(
        f"s3://{bucket}/images/faulty-1.jpg", Scene(Image.new("RGB", (1, 1)), [("nut", (300, 10, 90, 40))]), 0
    )
    unnamed = _line(
        f"s3://{bucket}/images/faulty-2.jpg", Scene(Image.new("RGB", (1, 1)), [("bolt", (10, 10, 40, 40))]), 0
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
