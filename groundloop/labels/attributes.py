"""The label attributes of a manifest, and which one to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from groundloop.errors import UserError
from groundloop.labels.label_types import DETECTION_TYPE, label_type_of, remedy
from groundloop.labels.line_reader import MAX_LINE_BYTES
from groundloop.suggestions import first_of

CANONICAL = "bounding-box"
"""The label attribute that every prepared manifest uses."""

METADATA = "-metadata"

AUTO = "auto"
"""In place of a label attribute, format or name: the only candidate there is."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True)
class Attributes:
    """The label attributes of some lines.

    Attributes:
        detection: lines by attribute that holds bounding boxes.
        other: labelling type by attribute that holds something else, such as `groundtruth/image-classification`.
    """

    detection: Counter[str] = field(default_factory=Counter)
    other: dict[str, str] = field(default_factory=dict)


def find_attributes(lines: Iterable[bytes]) -> Attributes:
    """Collect the label attributes of all lines.

    Every line counts, because a line may lack the label (not labelled yet) or have more than others (adjusted). A
    detection attribute is one whose metadata has the type of Ground Truth's bounding box jobs or, where the type or
    all metadata is missing, whose value is an object with `annotations`. Lines that are not JSON objects are passed
    over: the reader reports them.
    """
    attributes = Attributes()
    for line in lines:
        for name, label_type in label_types_in(line):
            if label_type == DETECTION_TYPE:
                attributes.detection[name] += 1
            else:
                attributes.other.setdefault(name, label_type)
    return attributes


def label_types_in(line: bytes) -> list[tuple[str, str]]:
    """Return the label attributes of one line with their labelling types; those of unknown type are left out."""
    if len(line) > MAX_LINE_BYTES:
        return []
    try:
        fields = _FIELDS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    label_types: list[tuple[str, str]] = []
    for name in _label_names(fields):
        metadata = fields.get(name + METADATA)
        label_type = label_type_of(metadata) if metadata is not None else ""
        if not label_type and _holds_boxes(fields.get(name)):
            label_type = DETECTION_TYPE
        if label_type:
            label_types.append((name, label_type))
    return label_types


def choose_attribute(attributes: Attributes) -> str:
    """Return the only detection attribute, or `bounding-box` when no line has a label at all.

    Raises:
        UserError: there are several candidates, or labels of other types only.
    """
    if len(attributes.detection) > 1:
        candidates = first_of([f"{name} ({n} lines)" for name, n in attributes.detection.most_common()])
        raise UserError(
            f"the manifest holds {len(attributes.detection)} label attributes with boxes: {candidates}; "
            "choose one with --label-attribute (in a pipeline: the label attribute in the config)"
        )
    if attributes.detection:
        return next(iter(attributes.detection))
    if attributes.other:
        others = first_of([f"{name} ({label_type})" for name, label_type in attributes.other.items()])
        remedies = "; ".join(islice(dict.fromkeys(remedy(label_type) for label_type in attributes.other.values()), 3))
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
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
