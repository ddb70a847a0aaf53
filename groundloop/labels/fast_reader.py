"""The fast way to read a manifest line without findings, which is nearly every line.

`ManifestReader.read_line` is what decides on a line; it checks everything and can name every fault. The fast reader
takes a fraction of its time and says the same of a line without findings. On any other line it leaves the decision to
`ManifestReader` (tests compare the two, line by line).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple, Protocol, cast

import msgspec

from groundloop.labels.attribute_limits import MAX_ATTRIBUTE_LENGTH
from groundloop.labels.attributes import METADATA
from groundloop.labels.class_maps import MAX_CLASS_MAP_ENTRIES, MAX_CLASS_MAPS, MAX_CLASSES, is_class_id
from groundloop.labels.duplicate_keys import duplicate_key
from groundloop.labels.label_types import DETECTION_TYPE
from groundloop.labels.manifest import is_class_name
from groundloop.labels.training_requirements import MIN_BOX_SIDE

# Not looked at by Python's garbage collector: they hold no cycles, and there are ten of them a line.


class _Annotation(msgspec.Struct, gc=False):
    class_id: int
    left: float
    top: float
    width: float
    height: float


class _Size(msgspec.Struct, gc=False):
    width: int
    height: int
    depth: int | msgspec.UnsetType | None = msgspec.UNSET


class _Label(msgspec.Struct, gc=False):
    annotations: list[_Annotation]
    image_size: list[_Size]


class _Object(msgspec.Struct, gc=False):
    confidence: float


class _Metadata(msgspec.Struct, rename="kebab", gc=False):
    type: str
    class_map: msgspec.Raw
    objects: list[_Object]
    human_annotated: str | None = None
    creation_date: str | None = None
    job_name: str | None = None
    adjustment_status: str | None = None
    failure_reason: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Fields(Protocol):
    source_ref: str
    label: _Label
    metadata: _Metadata


# Quotes of the keys and texts that every line has: source-ref and its value, label, metadata; annotations, image_size;
# width, height; type and its value, class-map, objects.
_MIN_QUOTES = 8 + 4 + 4 + 8
_QUOTES_OF_A_BOX = 10 + 2  # and its confidence
_KEYS = {"source-ref", "annotations", "image_size", "class_id", "left", "top", "width", "height", "depth", "type"}
_KEYS |= {"class-map", "objects", "confidence", "human-annotated", "creation-date", "job-name", "adjustment-status"}
_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ClassMap:
    """One text of a class-map; a manifest has few different ones.

    Attributes:
        names: name by id, those only that a box may have.
        entries: id as text to name, as it stands in the line.
        all_names: every name a class can have, allowed or not.
        ids: those of names.
        is_valid: whether its keys differ.
        is_simple: whether the next bracket ends it, and its keys differ from all others in a line.
        quotes: in its text.
        first_line, lines, boxes, shown: for counting: the first line that has this map, how many have it, boxes by
            class id, and a number for each set of ids that a line has.
        tiny: of the boxes, those that are tiny, by class id.
        waiting, waiting_tiny: class ids of boxes that are not counted yet.
    """

    def __init__(self, text: bytes, allowed: Collection[str] | None) -> None:
        self.entries = entries = msgspec.json.decode(text, type=dict[str, str])
        self.all_names = tuple(name for name in entries.values() if is_class_name(name))
        self.names = {
            int(key): name
            for key, name in entries.items()
            # An id is looked up by its plain text: "01" is never found.
            if is_class_id(key) and key == str(int(key)) and is_class_name(name)
            if allowed is None or name in allowed
        }
        self.ids = frozenset(self.names)
        self.is_valid = duplicate_key(text) is None
        self.is_simple = text.count(b"}") == 1 and all(key.isascii() and key.isdigit() for key in entries)
        self.quotes = text.count(b'"')
        self.first_line = self.lines = 0
        self.boxes: Counter[int] = Counter()
        self.tiny: Counter[int] = Counter()
        self.waiting: list[int] = []
        self.waiting_tiny: list[int] = []
        self.shown: dict[frozenset[int], int] = {}

    def count(self) -> None:
        """Count the boxes that wait for it."""
        self.boxes.update(self.waiting)
        self.tiny.update(self.waiting_tiny)
        self.waiting.clear()
        self.waiting_tiny.clear()


class FastRecord(NamedTuple):
    """A line without findings.

    Attributes:
        class_ids: of its boxes, by its own map.
        shown: the different ones among them.
        tiny: class ids of the boxes too small at the network's input (`labels.training_requirements`).
        auto_labelled: see `Record`.
        fast_path: the line has no other keys than those known here, and no escapes: exchanging bytes is enough to
            rewrite it (`labels.canonical`).
    """

    source_ref: str
    class_map: ClassMap
    class_ids: list[int]
    shown: frozenset[int]
    tiny: list[int]
    auto_labelled: bool
    fast_path: bool


class FastLineReader:
    """Reads lines with one label attribute.

    Args:
        attribute, classes: as of `ManifestReader`.
        image_shape: pixels; the side of the square that training resizes images to.
    """

    def __init__(self, attribute: str, classes: Collection[str] | None, image_shape: int) -> None:
        self._allowed = None if classes is None else frozenset(classes)
        self._tiny_share = MIN_BOX_SIDE / image_shape
        self._is_new_key = attribute not in _KEYS
        fields = msgspec.defstruct(
            "Fields",
            [("source_ref", str), ("label", _Label), ("metadata", _Metadata)],
            rename={"source_ref": "source-ref", "label": attribute, "metadata": attribute + METADATA},
            gc=False,
        )
        self._decode = cast("msgspec.json.Decoder[_Fields]", msgspec.json.Decoder(fields)).decode
        self._maps: dict[bytes, ClassMap] = {}
        self._entries = 0

    @property
    def class_maps(self) -> Collection[ClassMap]:
        """Return all class-maps that were read."""
        return self._maps.values()

    def __call__(self, raw: bytes) -> FastRecord | None:
        """Read the line; None when it takes `ManifestReader` to decide on it."""
        if len(raw) > MAX_ATTRIBUTE_LENGTH:  # there is, or may be, a finding on its length
            return None
        try:
            if not raw.isascii():
                raw.decode()
            fields = self._decode(raw)
            metadata = fields.metadata
            class_map = self._map(bytes(metadata.class_map))
        except _ERRORS:
            return None
        if class_map is None:
            return None
        source_ref, label = fields.source_ref, fields.label
        boxes = label.annotations
        bucket_end = source_ref.find("/", 5)
        if (
            metadata.type != DETECTION_TYPE
            or metadata.failure_reason is not msgspec.UNSET
            or len(metadata.objects) != len(boxes)
            or not class_map.is_valid
            or len(label.image_size) != 1
            or not source_ref.startswith("s3://")
            or not 5 < bucket_end < len(source_ref) - 1
            or not ((only_known_keys := self._no_other_keys(raw, fields, class_map)) or duplicate_key(raw) is None)
        ):
            return None
        size = label.image_size[0]
        image_width, image_height = size.width, size.height
        if image_width < 1 or image_height < 1:
            return None
        class_ids = [box.class_id for box in boxes]
        shown = frozenset(class_ids)
        if not shown <= class_map.ids:
            return None
        min_width, min_height = self._tiny_share * image_width, self._tiny_share * image_height
        tiny: list[int] = []
        for box in boxes:
            width, height = box.width, box.height
            if not (0 <= box.left <= image_width - width and 0 <= box.top <= image_height - height):
                return None
            if width < min_width or height < min_height:
                if width <= 0 or height <= 0:
                    return None
                tiny.append(box.class_id)
        fast_path = only_known_keys and class_map.is_simple and self._is_new_key
        return FastRecord(source_ref, class_map, class_ids, shown, tiny, metadata.human_annotated == "no", fast_path)

    def _map(self, text: bytes) -> ClassMap | None:
        known = self._maps.get(text)
        if known is None and len(self._maps) < MAX_CLASS_MAPS and self._entries < MAX_CLASS_MAP_ENTRIES:
            known = ClassMap(text, self._allowed)
            if len(known.entries) > MAX_CLASSES:
                return None
            self._maps[text] = known
            self._entries += len(known.entries)
        return known

    def _no_other_keys(self, raw: bytes, fields: _Fields, class_map: ClassMap) -> bool:
        """Return whether the line has the keys that were decoded and no other, so that none of them can appear twice.

        Keys and texts are counted by their quotes. Behind a backslash a quote would be part of a text; a line with one
        is not counted.
        """
        metadata, sizes = fields.metadata, fields.label.image_size
        quotes = _MIN_QUOTES + class_map.quotes + _QUOTES_OF_A_BOX * len(fields.label.annotations)
        if metadata.human_annotated is not None:
            quotes += 4
        if metadata.creation_date is not None:
            quotes += 4
        if metadata.job_name is not None:
            quotes += 4
        if metadata.adjustment_status is not None:
            quotes += 4
        if sizes and sizes[0].depth is not msgspec.UNSET:
            quotes += 2
        return raw.count(b'"') == quotes and b"\\" not in raw
