"""From scores to probabilities: how often a detection of a score was right, on images whose objects are known.

The fit is isotonic regression by pooling adjacent violators (Barlow et al., "Statistical Inference under Order
Restrictions", 1972): of all curves that never fall, the one nearest to the data in squares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from groundloop.detections.arrays import Bools, Floats
from groundloop.detections.evaluation import OutcomeRow
from groundloop.errors import UserError

#: Detections that a class needs for a curve of its own; those with fewer share the pooled one.
MIN_DETECTIONS = 50
#: A step of a class's curve with fewer detections is drawn towards the pooled curve.
_FULL_WEIGHT = 20


@dataclass(frozen=True, slots=True)
class IsotonicCurve:
    """A curve that never falls, straight between its points and level beyond them.

    Attributes:
        scores: (k,) rising.
        values: (k,) probability at each.
        weights: (k,) how many detections each rests on.
    """

    scores: Floats
    values: Floats
    weights: Floats

    def __call__(self, scores: Floats) -> Floats:
        """Return the probability at each score."""
        return np.interp(scores, self.scores, self.values)


def fit_isotonic(scores: Floats, right: Bools) -> IsotonicCurve:
    """Fit a curve to detections.

    Args:
        scores: (n,), at least one.
        right: (n,) whether each is a true positive.

    Example:
        >>> curve = fit_isotonic(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
        >>> curve(np.array([0.0, 0.2, 1.0])).tolist()
        [0.0, 0.0, 1.0]
    """
    unique, position = np.unique(scores, return_inverse=True)
    counts = np.bincount(position).astype(np.float64)
    sums = np.bincount(position, weights=right)
    starts: list[int] = []
    totals: list[float] = []
    weights: list[float] = []
    for index in range(len(unique)):
        starts.append(index)
        totals.append(float(sums[index]))
        weights.append(float(counts[index]))
        # Equal means are pooled too: a run of steps of 0 has to be one long step, or each counts as a small sample.
        while len(starts) > 1 and totals[-2] * weights[-1] >= totals[-1] * weights[-2]:
            total, weight = totals.pop(), weights.pop()
            starts.pop()
            totals[-1] += total
            weights[-1] += weight
    ends = [*starts[1:], len(unique)]
    values = np.array(totals) / np.array(weights)
    points = [index for start, end in zip(starts, ends, strict=True) for index in (start, end - 1)]
    return IsotonicCurve(unique[points], np.repeat(values, 2), np.repeat(np.array(weights), 2))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The probability that a detection is a true positive at IoU 0.5, by class and score.

    Attributes:
        pooled: the curve over all classes.
        by_class: the curves of the classes with enough detections.
        detections: how many the curves rest on.
    """

    pooled: IsotonicCurve
    by_class: Mapping[str, IsotonicCurve]
    detections: int

    @classmethod
    def fit(cls, rows: Iterable[OutcomeRow]) -> Calibration:
        """Fit the curves to the validation split's rows of a table of detections.

        Raises:
            UserError: they hold no detection.
        """
        names: list[str] = []
        scores: list[float] = []
        right: list[bool] = []
        for row in rows:
            if row.split == "validation" and row.score is not None:
                names.append(row.class_name)
                scores.append(row.score)
                right.append(row.true_box is not None)
        if not scores:
            raise UserError("the model detected nothing on the validation split, so its scores can't be calibrated")
        of_class, all_scores, all_right = np.array(names), np.array(scores), np.array(right)
        pooled = _cautious(fit_isotonic(all_scores, all_right))
        by_class = {}
        for name in sorted(set(names)):
            chosen = of_class == name
            if chosen.sum() >= MIN_DETECTIONS:
                by_class[name] = _drawn_to(pooled, _cautious(fit_isotonic(all_scores[chosen], all_right[chosen])))
        return cls(pooled, by_class, len(scores))

    def probability(self, class_name: str, scores: Floats) -> Floats:
        """Return the probability that detections of a class are right."""
        return self.by_class.get(class_name, self.pooled)(scores)


def _cautious(curve: IsotonicCurve) -> IsotonicCurve:
    """Return a curve whose steps are rated by Laplace's rule of succession."""
    values = (curve.values * curve.weights + 1) / (curve.weights + 2)
    return IsotonicCurve(curve.scores, np.maximum.accumulate(values), curve.weights)


def _drawn_to(pooled: IsotonicCurve, curve: IsotonicCurve) -> IsotonicCurve:
    """Return a class's curve whose steps of few detections are drawn towards the pooled curve."""
    share = np.minimum(curve.weights / _FULL_WEIGHT, 1.0)
    values = share * curve.values + (1 - share) * pooled(curve.scores)
    return IsotonicCurve(curve.scores, np.maximum.accumulate(values), curve.weights)
