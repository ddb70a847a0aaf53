"""Which lines of a training job's manifests a failure may come from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from groundloop.executions.known_failures import Look
from groundloop.spec.object_detection import label_size

_SHOWN = 5
_NO_BOX = "has no box"
_COUNTED = ("num_training_samples", "mini_batch_size")
_NUMBERS = ("class_id", "left", "top", "width", "height")
_SETTINGS = {
    "ContentType": "application/x-recordio",
    "RecordWrapperType": "RecordIO",
    "InputMode": "Pipe",
}


@dataclass(frozen=True)
class Evidence:
    """Something to look at. ``source_ref`` is the image of a line, with which the line can be found elsewhere too."""

    text: str
    source_ref: str = ""


@dataclass(frozen=True)
class ManifestLine:
    """A line as training reads it: its number (from 1), image, boxes, and what is wrong with it."""

    number: int
    source_ref: str
    boxes: int
    problem: str


def channel_faults(channel: dict[str, Any]) -> list[Evidence]:
    """What in a channel of CreateTrainingJob the built-in algorithm cannot work with."""
    name = channel["ChannelName"]
    faults = [
        Evidence(f"channel {name}: {member} is {channel.get(member) or 'not set'}, it has to be {wanted}")
        for member, wanted in _SETTINGS.items()
        if channel.get(member) != wanted
    ]
    names = attribute_names(channel)
    if len(names) != 2 or names[0] != "source-ref":
        faults.append(
            Evidence(
                f"channel {name}: AttributeNames is {json.dumps(names)}, it has to be [source-ref, label attribute]"
            )
        )
    return faults


def attribute_names(channel: dict[str, Any]) -> list[str]:
    """AttributeNames of a channel, empty if it has none."""
    return list(channel.get("DataSource", {}).get("S3DataSource", {}).get("AttributeNames", []))


def read_lines(content: Iterable[bytes], attributes: list[str]) -> Iterator[ManifestLine]:
    """The lines of an augmented manifest, blank ones included.

    Args:
        attributes: the channel's AttributeNames.
    """
    for number, raw in enumerate(content, 1):
        yield _line(number, raw, attributes)


def _line(number: int, raw: bytes, attributes: list[str]) -> ManifestLine:
    if not raw.strip():
        return ManifestLine(number, "", 0, "is blank")
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return ManifestLine(number, "", 0, "is not JSON")
    if not isinstance(record, dict):
        return ManifestLine(number, "", 0, "is not a JSON object")
    reference = record.get("source-ref")
    source_ref = reference if isinstance(reference, str) else ""
    if missing := [name for name in attributes if name not in record]:
        return ManifestLine(number, source_ref, 0, f"lacks {' and '.join(missing)}")
    label = record.get(next((name for name in reversed(attributes) if name != "source-ref"), ""))
    boxes = label.get("annotations") if isinstance(label, dict) else None
    if not isinstance(boxes, list):
        return ManifestLine(number, source_ref, 0, "has a label without a list of annotations")
    faulty = next((box for box in boxes if not _is_box(box)), None)
    problem = f"has a box without its five numbers: {json.dumps(faulty)[:80]}" if faulty is not None else ""
    if not problem and not source_ref.startswith("s3://"):
        problem = "has no S3 URI as source-ref"
    return ManifestLine(number, source_ref, len(boxes), problem or ("" if boxes else _NO_BOX))


def _is_box(box: Any) -> bool:
    return isinstance(box, dict) and all(
        isinstance(box.get(key), int | float) and math.isfinite(box[key]) for key in _NUMBERS
    )


def find_evidence(
    look: Look, channel: str, name: str, lines: list[ManifestLine], hyperparameters: dict[str, str]
) -> list[Evidence]:
    """What to look at in one manifest; empty when nothing there fits the failure.

    Args:
        channel: ``train`` or ``validation``.
        name: the manifest's, as messages give it.
        hyperparameters: of the training job.
    """
    if channel != "train":  # images without objects belong to evaluation
        lines = [line for line in lines if line.problem != _NO_BOX]
    if look is Look.BOXES:
        return _too_many_boxes(name, lines, hyperparameters)
    if look is Look.COUNT:
        return [*_counts(name, lines, hyperparameters), *_faulty(name, lines)]
    if look is Look.LINES:
        return _faulty(name, lines)
    return []


def _too_many_boxes(name: str, lines: list[ManifestLine], hyperparameters: dict[str, str]) -> list[Evidence]:
    text = hyperparameters.get("label_width", "350")
    if not text.isdecimal():
        return [Evidence(f"label_width is {text!r}, which is no number")]
    width = int(text)
    ranked = sorted((line for line in lines if line.boxes), key=lambda line: -line.boxes)
    over = [line for line in ranked if label_size(line.boxes) > width]
    shown = [
        Evidence(
            f"{name} line {line.number}: {line.boxes} boxes need label_width {label_size(line.boxes)}, it is {width}",
            line.source_ref,
        )
        for line in over[:_SHOWN]
    ]
    if len(over) > _SHOWN:
        shown.append(Evidence(f"{name}: {len(over) - _SHOWN} more lines need more than {width}"))
    if not over and ranked:
        most = ranked[0]
        shown.append(Evidence(f"{name}: no line needs more than {width}; most boxes: line {most.number}, {most.boxes}"))
    return shown


def _counts(name: str, lines: list[ManifestLine], hyperparameters: dict[str, str]) -> list[Evidence]:
    usable = sum(not line.problem or line.problem == _NO_BOX for line in lines)
    told = [f"{name}: {usable} usable lines of {len(lines)}"]
    told += [f"{key} is {hyperparameters[key]}" for key in _COUNTED if key in hyperparameters]
    return [Evidence(", ".join(told))]


def _faulty(name: str, lines: list[ManifestLine]) -> list[Evidence]:
    faulty = [line for line in lines if line.problem]
    # What cannot be used at all before what only has no objects in it.
    faulty.sort(key=lambda line: line.problem == _NO_BOX)
    shown = [Evidence(f"{name} line {line.number} {line.problem}", line.source_ref) for line in faulty[:_SHOWN]]
    if len(faulty) > _SHOWN:
        shown.append(Evidence(f"{name}: {len(faulty) - _SHOWN} more such lines"))
    return shown
