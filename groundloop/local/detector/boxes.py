"""The boxes of one image, true or detected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Boxes:
    """Class ids (n,) and corners xmin, ymin, xmax, ymax (n, 4), as fractions of the image's width and height."""

    classes: Ints
    corners: Floats

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True, eq=False)
class Detections:
    """Detections in one image, best first: class ids and scores (n,), corners from 0 to 1 (n, 4)."""

    classes: Ints
    scores: Floats
    corners: Floats
