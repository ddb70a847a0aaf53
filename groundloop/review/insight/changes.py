"""What a worker changed of the boxes that were shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundloop.labels.box_groups import WorkerBoxes, box_groups
from groundloop.labels.records import Box

#: Consolidated labels have floats, and people are shown whole pixels.
_ROUNDING = 0.5


@dataclass(frozen=True, slots=True)
class Changes:
    """Boxes by what became of them; one that was moved and got another class counts as both.

    Attributes:
        kept: shown boxes that are in the answer as they were.
        added: boxes of the answer where none was shown.
        deleted: shown boxes that the answer has not.
        moved: shown boxes whose edges differ.
        relabelled: shown boxes whose class differs.
    """

    kept: int = 0
    added: int = 0
    deleted: int = 0
    moved: int = 0
    relabelled: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(
            self.kept + other.kept,
            self.added + other.added,
            self.deleted + other.deleted,
            self.moved + other.moved,
            self.relabelled + other.relabelled,
        )

    @property
    def is_changed(self) -> bool:
        """Return whether anything was changed."""
        return bool(self.added or self.deleted or self.moved or self.relabelled)


def changes(shown: Sequence[Box], answered: Sequence[Box]) -> Changes:
    """Compare an answer with the boxes that were shown.

    A box is the same one as long as its IoU with the shown one is 0.5 or more; farther off it counts as a deleted box
    and an added one.

    Example:
        >>> shown = [Box("nut", 0, 0, 100, 100), Box("nut", 300, 0, 50, 50)]
        >>> changes(shown, [Box("bolt", 10, 0, 100, 100)])
        Changes(kept=0, added=0, deleted=1, moved=1, relabelled=1)
    """
    if sorted(map(_key, shown)) == sorted(map(_key, answered)):
        return Changes(kept=len(shown))
    found = Changes()
    for group in box_groups([WorkerBoxes("shown", tuple(shown)), WorkerBoxes("answered", tuple(answered))]):
        if len(group) == 2:
            before, after = group[0].box, group[1].box
            relabelled = before.class_name != after.class_name
            moved = _is_moved(before, after)
            found += Changes(kept=not (relabelled or moved), moved=moved, relabelled=relabelled)
        elif group[0].answer == 0:
            found += Changes(deleted=1)
        else:
            found += Changes(added=1)
    return found


def _is_moved(before: Box, after: Box) -> bool:
    """Return whether an edge is elsewhere by more than showing the box on whole pixels does."""
    edges = zip(_edges(before), _edges(after), strict=True)
    return any(abs(first - second) > _ROUNDING for first, second in edges)


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.left + box.width, box.top + box.height


def _key(box: Box) -> tuple[str, float, float, float, float]:
    return box.class_name, box.left, box.top, box.width, box.height
