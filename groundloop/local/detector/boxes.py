"""The boxes of one image, and what is computed from pairs of boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Boxes:
    """(n,) class ids and (n, 4) corners xmin, ymin, xmax, ymax; as shares of the image's width and height."""

    classes: Ints
    corners: Floats

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True, eq=False)
class Detections:
    """What the detector sees in one image, best first: (n,) class ids and scores, (n, 4) corners from 0 to 1."""

    classes: Ints
    scores: Floats
    corners: Floats


def iou(one: Floats, many: Floats) -> Floats:
    """Intersection over union of (4,) corners with (n, 4) corners; 0 where both are empty."""
    overlap = np.clip(np.minimum(one[2:], many[:, 2:]) - np.maximum(one[:2], many[:, :2]), 0, None).prod(axis=1)
    union = (one[2:] - one[:2]).prod() + (many[:, 2:] - many[:, :2]).prod(axis=1) - overlap
    return np.asarray(np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0))
