"""Training targets for an image: a heat map per class with a Gaussian at each object, and its box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundloop.local.detector.boxes import Boxes, Floats
from groundloop.local.detector.network import BOX_VALUES

# A Gaussian reaches about a fifth of the side around the centre; for small objects, at least the neighbouring cells.
_SIGMA_PER_SIDE = 1 / 6
_SMALLEST_SIGMA_CELLS = 0.4
# Box values are asked for only where the Gaussian is above this: elsewhere the cell may belong to a neighbour.
_BOX_REGION = 0.5
_SMALLEST_SIDE_CELLS = 0.05


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets of a batch: heat (n, h, w, classes), 1 at centre cells; box (n, h, w, 4) and its weight (n, h, w)."""

    heat: Floats
    box: Floats
    weight: Floats


def make_targets(batch: list[Boxes], num_classes: int, cells: int) -> Targets:
    """Compute targets on a map of cells x cells, for boxes inside the image with ids below num_classes."""
    heat = np.zeros((len(batch), cells, cells, num_classes), np.float32)
    box = np.zeros((len(batch), cells, cells, BOX_VALUES), np.float32)
    weight = np.zeros((len(batch), cells, cells), np.float32)
    for image, boxes in enumerate(batch):
        corners = boxes.corners * cells
        sides = np.maximum(corners[:, 2:] - corners[:, :2], _SMALLEST_SIDE_CELLS)
        # Large boxes first, so that a small object in front of a large one keeps its own cells.
        for i in np.argsort(-sides.prod(axis=1), kind="stable"):
            centre = (corners[i, :2] + corners[i, 2:]) / 2
            _draw(heat[image, :, :, boxes.classes[i]], box[image], weight[image], centre, sides[i])
    return Targets(heat, box, weight)


def _draw(heat: Floats, box: Floats, weight: Floats, centre: Floats, sides: Floats) -> None:
    cells = len(heat)
    column, row = np.clip(centre.astype(np.intp), 0, cells - 1)
    sigma = np.maximum(sides * _SIGMA_PER_SIDE, _SMALLEST_SIGMA_CELLS)
    reach_x, reach_y = np.ceil(3 * sigma).astype(np.intp)
    xs = np.arange(max(0, column - reach_x), min(cells, column + reach_x + 1))
    ys = np.arange(max(0, row - reach_y), min(cells, row + reach_y + 1))
    # Around the middle of the centre cell, so that the peak is 1 exactly there.
    across = np.exp(-0.5 * ((xs - column) / sigma[0]) ** 2)
    gaussian = (np.exp(-0.5 * ((ys - row) / sigma[1]) ** 2)[:, None] * across).astype(np.float32)
    window = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    np.maximum(heat[window], gaussian, out=heat[window])

    inside = gaussian > _BOX_REGION
    values = np.empty((len(ys), len(xs), BOX_VALUES), np.float32)
    values[:, :, 0] = centre[0] - (xs + 0.5)
    values[:, :, 1] = (centre[1] - (ys + 0.5))[:, None]
    values[:, :, 2:] = np.log(sides)
    box[window][inside] = values[inside]
    weight[window][inside] = gaussian[inside]
