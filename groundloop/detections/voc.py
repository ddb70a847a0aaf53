"""Pascal VOC average precision at IoU 0.5, as VOC2010 and later measure it and as VOC2007 did.

Matching follows the devkit (`VOCevaldet.m`): a detection goes to its best ground-truth box of the class, and a second
one on the same ground-truth box is false. Box areas are continuous (see `groundloop.boxes`); no box is "difficult".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundloop.detections.average_precision import area_ap, curve, eleven_point_ap
from groundloop.detections.matching import Matches


@dataclass(frozen=True, slots=True)
class VocScores:
    """Means over the classes that have ground-truth boxes; None where there are none, of a class or at all.

    Attributes:
        mean_ap: area under the curve (VOC2010 and later).
        mean_ap_07: mean of 11 points (VOC2007).
        ap_by_class, ap_07_by_class: in id order.
    """

    mean_ap: float | None
    mean_ap_07: float | None
    ap_by_class: tuple[float | None, ...]
    ap_07_by_class: tuple[float | None, ...]


def voc_scores(matches: Matches) -> VocScores:
    """Score matched detections."""
    areas: list[float | None] = []
    points: list[float | None] = []
    for class_id, truths in enumerate(matches.pool.truths_by_class().tolist()):
        if not truths:
            areas.append(None)
            points.append(None)
            continue
        recall, precision = curve(truths, matches.voc[matches.pool.ranking(class_id)])
        areas.append(area_ap(recall, precision))
        points.append(eleven_point_ap(recall, precision))
    return VocScores(_mean(areas), _mean(points), tuple(areas), tuple(points))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
