"""Writing manifest lines for training: one label attribute, one class list, everything else as it was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from groundloop.labels.attributes import CANONICAL, METADATA
from groundloop.labels.class_maps import MAX_CLASS_MAP_ENTRIES, MAX_CLASS_MAPS
from groundloop.labels.classes import ClassList
from groundloop.labels.findings import LabelCode
from groundloop.labels.records import Box, Line

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BOXES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_COUNTED = msgspec.json.Decoder(list[msgspec.Raw])
_CLASS_MAP = msgspec.json.Decoder(dict[str, str])
_CLASS_ID = msgspec.json.Decoder(int | str)
_NUMBER = msgspec.json.Decoder(float)
# In a text it would stand behind a backslash. A number that goes on (1.0, 1e0) is none of these.
_WRITTEN_ID = re.compile(rb'("class_id"\s*:\s*)(\d+)(?=\s*[,}])')
_CHANGED = frozenset({LabelCode.BOX_CLIPPED, LabelCode.TEXT_CLASS_ID})
_NO_MAP = b"{}"
_MAP_KEY, _ID_KEY = b'"class-map":', b'"class_id":'
_NEW_LABEL, _NEW_METADATA = (f'"{name}":'.encode() for name in (CANONICAL, CANONICAL + METADATA))


def changed_boxes(line: Line) -> tuple[Box, ...] | None:
    """Return the boxes of a usable line where the reader changed them from what the line says; else None."""
    if line.record is not None and any(finding.code in _CHANGED for finding in line.findings):
        return line.record.boxes
    return None


class Canonicaliser:
    """Rewrites accepted lines with the label attribute `bounding-box` and the ids of one class list.

    Values that need no change are copied byte for byte (number text such as `0.60` stays), keys keep their order, and
    a line that already is as it should be comes back unchanged. Another attribute that holds the name `bounding-box`
    is kept as `original-bounding-box`.

    Args:
        attribute: the label attribute that the lines were read with.
        classes: holds every class that their boxes use.
    """

    def __init__(self, attribute: str, classes: ClassList) -> None:
        self._attribute = attribute
        self._classes = classes
        self._class_map_text = msgspec.json.encode(classes.class_map)
        self._class_map = msgspec.Raw(self._class_map_text)
        self._label, self._metadata = (f'"{name}":'.encode() for name in (attribute, attribute + METADATA))
        self._new_names = {attribute: CANONICAL, attribute + METADATA: CANONICAL + METADATA}
        self._remembered: dict[bytes, _Ids] = {}
        self._entries = 0

    def __call__(self, raw: bytes, boxes: Sequence[Box] | None = None) -> bytes:
        """Rewrite one line.

        Args:
            raw: a line that `labels.manifest` accepted, without line ending.
            boxes: as they are to be used, where that differs from the line, see `changed_boxes`.

        Returns:
            The line without line ending.
        """
        fields: dict[str, Any] = _FIELDS.decode(raw)
        attribute = self._attribute
        metadata: dict[str, Any] = _FIELDS.decode(fields[attribute + METADATA])
        ids = self._ids(bytes(metadata.get("class-map", _NO_MAP)))
        if boxes is None and ids.as_listed and attribute == CANONICAL:
            return raw
        metadata["class-map"] = self._class_map
        fields[attribute + METADATA] = metadata
        if boxes is not None or not ids.stay:
            label: dict[str, Any] = _FIELDS.decode(fields[attribute])
            label["annotations"] = _annotations(label["annotations"], ids, boxes)
            fields[attribute] = label
        if attribute == CANONICAL:
            return msgspec.json.encode(fields)
        new_names = self._new_names
        if CANONICAL in fields or CANONICAL + METADATA in fields:
            kept = _free_name(fields)
            new_names = new_names | {CANONICAL: kept, CANONICAL + METADATA: kept + METADATA}
        return msgspec.json.encode({new_names.get(name, name): value for name, value in fields.items()})

    def rewrite_fast(self, raw: bytes) -> bytes:
        """Rewrite a line that has `FastRecord.fast_path`, in a third of the time.

        Such a line has each key once, as a key only, so that values are found by their keys' names. White space inside
        the line stays.
        """
        at = raw.rfind(_MAP_KEY)
        metadata = raw.rfind(self._metadata, 0, at) if at > 0 else -1
        label = raw.find(self._label, 0, metadata) if metadata > 0 else -1
        if label < 0:  # space before a colon, or the label behind its metadata
            return self(raw)
        begin = raw.index(b"{", at)
        end = raw.index(b"}", begin) + 1
        ids = self._ids(raw[begin:end])
        if self._attribute == CANONICAL and ids.as_listed:
            return raw
        boxes = raw[label + len(self._label) : metadata]
        if not ids.stay:
            parts = boxes.split(_ID_KEY)
            try:
                for index in range(1, len(parts)):
                    old, _, rest = parts[index].partition(b",")
                    parts[index] = ids.keyed[old] + rest
            except KeyError:  # space around an id, or a box that ends with it
                return self(raw)
            boxes = b"".join(parts)
        between = raw[metadata + len(self._metadata) : begin]
        return b"".join((raw[:label], _NEW_LABEL, boxes, _NEW_METADATA, between, self._class_map_text, raw[end:]))

    def _ids(self, text: bytes) -> _Ids:
        known = self._remembered.get(text)
        if known is None:
            known = _Ids(text, self._classes)
            if len(self._remembered) < MAX_CLASS_MAPS and self._entries < MAX_CLASS_MAP_ENTRIES:
                self._remembered[text] = known
                self._entries += text.count(b":")
        return known


class _Ids:
    """What the ids of one class-map become.

    Attributes:
        new: the id in the class list by the map's id, both as JSON text; of listed classes only.
        keyed: the same with the key before it and the comma behind.
        stay: no id changes.
        as_listed: the map is that of the class list.
    """

    def __init__(self, text: bytes, classes: ClassList) -> None:
        entries = _CLASS_MAP.decode(text)
        self.new = {
            key.encode(): str(classes.ids[name]).encode() for key, name in entries.items() if name in classes.ids
        }
        self.keyed = {old: _ID_KEY + new + b"," for old, new in self.new.items()}
        self.stay = all(old == new for old, new in self.new.items())
        self.as_listed = entries == classes.class_map


def _annotations(written: msgspec.Raw, ids: _Ids, boxes: Sequence[Box] | None) -> Any:
    """Return the label's boxes with new ids and, where given, new sides."""
    if boxes is None:
        # Only the ids' text is exchanged; where the ids can't be found that easily, the boxes are decoded below.
        parts = _WRITTEN_ID.split(bytes(written))
        if len(parts) // 3 == len(_COUNTED.decode(written)):
            parts[2::3] = [ids.new[part] for part in parts[2::3]]
            return msgspec.Raw(b"".join(parts))
    items = _BOXES.decode(written)
    for item in items:
        item["class_id"] = msgspec.Raw(ids.new[str(_CLASS_ID.decode(item["class_id"])).encode()])
    for item, used in zip(items, boxes or (), strict=boxes is not None):
        for side in ("left", "top", "width", "height"):
            value = getattr(used, side)
            if _NUMBER.decode(item[side]) != value:
                item[side] = msgspec.Raw(f"{value!r}".removesuffix(".0").encode())
    return items


def _free_name(fields: dict[str, Any]) -> str:
    name = f"original-{CANONICAL}"
    while name in fields or name + METADATA in fields:
        name = f"original-{name}"
    return name
