"""What Prepare writes: the split manifests, Batch Transform's list of images, the summary, the refused lines."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from labels.advice import label_width
from labels.canonical import canonical_line, changed_boxes
from labels.classes import ClassList
from labels.errors import UserError
from labels.findings import Severity, Tally
from labels.records import Kind, Line, Record
from labels.split import Split


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """What one split manifest holds."""

    images: int
    boxes: int
    negatives: int

    @classmethod
    def of(cls, records: Iterable[Record]) -> SplitCounts:
        sizes = [len(record.boxes) for record in records]
        return cls(images=len(sizes), boxes=sum(sizes), negatives=sizes.count(0))


def write_manifest(path: Path, lines: Iterable[Line], attribute: str, classes: ClassList) -> None:
    """A split manifest: canonical lines, LF endings, final newline."""
    with path.open("wb") as stream:
        for line in lines:
            stream.write(canonical_line(line.raw, attribute, classes, changed_boxes(line)) + b"\n")


def predict_images(source_refs: Sequence[str]) -> list[Any]:
    """Batch Transform's ManifestFile: `[{"prefix": "s3://bucket/folder/"}, "a.jpg", ...]` (CreateTransformJob,
    S3DataSource).

    Raises:
        UserError: the images lie in several buckets, which one prefix cannot say.
    """
    buckets = sorted({source_ref.removeprefix("s3://").partition("/")[0] for source_ref in source_refs})
    if len(buckets) > 1:
        raise UserError(
            f"the images to predict lie in {len(buckets)} buckets ({', '.join(buckets)}), but Batch Transform's "
            "ManifestFile takes one prefix: copy the images into one bucket and correct the source-refs"
        )
    # What the first and the last in order share at the start, all share.
    pairs = zip(min(source_refs), max(source_refs), strict=False)
    common = "".join(left for left, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    prefix = common[: common.rindex("/") + 1]
    return [{"prefix": prefix}, *(source_ref.removeprefix(prefix) for source_ref in source_refs)]


def write_rejected(path: Path, lines: Iterable[Line]) -> None:
    """Every line that is in no split because something is wrong with it or it has no labels, as JSON Lines.

    `text` is the line as it was; a line that is not UTF-8 stands as `base64` instead. `reasons` holds all findings of
    the line, the decisive one also as `code` and `reason`.
    """
    with path.open("wb") as stream:
        for line in lines:
            if line.kind not in (Kind.REJECTED, Kind.FAILED, Kind.UNLABELLED):
                continue
            # Warnings may come first; what refused the line is an error, where there is one.
            decisive = max(line.findings, key=lambda finding: finding.severity is Severity.ERROR)
            entry: dict[str, Any] = {
                "line": line.number,
                "kind": line.kind.value,
                "code": decisive.code.value,
                "reason": decisive.message,
                "source_ref": decisive.source_ref,
                "reasons": [{"code": finding.code.value, "reason": finding.message} for finding in line.findings],
            }
            try:
                entry["text"] = line.raw.decode()
            except UnicodeDecodeError:
                entry["base64"] = base64.b64encode(line.raw).decode()
            stream.write(msgspec.json.encode(entry) + b"\n")


def summary(
    classes: ClassList,
    splits: Mapping[Split, SplitCounts],
    negatives_dropped: int,
    machine_labelled: int,
    most_boxes: int,
    lines: Counter[Kind],
    tally: Tally,
) -> dict[str, Any]:
    """The property file `summary.json`: what later steps read by JsonGet.

    `training` repeats its figures as text, because hyperparameters are text and a pipeline cannot convert.
    """
    width = label_width(most_boxes)
    return {
        "classes": list(classes),
        "num_classes": len(classes),
        "classes_sha256": classes.sha256,
        **{split.value: asdict(counts) for split, counts in splits.items()},
        "negatives_dropped": negatives_dropped,
        "machine_labelled": machine_labelled,
        "label_width": width,
        "findings": tally.by_code(),
        "lines": {"read": lines.total(), **{kind.value: lines[kind] for kind in Kind}},
        "training": {
            "num_training_samples": str(splits[Split.TRAIN].images),
            "num_classes": str(len(classes)),
            "label_width": str(width),
        },
    }


def write_json(path: Path, value: Any) -> None:
    """Indented, UTF-8, with a final newline."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
