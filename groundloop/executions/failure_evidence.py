"""Find the manifest lines and channel settings of a training job that may have caused its failure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from groundloop.executions.known_failures import EvidenceSource
from groundloop.labels.attributes import CANONICAL
from groundloop.labels.manifest import ManifestReader, raw_lines
from groundloop.labels.records import TrainingLine
from groundloop.spec.object_detection import label_size

_MAX_SHOWN = 5
_COUNTED = ("num_training_samples", "mini_batch_size")
_SETTINGS = {
    "ContentType": "application/x-recordio",
    "RecordWrapperType": "RecordIO",
    "InputMode": "Pipe",
}


@dataclass(frozen=True)
class Evidence:
    """A possible cause of a failure.

    Attributes:
        text: what it is and where.
        source_ref: the image of the manifest line, by which the line can be found in other manifests; empty if the
            evidence is not about one line.
    """

    text: str
    source_ref: str = ""


def channel_faults(channel: dict[str, Any]) -> list[Evidence]:
    """Return the settings of a channel of CreateTrainingJob that the built-in algorithm does not support."""
    name = channel["ChannelName"]
    faults = [
        Evidence(f"channel {name}: {member} is {channel.get(member) or 'not set'}, it has to be {expected}")
        for member, expected in _SETTINGS.items()
        if channel.get(member) != expected
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
    """Return the AttributeNames of a channel; empty if it has none."""
    return list(channel.get("DataSource", {}).get("S3DataSource", {}).get("AttributeNames", []))


def read_lines(content: Iterable[bytes], attributes: list[str]) -> Iterator[TrainingLine]:
    """Read the lines of an augmented manifest as training does, blank ones included.

    Args:
        content: the manifest's lines.
        attributes: the channel's AttributeNames.
    """
    reader = ManifestReader(next((name for name in reversed(attributes) if name != "source-ref"), CANONICAL))
    for number, raw in enumerate(raw_lines(content), start=1):
        yield reader.read_training_line(number, raw)


def find_evidence(
    source: EvidenceSource, channel: str, name: str, lines: list[TrainingLine], hyperparameters: dict[str, str]
) -> list[Evidence]:
    """Return evidence for a failure in one manifest; empty if there is none.

    Args:
        source: where to search.
        channel: `train` or `validation`.
        name: name of the manifest in messages.
        lines: the manifest's lines.
        hyperparameters: those of the training job.
    """
    if channel != "train":  # validation may have images without objects
        lines = [line for line in lines if line.boxes or line.problem]
    if source is EvidenceSource.BOXES:
        return _too_many_boxes(name, lines, hyperparameters)
    if source is EvidenceSource.COUNT:
        return [*_counts(name, lines, hyperparameters), *_faulty(name, lines)]
    if source is EvidenceSource.LINES:
        return _faulty(name, lines)
    return []


def _too_many_boxes(name: str, lines: list[TrainingLine], hyperparameters: dict[str, str]) -> list[Evidence]:
    text = hyperparameters.get("label_width", "350")
    if not text.isdecimal():
        return [Evidence(f"label_width is {text!r}, which is not a number")]
    width = int(text)
    ranked = sorted((line for line in lines if line.boxes), key=lambda line: -line.boxes)
    over = [line for line in ranked if label_size(line.boxes) > width]
    shown = [
        Evidence(
            f"{name} line {line.number}: {line.boxes} boxes need label_width {label_size(line.boxes)}, it is {width}",
            line.source_ref,
        )
        for line in over[:_MAX_SHOWN]
    ]
    if len(over) > _MAX_SHOWN:
        shown.append(Evidence(f"{name}: {len(over) - _MAX_SHOWN} more lines need more than {width}"))
    if not over and ranked:
        most = ranked[0]
        shown.append(Evidence(f"{name}: no line needs more than {width}; most boxes: line {most.number}, {most.boxes}"))
    return shown


def _counts(name: str, lines: list[TrainingLine], hyperparameters: dict[str, str]) -> list[Evidence]:
    usable = sum(not line.problem for line in lines)
    parts = [f"{name}: {usable} usable lines of {len(lines)}"]
    parts += [f"{key} is {hyperparameters[key]}" for key in _COUNTED if key in hyperparameters]
    shown = [Evidence(", ".join(parts))]
    batch = hyperparameters.get("mini_batch_size", "")
    if batch.isdecimal() and 0 < usable < int(batch):
        shown.append(Evidence(f"{name}: mini_batch_size can be {usable} at most"))
    return shown


def _faulty(name: str, lines: list[TrainingLine]) -> list[Evidence]:
    faulty = [line for line in lines if line.problem or not line.boxes]
    # Unusable lines first, then those that only have no box.
    faulty.sort(key=lambda line: not line.problem)
    shown = [
        Evidence(f"{name} line {line.number}: {line.problem or 'the image has no box'}", line.source_ref)
        for line in faulty[:_MAX_SHOWN]
    ]
    if len(faulty) > _MAX_SHOWN:
        shown.append(Evidence(f"{name}: {len(faulty) - _MAX_SHOWN} more such lines"))
    return shown
