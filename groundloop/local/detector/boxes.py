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
