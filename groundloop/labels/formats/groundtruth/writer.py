"""Writer of Ground Truth manifests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import CANONICAL, METADATA
from groundloop.labels.classes import ClassList
from groundloop.labels.findings import Severity
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage, as_json_number
from groundloop.labels.formats.disk import write_file
from groundloop.labels.label_types import DETECTION_TYPE
from groundloop.labels.manifest import ManifestReader

# The API's pattern, and the suffixes that mean something else.
_ATTRIBUTE = re.compile(r"(?!.*-(?:metadata|ref)$)[a-zA-Z0-9](-*[a-zA-Z0-9]){0,126}")


def as_groundtruth(dataset: LabelledDataset, path: Path, label_attribute: str = CANONICAL) -> list[str]:
    """Write a manifest whose images are S3 URIs.

    Returns:
        Notes on what the format could not hold: none.

    Raises:
        UserError: sizes or URIs are missing, a name does not fit the format, or the file already exists.
    """
    write_file(path, manifest(dataset, label_attribute, confidence=0, target="Ground Truth", created=now()))
    return []


def manifest(
    dataset: LabelledDataset, label_attribute: str, confidence: int, target: str, created: str | None = None
) -> bytes:
    """Return the lines of a manifest.

    Args:
        confidence: of every box that has none: 0 is Ground Truth's for the work of one person, 1 Rekognition's.
        target: the format's name, for messages.
        created: the labels' date, ISO 8601; None leaves it out, and equal data sets give equal bytes.

    Raises:
        UserError: sizes or URIs are missing, or a name does not fit the format.
    """
    if not _ATTRIBUTE.fullmatch(label_attribute):
        raise UserError(
            f"--label-attribute {label_attribute!r} cannot name a label: letters, digits and inner hyphens, at most "
            "127, and no -metadata or -ref at the end"
        )
    dataset.require_sizes(target)
    class_map = ClassList(dataset.classes).class_map
    ids = {name: int(number) for number, name in class_map.items()}
    metadata = {
        "class-map": class_map,
        "type": DETECTION_TYPE,
        "human-annotated": "yes",
        **({} if created is None else {"creation-date": created}),
        "job-name": "labeling-job/converted",
    }
    lines = [
        msgspec.json.encode(
            {
                "source-ref": image.name,
                label_attribute: _label(image, ids),
                label_attribute + METADATA: {"objects": _objects(image, confidence), **metadata},
            }
        )
        for image in dataset.images
    ]
    _check(dataset.images, lines, label_attribute)
    return b"".join(line + b"\n" for line in lines)


def now() -> str:
    """Return the date as Ground Truth writes it: UTC without an offset, with microseconds."""
    return datetime.now(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds")


def _objects(image: LabelledImage, confidence: int) -> list[dict[str, float]]:
    return [{"confidence": one} for one in image.confidences or [confidence] * len(image.boxes)]


def _label(image: LabelledImage, ids: Mapping[str, int]) -> dict[str, object]:
    return {
        # Ground Truth writes a depth of 3 for every image.
        "image_size": [{"width": image.width, "height": image.height, "depth": 3}],
        "annotations": [
            {
                "class_id": ids[box.class_name],
                "left": as_json_number(box.left),
                "top": as_json_number(box.top),
                "width": as_json_number(box.width),
                "height": as_json_number(box.height),
            }
            for box in image.boxes
        ],
    }


def _check(images: Iterable[LabelledImage], lines: Iterable[bytes], label_attribute: str) -> None:
    """Check that what is written can be read: our own reader knows every rule of the format."""
    reader = ManifestReader(label_attribute)
    for number, (image, line) in enumerate(zip(images, lines, strict=True), start=1):
        for finding in reader.read_line(number, line).findings:
            if finding.severity is Severity.ERROR:
                raise UserError(f"the image {image.name} does not fit a manifest: {finding.message}")
