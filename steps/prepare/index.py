"""The usable lines of a data set as columns of numbers: about 40 bytes a line, so millions of them fit the memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

# Marks of a line. Plain integers, since testing flags of an enum takes longer than all else that is done with an entry.
AUTO_LABELLED = 1
TINY = 2
"""A box is too small at the network's input."""
CHANGED = 4
"""Its boxes are used with other values than it says."""
FAST_PATH = 8
"""See `labels.fast_reader.FastRecord`."""
TRAIN_ONLY = 16
"""See `labels.review_key`."""

# The type of each column: unsigned integers of 1 (B), 2 (H), 4 (I) or 8 (Q) bytes.
_COLUMNS = {
    "source": "H",
    "offset": "Q",
    "length": "I",
    "number": "I",
    "key": "Q",
    "group": "Q",
    "boxes": "I",
    "shown": "I",
    "marks": "B",
}


class Index:
    """One entry for each usable line, in the order of the sources and of their lines.

    Attributes:
        source: which source it is from.
        offset, length: bytes, where it stands in its file.
        number: of the line in its source, from 1.
        key: `labels.split.digest` of the image's URI.
        group: digest of its group's name; empty when images are not grouped.
        boxes: how many.
        shown: its classes, as a position in `ClassSets`.
        marks: sum of the above.
    """

    source: array[int]
    offset: array[int]
    length: array[int]
    number: array[int]
    key: array[int]
    group: array[int]
    boxes: array[int]
    shown: array[int]
    marks: array[int]

    def __init__(self) -> None:
        for name, kind in _COLUMNS.items():
            setattr(self, name, array(kind))

    def __len__(self) -> int:
        return len(self.key)

    def extend(self, other: Index, shown: list[int]) -> None:
        """Put another index behind this one.

        Args:
            shown: where the other's positions are in this one's `ClassSets`.
        """
        for name in _COLUMNS:
            if name != "shown":
                getattr(self, name).extend(getattr(other, name))
        self.shown.extend(map(shown.__getitem__, other.shown))

    def places(self, entries: Sequence[int]) -> Index:
        """Return these entries in this order, with only the columns that it takes to find and rewrite them."""
        index = Index()
        for name in ("source", "offset", "length", "marks"):
            column = getattr(self, name)
            getattr(index, name).extend(map(column.__getitem__, entries))
        return index

    @property
    def groups(self) -> array[int]:
        """Return what keeps images together: their group, or the image itself."""
        return self.group or self.key


class ClassSets:
    """The different sets of class names that images show; few, however many images there are."""

    def __init__(self) -> None:
        self._positions: dict[tuple[str, ...], int] = {}

    def position(self, names: Iterable[str]) -> int:
        """Return the position of the set of these names, which is added if it is new."""
        return self._positions.setdefault(tuple(sorted(set(names))), len(self._positions))

    def sets(self) -> list[tuple[str, ...]]:
        """Return the sets by position; the names of each are sorted."""
        return list(self._positions)
