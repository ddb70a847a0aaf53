"""Random views of a training image: zoomed, shifted, mirrored, with other colours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from groundloop.local.detector.boxes import Boxes, Floats
from groundloop.local.detector.images import GREY, normalise

Pixels = npt.NDArray[np.uint8]

ZOOM = (0.85, 1.15)
_GAIN = _OFFSET = 0.15
# A box of which less than this share stays in view teaches the network a fragment; it is left out.
_MIN_IN_VIEW = 0.3


def augment(rng: np.random.Generator, pixels: Pixels, boxes: Boxes) -> tuple[Floats, Boxes]:
    """Take a random view of (S, S, 3) bytes; return its normalised pixels, of the same size, and the boxes in it."""
    size = len(pixels)
    # The image is scaled to whole pixels, and its top left corner moved anywhere that leaves no view outside it.
    scaled = np.rint(size * rng.uniform(*ZOOM) * rng.uniform(0.95, 1.05, 2)).astype(int)
    slack = size - scaled
    origin = np.rint(rng.uniform(np.minimum(slack, 0), np.maximum(slack, 0) + 1e-9)).astype(int)
    view = _place(pixels, scaled, origin)

    corners = (boxes.corners * np.tile(scaled, 2) + np.tile(origin, 2)) / size
    mirrored = rng.random() < 0.5
    if mirrored:
        view = view[:, ::-1]
        corners = np.stack([1 - corners[:, 2], corners[:, 1], 1 - corners[:, 0], corners[:, 3]], axis=1)
    seen = np.clip(corners, 0, 1)
    whole_area = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    kept = (seen[:, 2:] - seen[:, :2]).prod(axis=1) >= _MIN_IN_VIEW * whole_area

    gain = 1 + rng.uniform(-_GAIN, _GAIN) + rng.uniform(-_GAIN / 2, _GAIN / 2, 3)
    offset = rng.uniform(-_OFFSET, _OFFSET) + rng.uniform(-_OFFSET / 2, _OFFSET / 2, 3)
    values = normalise(view)
    values *= gain.astype(np.float32)
    values += offset.astype(np.float32)
    return values, Boxes(boxes.classes[kept], seen[kept])


def _place(pixels: Pixels, scaled: npt.NDArray[np.int_], origin: npt.NDArray[np.int_]) -> Pixels:
    """Scale the image, move its top left corner to `origin` and cut it to the view; grey where the view is wider."""
    size = len(pixels)
    low, high = np.maximum(origin, 0), np.minimum(origin + scaled, size)
    source = np.concatenate([low - origin, high - origin]) / np.tile(scaled, 2) * size
    target_size = (int(high[0] - low[0]), int(high[1] - low[1]))
    box = (float(source[0]), float(source[1]), float(source[2]), float(source[3]))
    part = Image.fromarray(pixels).resize(target_size, Image.Resampling.BILINEAR, box=box)
    view = np.full_like(pixels, GREY)
    view[low[1] : high[1], low[0] : high[0]] = np.asarray(part)
    return view
