"""How suspicious labels are, from the detections of a model that was not trained on them.

With p the calibrated probability that a detection is right (`detections.calibration`), the suspicion is

- missing: p of a detection that overlaps no label by IoU 0.3, once for each place;
- swapped: p of a detection of another class at IoU 0.5 or more, times 1 - p of the best one of the label's own;
- badly placed: p (1 - IoU) of a detection of the label's class at IoU 0.2 to 0.65, times 1 - p of the best that fits
  better; for a class on which the model itself is less exact, up to the IoU that 95 % of its labels reach;
- spurious: for a label on which nothing was detected, the share of the labels of its class on which something was.

An image's suspicion is their sum. It orders images by how much speaks for a look at them; labels on which model and
people err alike have none, so what is not suspicious need not be right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from groundloop.boxes import paired_iou
from groundloop.detections.arrays import Bools, Floats, Ints
from groundloop.detections.calibration import MIN_DETECTIONS, Calibration
from groundloop.detections.matching import CandidatePairs, PooledDetections, candidate_pairs, grouped_pairs

#: Overlap of a badly placed label with the detection of its object: more than chance, and less than fits.
_MIN_IOU, _FITTING_IOU = 0.2, 0.65
#: Share of the labels whose detections may overlap them less than that without being badly placed.
_INEXACT_SHARE = 0.05
#: Overlap from which a detection and a label are about the same object.
_SAME_IOU = 0.5
#: Overlap from which something was detected where a label is, or where another detection is.
_SAME_PLACE_IOU = 0.3
#: A detection that is likelier right than not.
_LIKELY = 0.5
#: A detection that is less likely right than this says nothing: detectors return many of them.
_MIN_PROBABILITY = 0.05
#: Suspicion from which an error is named; sums take all into account.
NAMED_SUSPICION = 0.2


class LabelErrorKind(str, Enum):
    """How a label can be wrong."""

    MISSING = "missing"
    SPURIOUS = "spurious"
    SWAPPED = "swapped"
    BADLY_PLACED = "badly placed"


@dataclass(frozen=True, slots=True)
class SuspectedError:
    """A label that may be wrong, or an object that may lack one.

    Attributes:
        suspicion: from 0 to 1.
        class_name: of the label; of the detection for a missing one.
        box: xmin, ymin, xmax, ymax in pixels, of the label; of the detection for a missing one.
        detected, score: class and score of the detection that speaks against the label; None for a spurious one.
        iou: of label and detection; 0 without one of them.
    """

    kind: LabelErrorKind
    suspicion: float
    class_name: str
    box: tuple[float, float, float, float]
    detected: str | None = None
    score: float | None = None
    iou: float = 0.0

    def __str__(self) -> str:
        """Say what is suspicious, and why."""
        place = f"at ({self.box[0]:.0f}, {self.box[1]:.0f})"
        label = f"label {self.class_name} {place} looks {self.kind.value}"
        if self.kind is LabelErrorKind.MISSING:
            return f"no label {place}: detector says {self.detected} {self.score:.2f}"
        if self.kind is LabelErrorKind.SPURIOUS:
            return f"{label}: nothing detected there"
        if self.kind is LabelErrorKind.SWAPPED:
            return f"{label}: detector says {self.detected} {self.score:.2f}"
        return f"{label}: IoU {self.iou:.2f} with the detection of score {self.score:.2f}"


@dataclass(frozen=True, slots=True)
class ImageSuspicion:
    """The labels of one image.

    Attributes:
        suspicion: sum over all its labels and detections.
        errors: those of at least `NAMED_SUSPICION`, most suspicious first.
    """

    suspicion: float
    errors: tuple[SuspectedError, ...]


@dataclass(frozen=True, slots=True)
class _Suspicions:
    """Suspicions of one kind: (k,) image, label and detection (-1: none), suspicion and IoU."""

    kind: LabelErrorKind
    image: Ints
    label: Ints
    detection: Ints
    suspicion: Floats
    iou: Floats


def suspected_errors(pool: PooledDetections, classes: Sequence[str], calibration: Calibration) -> list[ImageSuspicion]:
    """Return how suspicious the labels of each image are, in the images' order.

    Args:
        pool: labels and detections, those under the threshold too; of a model that was not trained on the images.
        classes: names in id order.
        calibration: of the model's scores.

    Example:
        >>> import numpy as np
        >>> from groundloop.detections.calibration import IsotonicCurve
        >>> from groundloop.detections.dataset import ScoredImage
        >>> from groundloop.detections.matching import pool_detections
        >>> line = IsotonicCurve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([1.0, 1.0]))
        >>> box, bolt, nut = np.array([[10.0, 20, 50, 60]]), np.array([0]), np.array([1])
        >>> image = ScoredImage("a.jpg", box, bolt, boxes=box, class_ids=nut, scores=np.array([0.9]))
        >>> pool = pool_detections([image], classes=2)
        >>> print(*suspected_errors(pool, ("bolt", "nut"), Calibration(line, {}, 1))[0].errors)
        label bolt at (10, 20) looks swapped: detector says nut 0.90
    """
    probabilities = np.zeros(len(pool.scores))
    for class_id, name in enumerate(classes):
        chosen = pool.class_ids == class_id
        probabilities[chosen] = calibration.probability(name, pool.scores[chosen])
    pairs = candidate_pairs(pool.true_boxes, pool.true_images, pool.boxes, pool.image, _MIN_IOU)
    # A label that is placed badly is one error: it isn't missing there and spurious here.
    same_object = (pairs.iou >= _SAME_PLACE_IOU) | _of_own_class(pool, pairs)
    kinds = (
        _missing(pool, probabilities, pairs.detection[same_object]),
        *_swapped_and_badly_placed(pool, probabilities, pairs),
        _spurious(pool, probabilities, pairs, same_object),
    )
    total = sum(np.bincount(kind.image, kind.suspicion, pool.images) for kind in kinds)
    named: list[list[SuspectedError]] = [[] for _ in range(pool.images)]
    for kind in kinds:
        for index in np.flatnonzero(kind.suspicion >= NAMED_SUSPICION).tolist():
            named[kind.image[index]].append(_error(pool, classes, kind, index))
    return [
        ImageSuspicion(suspicion, tuple(sorted(errors, key=lambda error: -error.suspicion)))
        for suspicion, errors in zip(np.asarray(total).tolist(), named, strict=True)
    ]


def _of_own_class(pool: PooledDetections, pairs: CandidatePairs) -> Bools:
    own: Bools = pool.class_ids[pairs.detection] == pool.true_ids[pairs.truth]
    return own


def _missing(pool: PooledDetections, probabilities: Floats, labelled: Ints) -> _Suspicions:
    likely = probabilities >= _MIN_PROBABILITY
    likely[labelled] = False
    free = np.flatnonzero(likely)
    # Of several on one place the likeliest stands for the object, and of equals the first.
    stands = np.ones(len(free), dtype=bool)
    for one, other in grouped_pairs(pool.image[free], pool.image[free]):
        likelier = probabilities[free[other]] - probabilities[free[one]]
        before = (likelier > 0) | ((likelier == 0) & (other < one))
        one, other = one[before], other[before]
        same_place = paired_iou(pool.boxes[free[one]], pool.boxes[free[other]]) >= _SAME_PLACE_IOU
        stands[one[same_place]] = False
    found = free[stands]
    none = np.full(len(found), -1)
    return _Suspicions(
        LabelErrorKind.MISSING, pool.image[found], none, found, probabilities[found], np.zeros(len(found))
    )


def _swapped_and_badly_placed(
    pool: PooledDetections, probabilities: Floats, pairs: CandidatePairs
) -> tuple[_Suspicions, _Suspicions]:
    right = probabilities[pairs.detection]
    own = _of_own_class(pool, pairs)
    same = pairs.iou >= _SAME_IOU
    fits = pairs.iou >= _fitting_ious(pool, pairs, own & (right >= _LIKELY))[pool.true_ids[pairs.truth]]

    def highest(chosen: Bools) -> Floats:
        """Return (labels,) the highest probability among the chosen detections on each; 0 without one."""
        found = np.zeros(len(pool.true_ids))
        np.maximum.at(found, pairs.truth[chosen], right[chosen])
        return found

    # A detection speaks of one label of its class: the nearest.
    nearest = np.zeros(len(probabilities))
    np.maximum.at(nearest, pairs.detection[own], pairs.iou[own])
    inexact = own & ~fits & (pairs.iou == nearest[pairs.detection])
    own_same, own_fits = highest(own & same)[pairs.truth], highest(own & fits)[pairs.truth]
    return (
        _of_labels(LabelErrorKind.SWAPPED, pool, pairs, ~own & same, right * (1 - own_same)),
        _of_labels(LabelErrorKind.BADLY_PLACED, pool, pairs, inexact, right * (1 - pairs.iou) * (1 - own_fits)),
    )


def _fitting_ious(pool: PooledDetections, pairs: CandidatePairs, likely: Bools) -> Floats:
    """Return (classes,) the IoU from which on a label is placed as exactly as the model can tell."""
    best = np.zeros(len(pool.true_ids))
    np.maximum.at(best, pairs.truth[likely], pairs.iou[likely])
    fitting = np.full(pool.classes, _FITTING_IOU)
    for class_id in range(pool.classes):
        reached = best[(pool.true_ids == class_id) & (best > 0)]
        if len(reached) >= MIN_DETECTIONS:
            fitting[class_id] = min(_FITTING_IOU, float(np.quantile(reached, _INEXACT_SHARE)))
    return fitting


def _of_labels(
    kind: LabelErrorKind, pool: PooledDetections, pairs: CandidatePairs, chosen: Bools, suspicion: Floats
) -> _Suspicions:
    """Return for each label the most suspicious of the chosen pairs."""
    order = np.flatnonzero(chosen)
    order = order[np.lexsort((suspicion[order], pairs.truth[order]))]
    best = order[np.flatnonzero(np.diff(pairs.truth[order], append=-1))]
    label = pairs.truth[best]
    return _Suspicions(kind, pool.true_images[label], label, pairs.detection[best], suspicion[best], pairs.iou[best])


def _spurious(pool: PooledDetections, probabilities: Floats, pairs: CandidatePairs, same_object: Bools) -> _Suspicions:
    detected = np.zeros(len(pool.true_ids), dtype=bool)
    there = same_object & (probabilities[pairs.detection] >= _MIN_PROBABILITY)
    detected[pairs.truth[there]] = True
    # By Laplace's rule of succession: of a class with few labels little is known.
    of_class = np.bincount(pool.true_ids, minlength=pool.classes)
    share = (np.bincount(pool.true_ids[detected], minlength=pool.classes) + 1) / (of_class + 2)
    label = np.flatnonzero(~detected)
    return _Suspicions(
        LabelErrorKind.SPURIOUS,
        pool.true_images[label],
        label,
        np.full(len(label), -1),
        share[pool.true_ids[label]],
        np.zeros(len(label)),
    )


def _error(pool: PooledDetections, classes: Sequence[str], of: _Suspicions, index: int) -> SuspectedError:
    label, detection = int(of.label[index]), int(of.detection[index])
    box = pool.boxes[detection] if label < 0 else pool.true_boxes[label]
    xmin, ymin, xmax, ymax = box.tolist()
    detected = None if detection < 0 else classes[pool.class_ids[detection]]
    return SuspectedError(
        kind=of.kind,
        suspicion=float(of.suspicion[index]),
        class_name=classes[pool.true_ids[label]] if label >= 0 else classes[pool.class_ids[detection]],
        box=(xmin, ymin, xmax, ymax),
        detected=detected,
        score=None if detection < 0 else float(pool.scores[detection]),
        iou=float(of.iou[index]),
    )
