"""Reader of Ground Truth manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import AUTO, METADATA, choose_attribute, find_attributes
from groundloop.labels.class_maps import class_map_of, order_of_classes
from groundloop.labels.duplicates import one_line_per_image
from groundloop.labels.findings import LabelCode, Severity
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.manifest import ManifestReader, open_manifest, raw_lines
from groundloop.labels.records import Line, LineStatus, Record
from groundloop.suggestions import first_of

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def from_groundtruth(path: Path, label_attribute: str = AUTO) -> LabelledDataset:
    """Read a manifest, plain or gzip.

    Args:
        label_attribute: `auto`: the only one with boxes that there is.

    Raises:
        UserError: the file cannot be read, holds no labelled image, or several label attributes.
    """
    if label_attribute == AUTO:
        with open_manifest(path) as stream:
            label_attribute = choose_attribute(find_attributes(raw_lines(stream)))
    with open_manifest(path) as stream:
        lines = list(one_line_per_image(list(ManifestReader(label_attribute).read(stream))))
    usable = [(line, line.record) for line in lines if line.record]
    unused = _unused(lines)
    if not usable:
        why = f": {unused[0]}" if unused else ""
        raise UserError(f"{path}: no line holds labels that can be used{why}; see groundloop labels check")
    images = tuple(LabelledImage(record.source_ref, record.width, record.height, record.boxes) for _, record in usable)
    classes, conflict = _classes(label_attribute, usable)
    return LabelledDataset(
        images,
        classes,
        (*unused, *conflict, *_not_kept(usable, label_attribute), *_clipped(usable)),
        on_stored_pixels=True,
    )


def _classes(attribute: str, usable: Sequence[tuple[Line, Record]]) -> tuple[tuple[str, ...], list[str]]:
    valid = {name for _, record in usable for name in record.class_names}
    return order_of_classes(((line.number, class_map_of(line.raw, attribute)) for line, _ in usable), valid)


def _unused(lines: Sequence[Line]) -> list[str]:
    unused = [line for line in lines if line.record is None and line.status is not LineStatus.BLANK]
    if not unused:
        return []
    counts = Counter(line.status.value for line in unused)
    first = next((line for line in unused if line.status is LineStatus.REJECTED), unused[0])
    statuses = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    errors = [finding for finding in first.findings if finding.severity is Severity.ERROR]
    why = next(finding.message for finding in errors or first.findings)
    return [f"{len(unused)} of {len(lines)} lines are not used ({statuses}); line {first.number}: {why}"]


def _not_kept(usable: Sequence[tuple[Line, Record]], attribute: str) -> list[str]:
    others = {key for line, _ in usable for key in _FIELDS.decode(line.raw)}
    others -= {"source-ref", attribute, attribute + METADATA}
    auto_labelled = sum(record.auto_labelled for _, record in usable)
    notes = ["not kept from the manifest: confidences, dates and job names"]
    if others:
        notes.append(f"not kept from the manifest: other keys of its lines ({first_of(sorted(others))})")
    if auto_labelled:
        notes.append(f"{auto_labelled} images were auto-labelled, and that is not kept")
    return notes


def _clipped(usable: Sequence[tuple[Line, Record]]) -> list[str]:
    lines = [line.number for line, _ in usable if any(one.code is LabelCode.BOX_CLIPPED for one in line.findings)]
    if not lines:
        return []
    return [f"boxes of {len(lines)} lines left their image and were clipped to it, first: line {lines[0]}"]
