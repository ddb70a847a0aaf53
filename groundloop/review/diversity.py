"""Keeping the chosen images different: few of one group, no near copies, and rare classes among them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from groundloop.images.difference_hash import distance
from groundloop.review.candidates import RankedCandidate
from groundloop.review.shown_boxes import SHOWN_PROBABILITY

#: Bits of 64 in which the difference hashes of near copies differ at most.
NEAR_COPY_BITS = 6
#: The share of the chosen images that is spread over the classes, rare ones first.
_SPREAD_SHARE = 1 / 3


class NearCopies:
    """Finds images that are nearly the same as one that is taken already.

    Args:
        hash_of: returns the difference hash of an image; None for one that can't be compared. It is asked of the images
            that are about to be taken, not of all.
        bits: difference of the hashes up to which two images are near copies.
    """

    def __init__(self, hash_of: Callable[[str], int | None], bits: int = NEAR_COPY_BITS) -> None:
        self.found: set[str] = set()
        self._hash_of = hash_of
        self._bits = bits
        self._taken: list[int] = []
        self._hashes: dict[str, int | None] = {}

    def is_copy(self, source_ref: str) -> bool:
        """Return whether an image is a near copy of one that is taken."""
        own = self._hash(source_ref)
        if own is None or all(distance(own, other) > self._bits for other in self._taken):
            return False
        self.found.add(source_ref)
        return True

    def take(self, source_ref: str) -> None:
        """Remember an image as taken."""
        own = self._hash(source_ref)
        if own is not None:
            self._taken.append(own)

    def _hash(self, source_ref: str) -> int | None:
        if source_ref not in self._hashes:
            self._hashes[source_ref] = self._hash_of(source_ref)
        return self._hashes[source_ref]


class TakenImages:
    """The images chosen so far: each once, at most so many of a group, no near copies.

    Args:
        room: how many images may be taken.
        per_group: how many of one group.
        copies: which images are near copies; None takes them too.
    """

    def __init__(self, room: int, per_group: int, copies: NearCopies | None = None) -> None:
        self.images: list[RankedCandidate] = []
        self.room = room
        self._per_group = per_group
        self._copies = copies
        self._names: set[str] = set()
        self._groups: Counter[str] = Counter()

    def add(self, one: RankedCandidate) -> bool:
        """Take an image if there is room for it; return whether it was."""
        group = one.candidate.group
        full = bool(group) and self._groups[group] >= self._per_group
        if len(self.images) >= self.room or one.source_ref in self._names or full:
            return False
        if self._copies is not None:
            if self._copies.is_copy(one.source_ref):
                return False
            self._copies.take(one.source_ref)
        self.images.append(one)
        self._names.add(one.source_ref)
        self._groups[group] += 1
        return True


def spread_over_classes(
    doubtful: Sequence[RankedCandidate], room: int, classes: Sequence[str], frequency: Mapping[str, int] | None
) -> list[tuple[RankedCandidate, str]]:
    """Return images for a third of the room, in turns over the classes, each weighted by 1 / sqrt(its frequency).

    Args:
        doubtful: the images, in the order in which they would be chosen otherwise.
        room: how many images are chosen in all.
        classes: names in id order.
        frequency: objects of each class in the labels; None treats classes alike.
    """
    if len(classes) < 2:
        return []
    by_class: defaultdict[str, list[RankedCandidate]] = defaultdict(list)
    for one in doubtful:
        likely = one.doubt.probabilities >= SHOWN_PROBABILITY
        for name in {one.candidate.detections.names[index] for index in likely.nonzero()[0].tolist()}:
            by_class[name].append(one)
    weights = {name: 1 / max(1, (frequency or {}).get(name, 1)) ** 0.5 for name in classes if by_class[name]}
    given = dict.fromkeys(weights, 0.0)
    used: set[str] = set()
    spread: list[tuple[RankedCandidate, str]] = []
    while len(spread) < int(room * _SPREAD_SHARE) and given:
        # The class that is furthest behind its weight has the next turn.
        name = min(given, key=lambda one: ((given[one] + 1) / weights[one], one))
        candidate = next((one for one in by_class[name] if one.source_ref not in used), None)
        if candidate is None:
            del given[name]
            continue
        given[name] += 1
        used.add(candidate.source_ref)
        spread.append((candidate, name))
    return spread
