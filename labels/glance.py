"""The quick way to read a manifest line that nothing is wrong with, which is nearly every line.

`ManifestReader.read_line` is what decides on a line; it looks at everything and can name every fault. A glance takes a
fraction of its time and says the same of a line without findings. Of any other line it says nothing, and the reader has
to look (tests hold the two to that, line by line).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple, Protocol, cast

import msgspec

from labels.advice import SMALLEST_SIDE
from labels.attributes import METADATA
from labels.duplicate_keys import duplicate_key
from labels.kinds import DETECTION_TYPE
from labels.lines import LONGEST_LINE
from labels.manifest import is_class_name

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


# source-ref, label, metadata; annotations, image_size; width, height; type, class-map, objects
_SURE_KEYS = 3 + 2 + 2 + 3
_KEYS_OF_A_BOX = 5 + 1  # and its confidence
# A manifest with more different maps than any labelling job makes must not fill the memory with them.
_MOST_MAPS = 20_000
_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ClassMap:
    """One text of a class-map; a manifest has few different ones.

    Attributes:
        names: name by id, those only that a box may have.
        all_names: every name a class can have, allowed or not.
        sound: whether its keys differ.
        colons: in its text.
        lines, boxes, shown: for those who count: lines that have this map, boxes by class id, and what stands for each
            set of ids that a line shows.
    """

    def __init__(self, text: bytes, allowed: Collection[str] | None) -> None:
        entries = msgspec.json.decode(text, type=dict[str, str])
        self.all_names = tuple(name for name in entries.values() if is_class_name(name))
        self.names = {
            int(key): name
            for key, name in entries.items()
            # An id is looked up by its plain text: "01" is never found.
            if key.isascii() and key.isdigit() and key == str(int(key)) and is_class_name(name)
            if allowed is None or name in allowed
        }
        self.sound = duplicate_key(text) is None
        self.colons = text.count(b":")
        self.lines = 0
        self.boxes: Counter[int] = Counter()
        self.shown: dict[frozenset[int], int] = {}


class Glance(NamedTuple):
    """A line without findings.

    Attributes:
        class_ids: of its boxes, by its own map.
        shown: the different ones among them.
        tiny: class ids of the boxes too small at the network's input (`labels.advice`).
        machine_labelled: see `Record`.
    """

    source_ref: str
    class_map: ClassMap
    class_ids: list[int]
    shown: frozenset[int]
    tiny: list[int]
    machine_labelled: bool


class Glancer:
    """Reads lines with one label attribute.

    Args:
        attribute, classes: as of `ManifestReader`.
        image_shape: pixels; the side of the square that training resizes images to.
    """

    def __init__(self, attribute: str, classes: Collection[str] | None, image_shape: int) -> None:
        self._allowed = None if classes is None else frozenset(classes)
        self._tiny_share = SMALLEST_SIDE / image_shape
        self._key_colons = 2 * attribute.count(":")
        fields = msgspec.defstruct(
            "Fields",
            [("source_ref", str), ("label", _Label), ("metadata", _Metadata)],
            rename={"source_ref": "source-ref", "label": attribute, "metadata": attribute + METADATA},
            gc=False,
        )
        self._decode = cast("msgspec.json.Decoder[_Fields]", msgspec.json.Decoder(fields)).decode
        self._maps: dict[bytes, ClassMap] = {}

    @property
    def class_maps(self) -> Collection[ClassMap]:
        """All that were seen."""
        return self._maps.values()

    def __call__(self, raw: bytes) -> Glance | None:
        """What the line says, or None when it takes a closer look to tell."""
        if len(raw) > LONGEST_LINE:
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
            or not class_map.sound
            or len(label.image_size) != 1
            or not source_ref.startswith("s3://")
            or not 5 < bucket_end < len(source_ref) - 1
            or not (self._keys_add_up(raw, fields, class_map) or duplicate_key(raw) is None)
        ):
            return None
        size = label.image_size[0]
        image_width, image_height = size.width, size.height
        if image_width < 1 or image_height < 1:
            return None
        class_ids = [box.class_id for box in boxes]
        shown = frozenset(class_ids)
        if not shown <= class_map.names.keys():
            return None
        narrowest, lowest = self._tiny_share * image_width, self._tiny_share * image_height
        tiny: list[int] = []
        for box in boxes:
            left, top, width, height = box.left, box.top, box.width, box.height
            if left < 0 or top < 0 or left + width > image_width or top + height > image_height:
                return None
            if width < narrowest or height < lowest:
                if width <= 0 or height <= 0:
                    return None
                tiny.append(box.class_id)
        return Glance(source_ref, class_map, class_ids, shown, tiny, metadata.human_annotated == "no")

    def _map(self, text: bytes) -> ClassMap | None:
        known = self._maps.get(text)
        if known is None and len(self._maps) < _MOST_MAPS:
            known = self._maps[text] = ClassMap(text, self._allowed)
        return known

    def _keys_add_up(self, raw: bytes, fields: _Fields, class_map: ClassMap) -> bool:
        """Whether the line has the keys that were decoded and no other, so that none of them can stand twice.

        Keys are counted by their colons, less the colons in texts. Backslashes could hide a colon; a line with one is
        not counted.
        """
        metadata, label = fields.metadata, fields.label
        colons = self._key_colons + class_map.colons + fields.source_ref.count(":")
        keys = _SURE_KEYS + _KEYS_OF_A_BOX * len(label.annotations)
        if label.image_size and label.image_size[0].depth is not msgspec.UNSET:
            keys += 1
        for text in (
            metadata.human_annotated,
            metadata.creation_date,
            metadata.job_name,
            metadata.adjustment_status,
        ):
            if text is not None:
                keys += 1
                colons += text.count(":")
        return raw.count(b":") == keys + colons and b"\\" not in raw
