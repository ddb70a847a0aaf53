"""The operating threshold: the score from which a detection counts, chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from groundloop.detections.arrays import Bools, Floats, Ints
from groundloop.detections.matching import Matches
from groundloop.errors import UserError

#: Lets hardly any detection through: where no threshold is better than another.
NONE_MATCHES = 1.0
_KINDS = ("best_f1", "precision", "recall")


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """What a threshold is chosen for.

    Attributes:
        kind: `best_f1`: the highest F1, of equally good thresholds the highest. `precision`: the lowest threshold with
            at least that precision, hence the highest recall. `recall`: the highest threshold with at least that
            recall, hence the highest precision.
        value: the required precision or recall, over 0 and up to 1; None for best_f1.
        per_class: one for each class, instead of one over all classes together.

    Raises:
        UserError: another kind, or a value that doesn't go with it.
    """

    kind: Literal["best_f1", "precision", "recall"] = "best_f1"
    value: float | None = None
    per_class: bool = False

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise UserError(
                f"the threshold rule {self.kind!r} is unknown: use {', '.join(_KINDS[:-1])} or {_KINDS[-1]}"
            )
        if self.kind == "best_f1":
            if self.value is not None:
                raise UserError(f"the threshold rule best_f1 takes no value, but {self.value} was given: leave it out")
        elif self.value is None or not 0 < self.value <= 1:
            given = "none was" if self.value is None else f"{self.value} is"
            raise UserError(
                f"the threshold rule {self.kind} needs the {self.kind} to reach, over 0 and up to 1; {given} given"
            )

    def describe(self, images: str = "validation") -> str:
        """Describe the rule, such as `precision of at least 0.9 on validation, per class`.

        Args:
            images: what the threshold is chosen on.
        """
        target = "best F1" if self.value is None else f"{self.kind} of at least {self.value:g}"
        return f"{target} on {images}, {'per class' if self.per_class else 'over all classes'}"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The chosen thresholds.

    Attributes:
        overall: over all classes together.
        by_class: (classes,); all the same as overall unless the rule is per class.
        description: the rule, and where it could not be followed.
    """

    overall: float
    by_class: Floats
    description: str


def choose_thresholds(
    matches: Matches, classes: Sequence[str], rule: ThresholdRule, images: str = "validation"
) -> Thresholds:
    """Choose the thresholds by a rule on matched detections, at IoU 0.5.

    Where a required precision or recall is out of reach, the best F1 is taken instead. A class of which no detection
    matches, or that has no ground-truth box, gets the overall threshold. Where nothing matches at all, that is 1. Each
    of this is said in `description`, with `images` as the name of what the detections are of.
    """
    pool, is_true_positive = matches.pool, matches.truth[0] >= 0
    truths = pool.truths_by_class()
    if not is_true_positive.any():
        description = f"{rule.describe(images)}; no detection on {images} matches a ground-truth box, so it is set to 1"
        return Thresholds(NONE_MATCHES, np.full(pool.classes, NONE_MATCHES), description)
    notes = [rule.describe(images)]
    overall = _chosen(pool.scores, is_true_positive, int(truths.sum()), rule)
    if overall is None:
        overall = _best_f1(*_cuts(pool.scores, is_true_positive), int(truths.sum()))
        notes.append("out of reach over all classes together: best F1 instead")
    by_class = np.full(pool.classes, overall)
    if not rule.per_class:
        return Thresholds(overall, by_class, "; ".join(notes))
    short, without = [], []
    for class_id, name in enumerate(classes):
        scores, of_class = pool.scores[pool.class_ids == class_id], is_true_positive[pool.class_ids == class_id]
        if not of_class.any():
            without.append(name)
            continue
        chosen = _chosen(scores, of_class, int(truths[class_id]), rule)
        if chosen is None:
            short.append(name)
            chosen = _best_f1(*_cuts(scores, of_class), int(truths[class_id]))
        by_class[class_id] = chosen
    if short:
        notes.append(f"out of reach for {', '.join(short)}: best F1 instead")
    if without:
        notes.append(f"no match on {images} for {', '.join(without)}: the threshold over all classes instead")
    return Thresholds(overall, by_class, "; ".join(notes))


def _chosen(scores: Floats, is_true_positive: Bools, truths: int, rule: ThresholdRule) -> float | None:
    """Return the threshold of a rule; None when it is out of reach. At least one detection matches."""
    cuts, true, detected = _cuts(scores, is_true_positive)
    if rule.kind == "best_f1" or rule.value is None:
        return _best_f1(cuts, true, detected, truths)
    reached = np.flatnonzero((true / detected if rule.kind == "precision" else true / truths) >= rule.value)
    if not len(reached):
        return None
    return float(cuts[reached[-1 if rule.kind == "precision" else 0]])


def _best_f1(cuts: Floats, true: Ints, detected: Ints, truths: int) -> float:
    return float(cuts[np.argmax(2 * true / (detected + truths))])


def _cuts(scores: Floats, is_true_positive: Bools) -> tuple[Floats, Ints, Ints]:
    """Return every possible threshold, highest first, and how many true and how many detections it lets through.

    A threshold lets all detections of its score through, so that equal scores are one cut.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, true = scores[order], np.cumsum(is_true_positive[order], dtype=np.int64)
    last: Ints = np.flatnonzero(np.diff(ranked, append=-1.0)).astype(np.int64)
    return ranked[last], true[last], last + 1
