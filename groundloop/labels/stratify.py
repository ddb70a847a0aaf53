"""A split that gives each part its share of every class and of the negatives.

Iterative stratification (Sechidis, Tsoumakas, Vlahavas: On the Stratification of Multi-Label Data, 2011): the rarest
class that is left is dealt out first, each of its groups to the part that still wants it most. Unlike a split by hash
it looks at all images at once, so images may move to another part when the data set grows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from groundloop.labels.split import HashSplit, Split

# No class name is empty, so this one can stand for "shows nothing".
_NEGATIVE = ""


@dataclass
class _Unit:
    """The images of a group, which go to one split together."""

    key: int
    shows: Counter[str] = field(default_factory=Counter)


def stratified(members: Iterable[tuple[int, Collection[str]]], shares: HashSplit) -> dict[int, Split]:
    """Return the split of each group.

    Args:
        members: of every usable image its group's `labels.split.digest`, which decides ties, and the different names
            of the classes that it shows.
        shares: fractions of validation and test.

    Returns:
        The part by the group's digest. The same members, in whatever order, give the same parts.
    """
    units: dict[int, _Unit] = {}
    for key, names in members:
        units.setdefault(key, _Unit(key)).shows.update(names or (_NEGATIVE,))
    remaining = _shares_by_label(units, shares)
    parts: dict[int, Split] = {}
    left = dict(units)
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for unit in units.values():
        for label in unit.shows:
            holders[label].add(unit.key)
    while left:
        label = min((label for label in holders if holders[label]), key=lambda label: (len(holders[label]), label))
        # The largest groups first, while there is room for them anywhere; among equals the seed decides.
        for key in sorted(holders[label], key=lambda key: (-left[key].shows[label], key)):
            unit = left.pop(key)
            part = max(Split, key=lambda part: (remaining[part][label], sum(remaining[part].values()), _ORDER[part]))
            parts[key] = part
            for shown, images in unit.shows.items():
                remaining[part][shown] -= images
            for other in unit.shows:
                if other != label:
                    holders[other].discard(key)
        del holders[label]
    return parts


# On a tie the train part gets the group.
_ORDER = {Split.TRAIN: 2, Split.VALIDATION: 1, Split.TEST: 0}


def _shares_by_label(units: Mapping[int, _Unit], shares: HashSplit) -> dict[Split, dict[str, float]]:
    """Return how many images of each class, and how many negatives, each split should get; fractions count."""
    total: Counter[str] = Counter()
    for unit in units.values():
        total.update(unit.shows)
    fractions = {
        Split.TRAIN: 1 - shares.validation_fraction - shares.test_fraction,
        Split.VALIDATION: shares.validation_fraction,
        Split.TEST: shares.test_fraction,
    }
    # Sorted: sums of fractions depend on their order in the last bit, and that would decide ties.
    labels = sorted(total)
    return {part: {label: share * total[label] for label in labels} for part, share in fractions.items()}
