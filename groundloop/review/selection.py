"""Choosing the images that people look at: where the model is expected to err most, and some at random.

Expected mistakes alone would never show what the model is wrongly sure of. So a share is drawn at random, always the
same for the same images (the audit share); half of it is shown without boxes, which measures how far shown boxes
influence people.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundloop.detections.calibration import Calibration
from groundloop.detections.expected_mistakes import Doubt, ImageDetections, doubt
from groundloop.errors import UserError
from groundloop.labels.split import Split, digest
from groundloop.review.conditions import Condition
from groundloop.review.leases import AUDIT
from groundloop.review.queue import NewTask
from groundloop.review.shown_boxes import SHOWN_PROBABILITY, shown_boxes
from groundloop.review.wire import Shown

EXPECTED_MISTAKES = "expected-mistakes"
CONDITION = "condition"
_RANDOM = "random"
#: What images can be chosen by, besides the audit share.
CRITERIA = ("expected_mistakes", "condition", "random")
#: The share of the chosen images that is spread over the classes, rare ones first.
_SPREAD_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that may be reviewed.

    Attributes:
        source_ref: S3 URI, or the file's name below the folder of images.
        width, height: pixels as stored.
        detections: of the model, those under the threshold too.
        group: images of one group look alike, such as frames of one video; "" for an image of its own.
        line: its manifest line, if it has one.
        blind: whether it is shown without boxes however it was chosen.
    """

    source_ref: str
    width: int
    height: int
    detections: ImageDetections
    group: str = ""
    line: bytes | None = None
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """How images are chosen.

    Attributes:
        images: how many at most, the audit share included.
        by: one of `CRITERIA`.
        conditions: for `condition`: any one is enough.
        audit: share that is drawn at random.
        per_group: how many images of one group at most; the audit share takes no notice of groups.
        seed: of the random draws.
    """

    images: int = 100
    by: str = "expected_mistakes"
    conditions: tuple[Condition, ...] = ()
    audit: float = 0.1
    per_group: int = 3
    seed: int = 1

    def __post_init__(self) -> None:
        if self.by not in CRITERIA:
            raise UserError(f"images can't be chosen by {self.by!r}: use {', '.join(CRITERIA)}")
        if (self.by == "condition") != bool(self.conditions):
            raise UserError("to choose images by condition, give at least one condition, and none otherwise")


@dataclass(frozen=True, slots=True)
class _Ranked:
    candidate: Candidate
    doubt: Doubt
    key: int


def select(
    candidates: Sequence[Candidate],
    calibration: Calibration,
    thresholds: Mapping[str, float],
    classes: Sequence[str],
    selection: Selection,
    *,
    new: bool,
    frequency: Mapping[str, int] | None = None,
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
    """
    ranked = [
        _Ranked(one, doubt(one.detections, calibration, thresholds), digest(one.source_ref, selection.seed))
        for one in candidates
    ]
    by_key = sorted(ranked, key=lambda one: one.key)
    audited = by_key[: round(selection.audit * min(selection.images, len(ranked)))]
    rest = by_key[len(audited) :]
    room = selection.images - len(audited)
    chosen, why = _chosen(rest, room, selection, classes, frequency)
    in_order = sorted(chosen, key=lambda one: -one.doubt.mistakes) if selection.by != _RANDOM else chosen
    tasks = [
        _task(one, classes, thresholds, _selected_by(selection), why.get(one.candidate.source_ref, ()), new=new)
        for one in in_order
    ]
    audit_tasks = [
        _task(one, classes, thresholds, AUDIT, ("drawn at random",), new=new, blind=number % 2 == 1)
        for number, one in enumerate(audited)
    ]
    return _mixed(tasks, audit_tasks)


def _selected_by(selection: Selection) -> str:
    return {"expected_mistakes": EXPECTED_MISTAKES, "condition": CONDITION, _RANDOM: _RANDOM}[selection.by]


def _chosen(
    ranked: Sequence[_Ranked],
    room: int,
    selection: Selection,
    classes: Sequence[str],
    frequency: Mapping[str, int] | None,
) -> tuple[list[_Ranked], dict[str, tuple[str, ...]]]:
    """Return the chosen images, and what is to be said of some of them besides their mistakes."""
    taken = _Taken(room, selection.per_group)
    if selection.by == _RANDOM:
        for one in ranked:
            taken.add(one)
        return taken.images, {one.candidate.source_ref: ("drawn at random",) for one in taken.images}
    doubtful = sorted(ranked, key=lambda one: (-one.doubt.mistakes, one.key))
    if selection.by == "condition":
        why = {}
        for one in doubtful:
            met = [rule.text for rule in selection.conditions if rule.holds(one.candidate.detections, one.doubt)]
            if met and taken.add(one):
                why[one.candidate.source_ref] = tuple(f"condition {text}" for text in met)
        return taken.images, why
    spread = _by_class(doubtful, room, classes, frequency)
    for one in doubtful:
        if len(taken.images) < room - len(spread):
            taken.add(one)
    why = {}
    for one, name in spread:
        if taken.add(one):
            why[one.candidate.source_ref] = (f"may show {name}",)
    for one in doubtful:
        taken.add(one)
    return taken.images, why


class _Taken:
    """The images chosen so far, each once and at most so many of a group."""

    def __init__(self, room: int, per_group: int) -> None:
        self.images: list[_Ranked] = []
        self._room = room
        self._per_group = per_group
        self._names: set[str] = set()
        self._groups: Counter[str] = Counter()

    def add(self, one: _Ranked) -> bool:
        """Take an image if there is room for it; return whether it was."""
        candidate = one.candidate
        full = bool(candidate.group) and self._groups[candidate.group] >= self._per_group
        if len(self.images) >= self._room or candidate.source_ref in self._names or full:
            return False
        self.images.append(one)
        self._names.add(candidate.source_ref)
        self._groups[candidate.group] += 1
        return True


def _by_class(
    doubtful: Sequence[_Ranked], room: int, classes: Sequence[str], frequency: Mapping[str, int] | None
) -> list[tuple[_Ranked, str]]:
    """Return images for a part of the room, in turns over the classes, each weighted by 1 / sqrt(its frequency)."""
    if len(classes) < 2:
        return []
    by_class: defaultdict[str, list[_Ranked]] = defaultdict(list)
    for one in doubtful:
        likely = one.doubt.probabilities >= SHOWN_PROBABILITY
        for name in {one.candidate.detections.names[index] for index in likely.nonzero()[0].tolist()}:
            by_class[name].append(one)
    weights = {name: 1 / max(1, (frequency or {}).get(name, 1)) ** 0.5 for name in classes if by_class[name]}
    given = dict.fromkeys(weights, 0.0)
    used: set[str] = set()
    spread: list[tuple[_Ranked, str]] = []
    while len(spread) < int(room * _SPREAD_SHARE) and given:
        # The class that is furthest behind its weight has the next turn.
        name = min(given, key=lambda one: ((given[one] + 1) / weights[one], one))
        candidate = next((one for one in by_class[name] if one.candidate.source_ref not in used), None)
        if candidate is None:
            del given[name]
            continue
        given[name] += 1
        used.add(candidate.candidate.source_ref)
        spread.append((candidate, name))
    return spread


def _task(
    ranked: _Ranked,
    classes: Sequence[str],
    thresholds: Mapping[str, float],
    selected_by: str,
    why: tuple[str, ...],
    *,
    new: bool,
    blind: bool = False,
) -> NewTask:
    candidate, found = ranked.candidate, ranked.doubt
    blind = blind or candidate.blind
    # Whoever looks without boxes should not know either what the model thinks.
    reasons = [*why, "shown without boxes"] if blind else [*why, *_reasons(candidate, found, thresholds)]
    return NewTask(
        source_ref=candidate.source_ref,
        width=candidate.width,
        height=candidate.height,
        shown=Shown.NOTHING if blind else Shown.MODEL,
        boxes=() if blind else shown_boxes(candidate.detections, found, classes, candidate.width, candidate.height),
        why=tuple(reasons),
        expected_mistakes=found.mistakes,
        selected_by=selected_by,
        split=Split.TRAIN.value if new and selected_by in (EXPECTED_MISTAKES, CONDITION) else None,
        line=candidate.line,
    )


def _reasons(candidate: Candidate, found: Doubt, thresholds: Mapping[str, float]) -> list[str]:
    reasons = [f"about {found.mistakes:.1f} mistakes expected"]
    if found.crossed:
        reasons.append("two classes on one object")
    if len(candidate.detections):
        index = int(found.doubts.argmax())
        name, score = candidate.detections.names[index], float(candidate.detections.scores[index])
        reasons.append(f"most doubtful: {name} {score:.2f}, threshold {thresholds[name]:.2f}")
    return reasons


def _mixed(tasks: list[NewTask], audit: list[NewTask]) -> list[NewTask]:
    """Spread the audit images evenly, so that they are reviewed too where people stop early."""
    total = len(tasks) + len(audit)
    places = {int((number + 0.5) * total / len(audit)) for number in range(len(audit))} if audit else set()
    rest, drawn = iter(tasks), iter(audit)
    return [next(drawn) if place in places else next(rest) for place in range(total)]
