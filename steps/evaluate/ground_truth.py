"""Ground truth and predictions, read from files and joined by image."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import CANONICAL
from groundloop.labels.manifest import ManifestReader, open_manifest, source_ref_of
from groundloop.labels.records import LineStatus, Record
from groundloop.labels.review_key import review_of
from groundloop.labels.slices import read_slices

if TYPE_CHECKING:
    from groundloop.detections.dataset import ScoredImage


_WITH_BOXES = ("labels", "model")


class _Split(msgspec.Struct):
    images: int
    boxes: int


class _Summary(msgspec.Struct):
    """What is looked up in a summary.json; other keys are passed on."""

    classes: list[str]
    train: _Split | None = None
    validation: _Split | None = None
    test: _Split | None = None


@dataclass(frozen=True, slots=True)
class EvaluationInputs:
    """The images of each split, in the manifests' order.

    Attributes:
        unused: predictions of images that are in no split.
        clipped: detections that reached outside their image.
    """

    splits: dict[str, list[ScoredImage]]
    unused: int
    clipped: int

    def warnings(self) -> list[str]:
        """Describe predictions that were not used, and detections that were changed."""
        warnings = []
        if self.unused:
            warnings.append(f"{self.unused} predictions belong to no image of the manifests and are left out")
        if self.clipped:
            warnings.append(f"{self.clipped} detections reached outside the image and were clipped")
        return warnings


def read_summary(path: Path) -> dict[str, Any]:
    """Read Prepare's summary.json, with the class list that it froze.

    Raises:
        UserError: the file is missing or not Prepare's.
    """
    try:
        summary = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        classes = msgspec.convert(summary, _Summary).classes
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: the class list comes from Prepare's report") from None
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path} is not Prepare's summary: {error}") from None
    if not classes:
        raise UserError(f"{path} lists no classes: run Prepare again")
    return summary


def read_ground_truth(path: Path, classes: Collection[str], attribute: str = CANONICAL) -> list[Record]:
    """Read the records of a manifest in which every line is valid, as Prepare writes it.

    Raises:
        UserError: a line is not valid, or an image appears twice.
    """
    records: dict[str, Record] = {}
    with open_manifest(path) as stream:
        for line in ManifestReader(attribute, classes).read(stream):
            if line.record is None:
                if line.status is LineStatus.BLANK:
                    continue
                raise UserError(f"{path}, line {line.number}: {line.findings[0].message}; run Prepare again")
            if line.record.source_ref in records:
                raise UserError(
                    f"{path}, line {line.number}: {line.record.source_ref} appears a second time; run Prepare again"
                )
            records[line.record.source_ref] = line.record
    return list(records.values())


def images_shown_with_boxes(path: Path) -> frozenset[str]:
    """Return the images of a manifest whose labels reviewers made with labels or detections in view."""
    with open_manifest(path) as stream:
        return frozenset(source_ref_of(line) for line in stream if was_shown_boxes(line))


def was_shown_boxes(line: bytes) -> bool:
    """Return whether the label of a line was made by a reviewer with labels or detections in view."""
    review = review_of(line)
    return review is not None and review.shown in _WITH_BOXES


def slices_of(path: Path, keys: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read the value of each key for every image of a manifest; the file is not opened without keys.

    Raises:
        UserError: as :func:`groundloop.labels.slices.read_slices`.
    """
    if not keys:
        return {}
    with open_manifest(path) as stream:
        return read_slices(((source_ref_of(line), line) for line in stream if line.strip()), keys, path.name)


def join_predictions(truth: Mapping[str, Sequence[Record]], folder: Path, classes: Sequence[str]) -> EvaluationInputs:
    """Join each image of the ground truth with its detections.

    Args:
        truth: records by split; an image may be in several.
        folder: with the `.out` files of Batch Transform, in sub-folders or not.
        classes: names in id order.

    Raises:
        UserError: missing, ambiguous or broken outputs, with the file's name.
    """
    from groundloop.detections.dataset import scored_image
    from groundloop.detections.transform_output import read_outputs

    source_refs = list(dict.fromkeys(record.source_ref for records in truth.values() for record in records))
    detected, unused = read_outputs(folder, source_refs, classes)
    ids = {name: class_id for class_id, name in enumerate(classes)}
    splits = {
        split: [scored_image(record, ids, detected[record.source_ref]) for record in records]
        for split, records in truth.items()
    }
    return EvaluationInputs(splits, unused, sum(detections.clipped for detections in detected.values()))
