"""Writing manifest lines for training: one label attribute, one class list, everything else as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from labels.attributes import CANONICAL, METADATA
from labels.classes import ClassList
from labels.findings import Code
from labels.records import Box, Line

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BOXES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_CLASS_MAP = msgspec.json.Decoder(dict[str, str])


_CLASS_ID = msgspec.json.Decoder(int | str)
_NUMBER = msgspec.json.Decoder(float)
_CHANGED = frozenset({Code.BOX_CLIPPED, Code.TEXT_CLASS_ID})


def changed_boxes(line: Line) -> tuple[Box, ...] | None:
    """The boxes of a usable line where the reader changed them from what the line says; else None."""
    if line.record is not None and any(finding.code in _CHANGED for finding in line.findings):
        return line.record.boxes
    return None


def canonical_line(raw: bytes, attribute: str, classes: ClassList, boxes: Sequence[Box] | None = None) -> bytes:
    """One accepted line rewritten with the label attribute `bounding-box` and the ids of the class list.

    Values that need no change are copied byte for byte (number text such as `0.60` stays), keys keep their order, and
    a line that already is as it should be comes back unchanged. Another attribute that holds the name `bounding-box`
    is kept as `original-bounding-box`.

    Args:
        raw: a line that `labels.manifest` accepted, without line ending.
        attribute: the label attribute it was read with.
        classes: holds every class that the line's boxes use.
        boxes: as they are to be used, where that differs from the line, see `changed_boxes`.

    Returns:
        The line without line ending.
    """
    fields = _FIELDS.decode(raw)
    label = _FIELDS.decode(fields[attribute])
    metadata = _FIELDS.decode(fields[attribute + METADATA])
    class_map = _CLASS_MAP.decode(metadata["class-map"]) if "class-map" in metadata else {}
    if attribute == CANONICAL and class_map == classes.class_map and boxes is None:
        return raw
    written = _BOXES.decode(label["annotations"])
    for box in written:
        name = class_map[str(_CLASS_ID.decode(box["class_id"]))]
        box["class_id"] = msgspec.Raw(str(classes.ids[name]).encode())
    for box, used in zip(written, boxes or (), strict=boxes is not None):
        for side in ("left", "top", "width", "height"):
            value = getattr(used, side)
            if _NUMBER.decode(box[side]) != value:
                box[side] = msgspec.Raw(f"{value!r}".removesuffix(".0").encode())
    new_names = {attribute: CANONICAL, attribute + METADATA: CANONICAL + METADATA}
    if attribute != CANONICAL:
        kept = _free_name(fields)
        new_names |= {CANONICAL: kept, CANONICAL + METADATA: kept + METADATA}
    line: dict[str, Any] = {new_names.get(name, name): value for name, value in fields.items()}
    line[CANONICAL] = {**label, "annotations": written}
    line[CANONICAL + METADATA] = {**metadata, "class-map": classes.class_map}
    return msgspec.json.encode(line)


def _free_name(fields: dict[str, msgspec.Raw]) -> str:
    name = f"original-{CANONICAL}"
    while name in fields or name + METADATA in fields:
        name = f"original-{name}"
    return name
