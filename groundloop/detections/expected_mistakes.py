"""How many mistakes a model is expected to have made on an image, from its detections alone.

With p the calibrated probability that a detection is right, a counted one is a mistake with 1 - p (a false positive)
and one that is not counted with p (a missed object). Their sum is a number of mistakes; objects to which the model gave
no detection at all are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundloop.boxes import iou_matrix
from groundloop.detections.arrays import Bools, Floats
from groundloop.detections.calibration import Calibration

_CROSSED_IOU = 0.5
_CROSSED_PROBABILITY = 0.2


@dataclass(frozen=True, slots=True)
class ImageDetections:
    """The detections of one image.

    Attributes:
        names: (n,) the class of each.
        scores: (n,)
        boxes: (n, 4) xmin, ymin, xmax, ymax in pixels.
    """

    names: Sequence[str]
    scores: Floats
    boxes: Floats

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What can be expected of one image.

    Attributes:
        mistakes: expected number of mistakes.
        count_variance: variance of the number of objects that are right, sum of p (1 - p).
        crossed: pairs of detections of different classes on one place, each likely.
        probabilities: (n,) of each detection being right.
        counted: (n,) whether its score reaches the threshold of its class.
    """

    mistakes: float
    count_variance: float
    crossed: int
    probabilities: Floats
    counted: Bools

    @property
    def doubts(self) -> Floats:
        """(n,) the probability that each detection is treated wrongly."""
        return np.where(self.counted, 1 - self.probabilities, self.probabilities)


def doubt(detections: ImageDetections, calibration: Calibration, thresholds: Mapping[str, float]) -> Doubt:
    """Return what can be expected of one image.

    Args:
        detections: also those under the threshold.
        calibration: of the same model.
        thresholds: score from which a detection counts, by class.
    """
    names = np.array(detections.names, dtype=object)
    probabilities = np.zeros(len(detections))
    limits = np.zeros(len(detections))
    for name in set(detections.names):
        chosen = names == name
        probabilities[chosen] = calibration.probability(name, detections.scores[chosen])
        limits[chosen] = thresholds[name]
    counted = detections.scores >= limits
    wrong = np.where(counted, 1 - probabilities, probabilities)
    return Doubt(
        mistakes=float(wrong.sum()),
        count_variance=float((probabilities * (1 - probabilities)).sum()),
        crossed=_crossed(names, detections.boxes, probabilities),
        probabilities=probabilities,
        counted=counted,
    )


def _crossed(names: NDArray[np.object_], boxes: Floats, probabilities: Floats) -> int:
    likely = np.flatnonzero(probabilities >= _CROSSED_PROBABILITY)
    if len(likely) < 2:
        return 0
    overlapping = iou_matrix(boxes[likely], boxes[likely]) >= _CROSSED_IOU
    different = names[likely][:, None] != names[likely][None, :]
    return int(np.triu(overlapping & different, 1).sum())
