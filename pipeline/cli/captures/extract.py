"""`groundloop captures extract`: images and predictions of captured requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundloop.errors import ConfigError, UserError
from pipeline.cli.captures.listing import print_findings
from pipeline.cli.captures.selection import Captured, CaptureSelection, Hours, InputImages, Variant
from pipeline.cli.options import AsJson, Assignments, ConfigFiles
from pipeline.cli.output import print_json, print_line, print_values
from pipeline.cli.predicting import EndpointName, MinScore
from pipeline.cli.review.settings import ReviewConfig

if TYPE_CHECKING:
    from groundloop.detections.captures.requests import CaptureReader
    from groundloop.prediction.captured_results import CapturedModel, Extraction
    from pipeline.config import Config

#: The formats of results, with scores; and those of labels, without.
_RESULTS = {"jsonl": "", "csv": "predictions.csv", "coco": "predictions.coco.json", "manifest": "predictions.manifest"}
_LABELS = ("yolo", "voc", "jumpstart", "rekognition")
_FORMATS = (*_RESULTS, *_LABELS)


def extract(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for images/ and predictions; is made.")],
    captured: Captured = None,
    endpoint: EndpointName = None,
    hours: Hours = None,
    variant: Variant = None,
    images: InputImages = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="What answered: a version, an execution, a local run's folder or an ONNX file; "
            "default: the version that each variant serves now.",
            metavar="MODEL",
        ),
    ] = None,
    threshold: MinScore = None,
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="jsonl; or also csv, coco, manifest, and without scores yolo, voc, jumpstart, rekognition.",
            metavar="FORMAT",
        ),
    ] = "jsonl",
    prefix: Annotated[
        str | None,
        typer.Option("--prefix", help="S3 folder that the images will have, for manifest, jumpstart, rekognition."),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Extract images and predictions of captured requests.

    Each image is written once, named after its SHA-256. predictions.jsonl has the newest response to each image, as
    `predict` writes results. The same command again adds what was captured since, and goes on after an interruption; no
    other file is replaced. The images are your users' pictures: delete what you don't need.

    Example: groundloop captures extract week-47/ --hours 168
    """
    from groundloop.detections.captures.requests import CaptureReader
    from groundloop.prediction.captured_results import Extraction

    if output_format not in _FORMATS:
        raise UserError(f"--format {output_format!r}: use one of {', '.join(_FORMATS)}")
    target = _target(folder, output_format)
    settings = ReviewConfig(config, assignments)
    selection = CaptureSelection(settings, captured, endpoint, images, hours, variant)
    reader = CaptureReader(selection.files())
    extraction = Extraction(folder, _models(settings, endpoint, model, threshold))
    extraction.open()
    extraction.add(selection.requests(reader))
    if not extraction.images:
        _remove_empty(folder)
        if not extraction.unusable and not reader.findings:
            raise UserError(selection.why_empty())
        print_findings(reader)
        raise UserError(f"{selection.place} holds no request with an image that can be read", *_notes(extraction))
    written = [folder / "images", extraction.write_results()]
    if target is not None:
        written += _write(extraction, output_format, target, prefix)
    notes = [*_notes(extraction), *_age_notes(selection, extraction, model)]
    if as_json:
        print_json(_as_json(selection.place, extraction, reader, notes, written))
        return
    print_values(
        {
            "requests": f"{extraction.requests} in {selection.place}",
            "images": f"{len(extraction.images)} different, {extraction.new_images} of them new",
            "predictions": f"on {len(extraction.results)} images",
        }
    )
    for note in notes:
        print_line(f"note: {note}")
    print_findings(reader)
    for path in written:
        print_line(f"written: {path}")


def _models(
    settings: ReviewConfig, endpoint: str | None, model: str | None, threshold: float | None
) -> dict[str | None, CapturedModel]:
    from pipeline.captures import named_model, served_models, with_threshold

    found = {None: named_model(model, settings)} if model else served_models(_configured(settings), endpoint)
    return {variant: with_threshold(one, threshold) for variant, one in found.items()}


def _configured(settings: ReviewConfig) -> Config:
    """Return the configuration, which the requests of a folder alone do not need."""
    try:
        return settings()
    except ConfigError as error:
        raise ConfigError(
            "it is not known which model answered: name it with --model, such as a local run's folder or an ONNX file; "
            "or configure the endpoint whose version it is:",
            *error.lines,
        ) from None


def _target(folder: Path, output_format: str) -> Path | None:
    """Return what is written besides predictions.jsonl.

    Raises:
        UserError: it exists already.
    """
    if output_format == "jsonl":
        return None
    target = folder / (_RESULTS.get(output_format) or output_format)
    if target.exists():
        raise UserError(f"{target} exists already: remove it, or choose another folder")
    return target


def _write(extraction: Extraction, output_format: str, target: Path, prefix: str | None) -> list[Path]:
    import msgspec

    from groundloop.prediction.outputs import Format, write_results

    results = extraction.results
    if len({tuple(result.thresholds) for result in results}) > 1:
        raise UserError(
            f"--format {output_format}: the variants' models have different class lists: extract each with --variant "
            "into a folder of its own"
        )
    if output_format in _RESULTS:
        if prefix:
            start = prefix.rstrip("/") + "/"
            results = [msgspec.structs.replace(result, image=start + result.image) for result in results]
        return write_results(results, Format(output_format), target)
    from groundloop.images.local import ImageFolder
    from groundloop.labels.formats.format_name import WrittenFormat
    from groundloop.labels.formats.registry import WRITERS, Options
    from groundloop.labels.reading import name_images
    from groundloop.prediction.labels import labels_of

    to = WrittenFormat(output_format)
    dataset = name_images(labels_of(results), to, prefix)
    for note in WRITERS[to](dataset, target, Options(ImageFolder(extraction.folder / "images"))):
        print_line(f"note: {note}", to_stderr=True)
    return [target]


def _notes(extraction: Extraction) -> list[str]:
    notes = [
        f"{number} requests can't be used: {reason}; first: {first}"
        for reason, (number, first) in extraction.unusable.items()
    ]
    if extraction.unanswered:
        notes.append(f"{extraction.unanswered} requests have no response: their images have no predictions")
    return notes


def _age_notes(selection: CaptureSelection, extraction: Extraction, model: str | None) -> list[str]:
    """Return a note on responses that another version may have given."""
    place = selection.default_place
    if model or place is None or place.updated is None:
        return []
    older = sum(result.time < place.updated.replace(microsecond=0) for result in extraction.results)
    if not older:
        return []
    since = f"{place.updated:%Y-%m-%d %H:%M %Z}"
    note = f"{older} responses are older than the endpoint's last update ({since}): if another version gave them"
    return [f"{note}, name it with --model"]


def _as_json(
    place: str, extraction: Extraction, reader: CaptureReader, notes: list[str], written: list[Path]
) -> dict[str, Any]:
    from groundloop.detections.captures.summary import findings_by_code

    return {
        "place": place,
        "requests": extraction.requests,
        "images": len(extraction.images),
        "new_images": extraction.new_images,
        "predictions": len(extraction.results),
        "findings": {code: number for code, (number, _) in findings_by_code(reader.findings).items()},
        "notes": notes,
        "written": [str(path) for path in written],
    }


def _remove_empty(folder: Path) -> None:
    """Remove folders that were made for nothing."""
    for path in (folder / "images", folder):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
