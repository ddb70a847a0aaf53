"""The class list: the contract between labels, model and predictions. Names count; ids are positions in this list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

from groundloop.errors import UserError
from groundloop.labels.class_maps import check_class_count
from groundloop.labels.findings import LabelCode, LabelFinding


@dataclass(frozen=True)
class ClassList:
    """Class names in id order: the id of a class is its position, from 0, as the built-in algorithm asks."""

    names: tuple[str, ...]

    @classmethod
    def from_config(cls, names: Iterable[str]) -> ClassList:
        """Make the configured list, its order kept.

        Raises:
            UserError: when the list is empty, or a name is empty or given twice.
        """
        listed = tuple(names)
        if not listed:
            raise UserError("the class list is empty: name at least one class, or leave it out to use the manifest's")
        check_class_count(listed)
        for name in listed:
            if not name:
                raise UserError("the class list holds an empty name: remove it")
            if listed.count(name) > 1:
                raise UserError(f"the class list names {name!r} twice: an id per class needs each name once")
        return cls(listed)

    @classmethod
    def from_union(cls, names: Iterable[str]) -> ClassList:
        """Make a list of every name once, sorted by code point: the same data gives the same ids everywhere.

        Raises:
            UserError: there are more than `MAX_CLASSES`.
        """
        distinct = sorted(set(names))
        check_class_count(distinct)
        return cls(tuple(distinct))

    @cached_property
    def ids(self) -> dict[str, int]:
        """Return the id by name."""
        return {name: class_id for class_id, name in enumerate(self.names)}

    @cached_property
    def class_map(self) -> dict[str, str]:
        """Return the list as a Ground Truth `class-map`: id as text to name."""
        return {str(class_id): name for class_id, name in enumerate(self.names)}

    @property
    def sha256(self) -> str:
        """Return the hex digest of the list as compact UTF-8 JSON: equal exactly when names and order are equal."""
        return hashlib.sha256(msgspec.json.encode(self.names)).hexdigest()

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)


def similar_names(names: Iterable[str]) -> Iterator[LabelFinding]:
    """Yield warnings for names that differ in case or surrounding spaces only, and for names with such spaces."""
    seen: dict[str, str] = {}
    for name in names:
        if name != name.strip():
            yield LabelFinding(
                LabelCode.SIMILAR_CLASS_NAMES,
                f"class {name!r} begins or ends with a space, which is kept: check that it is meant",
            )
        key = name.strip().casefold()
        if key in seen:
            yield LabelFinding(
                LabelCode.SIMILAR_CLASS_NAMES,
                f"classes {seen[key]!r} and {name!r} differ in case or spaces only and stay two classes: "
                "if they are one, give them one name in the labelling job",
            )
        seen.setdefault(key, name)


def unused_classes(classes: ClassList, boxes: Mapping[str, int]) -> Iterator[LabelFinding]:
    """Yield a warning for each class of the list that no box has: the model will never find it.

    Args:
        boxes: number of boxes by class name.
    """
    for name in classes:
        if not boxes.get(name):
            message = f"class {name!r} is in the class list but no box has it: remove it, or label some"
            yield LabelFinding(LabelCode.UNUSED_CLASS, message)
