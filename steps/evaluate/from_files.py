"""Evaluation from files alone: a manifest with the ground truth and a folder with predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundloop.errors import UserError
from groundloop.images.local import FolderImages
from groundloop.labels.class_maps import ClassMaps, class_map_of, is_class_id
from groundloop.labels.findings import LabelCode
from groundloop.labels.label_input import read_manifest
from groundloop.labels.records import Line, Record
from groundloop.labels.slices import read_slices
from groundloop.suggestions import first_of
from steps.evaluate.baseline import write_baseline
from steps.evaluate.gate import verdict
from steps.evaluate.ground_truth import join_predictions, was_shown_boxes
from steps.evaluate.label_corrections import ScoredModel, label_corrections
from steps.evaluate.metric_names import check_slice
from steps.evaluate.requirements import parse_requirements
from steps.evaluate.results import Gallery, from_images, skip_images, write_results

if TYPE_CHECKING:
    from groundloop.detections.thresholds import ThresholdRule


@dataclass(frozen=True)
class EvaluationFiles:
    """The files to evaluate.

    Attributes:
        truth: path or S3 URI of the labels that are scored, in any format.
        predictions: folder of `.out` files, as Batch Transform or the endpoint writes them, one per image.
        validation: of the labels that thresholds are chosen on; None: the truth itself.
        corrections: labels that replace those of the images that they name, as `groundloop review finish` writes them.
        attribute: the label attribute, or `auto`.
        classes: names in the order of the model's class ids; empty: by the manifest's class maps.
        images: folder of the image files, for the report and for labels without sizes; None: no pictures.
        region: for S3 URIs.
        slices: keys of the lines of the truth, by whose values the metrics are computed too.
    """

    truth: str
    predictions: Path
    validation: str | None = None
    corrections: str | None = None
    attribute: str = "auto"
    classes: Sequence[str] = ()
    images: Path | None = None
    region: str = "us-east-1"
    slices: Sequence[str] = ()


@dataclass(frozen=True)
class EvaluationResult:
    """The content of evaluation.json, and notes on how the metrics were computed."""

    metrics: dict[str, Any]
    notes: list[str]


def evaluate_files(
    files: EvaluationFiles,
    output: Path,
    rule: ThresholdRule,
    requirements: Sequence[str] = (),
    resamples: int = 1000,
    seed: int = 1,
) -> EvaluationResult:
    """Score predictions and write what the Evaluate job writes, without the comparison with a champion.

    Args:
        output: a folder; files of an earlier evaluation in it are replaced.
        requirements: `METRIC >= NUMBER` or `METRIC <= NUMBER`.
        resamples, seed: of the intervals; the defaults are those of the Evaluate job.

    Raises:
        UserError: an input is missing or broken, or the metrics would be unreliable.
    """
    from groundloop.detections.evaluate import evaluate, evaluate_at
    from groundloop.detections.metrics import as_json

    parsed = parse_requirements(requirements)
    for requirement in parsed:
        check_slice(requirement.metric, files.slices, "--slice")
    gallery = skip_images("no folder of images was given") if files.images is None else _from_folder(files.images)
    attribute, lines, converted = read_manifest(files.truth, files.region, files.attribute, images=files.images)
    classes = list(files.classes) or _classes(files.truth, attribute, lines)
    truth, notes = {"test": _records(files.truth, lines, classes)}, [*converted, *_unused(files.truth, lines)]
    if files.validation is None:
        notes.append("thresholds are chosen on the images that are scored: metrics at the threshold flatter the model")
    else:
        _, others, converted = read_manifest(files.validation, files.region, files.attribute, images=files.images)
        truth = {"validation": _records(files.validation, others, classes), **truth}
        notes += [*converted, *_unused(files.validation, others)]
    corrected: dict[str, Line] = {}
    if files.corrections is not None:
        _, others, converted = read_manifest(files.corrections, files.region, "auto", images=files.images)
        notes += [*converted, *_unused(files.corrections, others)]
        old = {record.source_ref: record for record in truth["test"]}
        corrected = {line.record.source_ref: line for line in others if line.record}
        truth = _with_corrections(truth, _records(files.corrections, others, classes), files.corrections)
    joined = join_predictions(truth, files.predictions, classes)
    notes += joined.warnings()
    images = joined.splits
    evaluation = evaluate(
        images.get("validation", images["test"]),
        images["test"],
        classes,
        rule,
        resamples=resamples,
        seed=seed,
        chosen_on="validation" if "validation" in images else "the scored images",
        slices=read_slices(
            ((line.record.source_ref, line.raw) for line in lines if line.record), files.slices, files.truth
        ),
    )
    metrics = as_json(evaluation)
    if files.corrections is not None:
        changes = label_corrections(
            {"candidate": ScoredModel(images["test"], metrics["class_thresholds"])},
            old,
            classes,
            lambda scored, thresholds: as_json(evaluate_at(scored, classes, thresholds)),
            since=f"by {files.corrections}",
            shown={name for name, line in corrected.items() if was_shown_boxes(line.raw)},
        )
        if changes is None:
            notes.append(f"{files.corrections} has the same labels as {files.truth}: metrics are those of both")
        else:
            metrics["label_corrections"] = changes
    metrics["gate"] = verdict(metrics, parsed)
    write_results(
        output,
        evaluation,
        images,
        metrics,
        gallery,
        title=f"Evaluation on {Path(files.truth).name}",
        details={"truth": files.truth, "predictions": str(files.predictions), "label attribute": attribute},
        notes=notes,
    )
    folder = files.images
    write_baseline(
        output,
        truth,
        images,
        {name: metrics["class_thresholds"][name] for name in classes},
        model=str(files.predictions),
        images=None if folder is None else lambda: FolderImages(folder),
    )
    return EvaluationResult(metrics, notes)


def _records(place: str, lines: Sequence[Line], classes: Sequence[str]) -> list[Record]:
    """Return the records of the valid lines.

    Raises:
        UserError: there are none, or a box is of a class that the model can't know.
    """
    found = [(line.number, line.record) for line in lines if line.record]
    if not found:
        raise UserError(f"{place}: no line is valid; groundloop labels check {place} says why")
    for number, record in found:
        for box in record.boxes:
            if box.class_name not in classes:
                listed = first_of(classes)
                raise UserError(f"{place}, line {number}: class {box.class_name!r} is not in the class list ({listed})")
    return [record for _, record in found]


def _with_corrections(
    truth: dict[str, list[Record]], corrections: Sequence[Record], place: str
) -> dict[str, list[Record]]:
    """Return the labels of each split with those of the corrections, where they name an image of it.

    Raises:
        UserError: they name none of the images.
    """
    new = {record.source_ref: record for record in corrections}
    if not any(record.source_ref in new for records in truth.values() for record in records):
        raise UserError(f"{place} labels none of the images of the ground truth: both have to name them alike")
    return {split: [new.get(record.source_ref, record) for record in records] for split, records in truth.items()}


def _unused(place: str, lines: Sequence[Line]) -> list[str]:
    unused = [line for line in lines if line.record is None and line.raw.strip()]
    twice = sum(finding.code is LabelCode.DUPLICATE_SOURCE_REF for line in unused for finding in line.findings)
    if not unused:
        return []
    again = f" ({twice} because a later line labels the same image)" if twice else ""
    return [f"{len(unused)} lines of {place} are not used{again}: groundloop labels check {place} says why"]


def _classes(place: str, attribute: str, lines: Sequence[Line]) -> list[str]:
    """Return the class names in the order of their ids, where all lines agree on them.

    Raises:
        UserError: they don't, so that it is unknown which class an id of the predictions means.
    """
    maps = ClassMaps()
    for line in lines:
        if line.record:
            maps.add(class_map_of(line.raw, attribute), line.number)
    if maps.conflict:
        raise UserError(
            f"{place}: {maps.conflict}, so it is unknown which class an id of the predictions means: give the classes "
            "in the order that the model was trained with, by --classes"
        )
    entries = {entry for line in lines if line.record for entry in class_map_of(line.raw, attribute)}
    wrong = next((entry for entry in sorted(entries) if not is_class_id(entry)), None)
    if wrong is not None:
        raise UserError(f"{place}: the class id {wrong!r} in a class map is not a whole number: give --classes")
    numbers = {int(entry) for entry in entries}
    missing = sorted(set(range(len(maps.names))) - numbers)
    if missing:
        raise UserError(
            f"{place}: its class maps name no class {missing[0]}, so the list has a gap: give all classes in the order "
            "that the model was trained with, by --classes"
        )
    return list(maps.ordered)


def _from_folder(folder: Path) -> Gallery:
    images = FolderImages(folder)
    return lambda choices: from_images(images, choices)
