"""Which label attributes a manifest holds, and which one is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from groundloop.errors import UserError
from groundloop.labels.label_types import DETECTION_TYPE, label_type_of, remedy
from groundloop.labels.line_reader import MAX_LINE_BYTES

CANONICAL = "bounding-box"
"""The label attribute that every prepared manifest uses."""

METADATA = "-metadata"

AUTO = "auto"
"""In place of a label attribute, format or name: the only candidate there is."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True)
class Attributes:
    """What label attributes were seen.

    Attributes:
        detection: lines by attribute that holds bounding boxes.
        other: labelling type by attribute that holds something else, such as `groundtruth/image-classification`.
    """

    detection: Counter[str] = field(default_factory=Counter)
    other: dict[str, str] = field(default_factory=dict)


def find_attributes(lines: Iterable[bytes]) -> Attributes:
    """Look at every line, because a line may lack the label (not labelled yet) or hold more than others (adjusted).

    A detection attribute is one whose metadata has the type of Ground Truth's bounding box jobs or, where the type or
    all metadata is missing, whose value is an object with `annotations`. Lines that are not JSON objects are passed
    over: the reader reports them.
    """
    found = Attributes()
    for line in lines:
        for name, kind in label_types_in(line):
            if kind == DETECTION_TYPE:
                found.detection[name] += 1
            else:
                found.other.setdefault(name, kind)
    return found


def label_types_in(line: bytes) -> list[tuple[str, str]]:
    """Label attributes of one line with their labelling types; those whose type nothing tells are left out."""
    if len(line) > MAX_LINE_BYTES:
        return []
    try:
        fields = _FIELDS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    kinds: list[tuple[str, str]] = []
    for name in _label_names(fields):
        metadata = fields.get(name + METADATA)
        kind = label_type_of(metadata) if metadata is not None else ""
        if not kind and _holds_boxes(fields.get(name)):
            kind = DETECTION_TYPE
        if kind:
            kinds.append((name, kind))
    return kinds


def choose_attribute(found: Attributes) -> str:
    """The one detection attribute; `bounding-box` when no line names any label at all (the reader says what is wrong).

    Raises:
        UserError: several candidates, or labels of other kinds only.
    """
    if len(found.detection) > 1:
        candidates = ", ".join(f"{name} ({n} lines)" for name, n in found.detection.most_common())
        raise UserError(
            f"the manifest holds {len(found.detection)} label attributes with boxes: {candidates}; "
            "say which one to use with --label-attribute (in a pipeline: the label attribute in the config)"
        )
    if found.detection:
        return next(iter(found.detection))
    if found.other:
        others = ", ".join(f"{name} ({kind})" for name, kind in found.other.items())
        remedies = "; ".join(dict.fromkeys(remedy(kind) for kind in found.other.values()))
        raise UserError(f"the manifest holds no bounding boxes but other labels: {others}; {remedies}")
    return CANONICAL


def _label_names(fields: dict[str, msgspec.Raw]) -> Iterable[str]:
    with_metadata = [key.removesuffix(METADATA) for key in fields if key.endswith(METADATA)]
    bare = [key for key, value in fields.items() if key + METADATA not in fields and _holds_boxes(value)]
    return (name for name in (*with_metadata, *bare) if name and name != "source-ref")


def _holds_boxes(value: msgspec.Raw | None) -> bool:
    if value is None:
        return False
    try:
        return "annotations" in _FIELDS.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
