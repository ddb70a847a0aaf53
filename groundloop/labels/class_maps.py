"""Comparing the class-maps of a manifest's lines: does an id mean the same class everywhere?

Each line has a map of its own, and only that one says what its ids mean. Lines from different labelling jobs often
contradict each other. Reading by names is safe from that; whatever trains on the bare ids, as the built-in algorithm
does, mixes the classes up without an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import METADATA
from groundloop.labels.findings import LabelCode, LabelFinding
from groundloop.suggestions import first_of

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
MAX_CLASSES = 2_000
"""Class names of a data set. Every prepared line has all of them, so that more would make each longer than its boxes;
so many are file names or numbers in place of classes."""

# A manifest with more different maps than any labelling job writes must not fill the memory with them.
MAX_CLASS_MAPS = 20_000
MAX_CLASS_MAP_ENTRIES = 100_000
_MAX_ID_DIGITS = 18

_CLASS_MAP = msgspec.json.Decoder(dict[str, str])


def is_class_id(text: str) -> bool:
    """Return whether a text is a class id: a whole number of digits only, and not of thousands of them."""
    return text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS


def check_class_count(names: Collection[str]) -> None:
    """Check that a data set has no more classes than can be trained on.

    Raises:
        UserError: there are more than `MAX_CLASSES`.
    """
    if len(names) > MAX_CLASSES:
        raise UserError(
            f"the labels have more than {MAX_CLASSES:,} class names ({first_of(names, 3)}): use the names of kinds of "
            "objects, not of files or single objects"
        )


class _Entry(NamedTuple):
    class_id: str
    name: str
    line: int


@dataclass(slots=True)
class ClassMaps:
    """Compares each line's map with those that came before; small, however many are added.

    Attributes:
        lines: number of lines whose map contradicts an earlier one.
    """

    lines: int = 0
    _by_id: dict[str, _Entry] = field(default_factory=dict)
    _by_name: dict[str, _Entry] = field(default_factory=dict)
    _conflict: tuple[_Entry, _Entry] | None = None

    def add(self, class_map: Mapping[str, str], line: int, lines: int = 1) -> None:
        """Add the map of a line.

        Args:
            class_map: id as text to name.
            line: its 1-based number, the first where several lines have this map.
            lines: how many have it.

        Raises:
            UserError: there are more than `MAX_CLASSES` names.
        """
        contradicts = False
        for class_id, name in class_map.items():
            entry = _Entry(class_id, name, line)
            for known in (self._by_id.setdefault(class_id, entry), self._by_name.setdefault(name, entry)):
                if (known.class_id, known.name) != (class_id, name):
                    contradicts = True
                    self._conflict = self._conflict or (known, entry)
        check_class_count(self._by_name)
        self.lines += contradicts * lines

    @property
    def names(self) -> Collection[str]:
        """Return every name of the maps."""
        return self._by_name.keys()

    @property
    def ordered(self) -> tuple[str, ...]:
        """Return all names in the order of their ids, where those are whole numbers and no line contradicts another."""
        return tuple(sorted(self._by_name, key=lambda name: int(self._by_name[name].class_id)))

    @property
    def conflict(self) -> str:
        """Describe the first contradiction; "" when there is none."""
        if self._conflict is None:
            return ""
        one, other = self._conflict
        if one.class_id == other.class_id:
            message = f"class id {one.class_id} is {one.name!r} on line {one.line} and {other.name!r}"
        else:
            message = f"class {one.name!r} has the id {one.class_id} on line {one.line} and {other.class_id}"
        return f"{message} on line {other.line}"

    def findings(self) -> Iterator[LabelFinding]:
        """Yield at most one warning, for the whole manifest."""
        if self._conflict is not None:
            yield LabelFinding(
                LabelCode.CLASS_MAPS_DIFFER,
                f"{self.conflict}; {self.lines} lines contradict an earlier one: read by name here, so nothing is "
                "mixed up, but do not train straight from this manifest, because the built-in algorithm trains on ids: "
                "train on what Prepare or `groundloop labels convert` writes",
            )


def order_of_classes(
    maps: Iterable[tuple[int, Mapping[str, str]]], used: Collection[str] | None = None
) -> tuple[tuple[str, ...], list[str]]:
    """Order the names by their ids or, where lines contradict each other, alphabetically with a note.

    Args:
        maps: line numbers and class-maps.
        used: only these names; None: all whose id is a whole number.
    """
    class_maps = ClassMaps()
    for line, class_map in maps:
        numbered = {key: name for key, name in class_map.items() if is_class_id(key)}
        class_maps.add({key: name for key, name in numbered.items() if used is None or name in used}, line)
    if not class_maps.conflict:
        return class_maps.ordered, []
    note = (
        f"the class maps of the lines contradict each other ({class_maps.conflict}): "
        "names count, and the classes are in alphabetical order"
    )
    return tuple(sorted(class_maps.names)), [note]


def class_map_of(raw: bytes, attribute: str) -> dict[str, str]:
    """Return the class-map of an accepted line, id as text to name; empty where it has none.

    Args:
        attribute: the label attribute that the line was read with.
    """
    metadata = _FIELDS.decode(_FIELDS.decode(raw)[attribute + METADATA])
    return _CLASS_MAP.decode(metadata["class-map"]) if "class-map" in metadata else {}
