"""Choosing the images that people look at: where the model is expected to err most, and some at random.

Expected mistakes alone would never show what the model is wrongly sure of. So a share is drawn at random, always the
same for the same images (the audit share); half of it is shown without boxes, which measures how far shown boxes
influence people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from groundloop.detections.calibration import Calibration
from groundloop.detections.expected_mistakes import doubt
from groundloop.errors import UserError
from groundloop.labels.split import Split, digest
from groundloop.review.candidates import Candidate, RankedCandidate, TaskMaker
from groundloop.review.conditions import Condition
from groundloop.review.diversity import NearCopies, TakenImages, spread_over_classes
from groundloop.review.effort import Effort
from groundloop.review.leases import AUDIT
from groundloop.review.queue import NewTask

EXPECTED_MISTAKES = "expected-mistakes"
CONDITION = "condition"
_RANDOM = "random"
#: What images can be chosen by, besides the audit share.
CRITERIA = ("expected_mistakes", "condition", "random")
#: What expected mistakes are compared by: the image, or the second of a reviewer's work.
UNITS = ("image", "effort")
_DRAWN = "drawn at random"


@dataclass(frozen=True, slots=True)
class Selection:
    """How images are chosen.

    Attributes:
        images: how many at most, the audit share included.
        by: one of `CRITERIA`.
        conditions: for `condition`: any one is enough.
        audit: share that is drawn at random.
        per_group: how many images of one group at most; the audit share takes no notice of groups.
        per: one of `UNITS`: `image` prefers the images with most expected mistakes, `effort` those with most for the
            time that they take.
        effort: how long an image takes.
        seed: of the random draws.
    """

    images: int = 100
    by: str = "expected_mistakes"
    conditions: tuple[Condition, ...] = ()
    audit: float = 0.1
    per_group: int = 3
    per: str = "image"
    effort: Effort = field(default_factory=Effort)
    seed: int = 1

    def __post_init__(self) -> None:
        if self.by not in CRITERIA:
            raise UserError(f"images can't be chosen by {self.by!r}: use {', '.join(CRITERIA)}")
        if self.per not in UNITS:
            raise UserError(f"images can't be chosen per {self.per!r}: use {' or '.join(UNITS)}")
        if (self.by == "condition") != bool(self.conditions):
            raise UserError("to choose images by condition, give at least one condition, and none otherwise")

    @property
    def selected_by(self) -> str:
        """What the manifest says of an image that was chosen so."""
        return {"expected_mistakes": EXPECTED_MISTAKES, "condition": CONDITION, _RANDOM: _RANDOM}[self.by]


def select(
    candidates: Sequence[Candidate],
    calibration: Calibration,
    thresholds: Mapping[str, float],
    classes: Sequence[str],
    selection: Selection,
    *,
    new: bool,
    frequency: Mapping[str, int] | None = None,
    copies: NearCopies | None = None,
) -> list[NewTask]:
    """Choose images and return them as tasks, in the order in which they are given out.

    Args:
        candidates: all images that could be reviewed.
        calibration: of the model's scores.
        thresholds: score from which a detection counts, by class.
        classes: names in id order.
        selection: how to choose.
        new: whether the images are not in the data set yet. Then those that were chosen for doubt are for train only:
            in the test split they would make each round's test harder than the last one's.
        frequency: objects of each class in the labels, to give rare classes more room; None treats classes alike.
        copies: finds near copies, of which one is chosen; None chooses all. Of those drawn at random none is left out.
    """
    ranked = [_ranked(one, calibration, thresholds, selection) for one in candidates]
    by_key = sorted(ranked, key=lambda one: one.key)
    audited = by_key[: round(selection.audit * min(selection.images, len(ranked)))]
    if copies is not None:
        for one in audited:
            copies.take(one.source_ref)
    taken = TakenImages(selection.images - len(audited), selection.per_group, copies)
    why = _choose(by_key[len(audited) :], taken, selection, classes, frequency)
    chosen = taken.images if selection.by == _RANDOM else sorted(taken.images, key=lambda one: -one.rank)
    split = Split.TRAIN.value if new and selection.by != _RANDOM else None
    make = TaskMaker(classes, thresholds).task
    tasks = [make(one, selection.selected_by, why.get(one.source_ref, ()), split=split) for one in chosen]
    audit_tasks = [make(one, AUDIT, (_DRAWN,), blind=number % 2 == 1) for number, one in enumerate(audited)]
    return _mixed(tasks, audit_tasks)


def _ranked(
    candidate: Candidate, calibration: Calibration, thresholds: Mapping[str, float], selection: Selection
) -> RankedCandidate:
    found = doubt(candidate.detections, calibration, thresholds)
    # What is likely there is what the reviewer will have to look at.
    objects = float(found.probabilities.sum())
    rank = found.mistakes if selection.per == "image" else found.mistakes / selection.effort.seconds(objects)
    return RankedCandidate(candidate, found, digest(candidate.source_ref, selection.seed), rank)


def _choose(
    ranked: Sequence[RankedCandidate],
    taken: TakenImages,
    selection: Selection,
    classes: Sequence[str],
    frequency: Mapping[str, int] | None,
) -> dict[str, tuple[str, ...]]:
    """Take images, and return what is to be said of some of them besides their mistakes."""
    if selection.by == _RANDOM:
        return {one.source_ref: (_DRAWN,) for one in ranked if taken.add(one)}
    doubtful = sorted(ranked, key=lambda one: (-one.rank, one.key))
    why = {}
    if selection.by == "condition":
        for one in doubtful:
            met = [rule.text for rule in selection.conditions if rule.holds(one.candidate.detections, one.doubt)]
            if met and taken.add(one):
                why[one.source_ref] = tuple(f"condition {text}" for text in met)
        return why
    spread = spread_over_classes(doubtful, taken.room, classes, frequency)
    for one in doubtful:
        if len(taken.images) < taken.room - len(spread):
            taken.add(one)
    for one, name in spread:
        if taken.add(one):
            why[one.source_ref] = (f"may show {name}",)
    for one in doubtful:
        taken.add(one)
    return why


def _mixed(tasks: list[NewTask], audit: list[NewTask]) -> list[NewTask]:
    """Spread the audit images evenly, so that they are reviewed too where people stop early."""
    total = len(tasks) + len(audit)
    places = {int((number + 0.5) * total / len(audit)) for number in range(len(audit))} if audit else set()
    rest, drawn = iter(tasks), iter(audit)
    return [next(drawn) if place in places else next(rest) for place in range(total)]
