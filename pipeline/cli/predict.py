"""`groundloop predict`: detect objects on images with the endpoint or a model file."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundloop.errors import UserError
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_json_text, print_line, print_table, print_values
from pipeline.cli.predicting import (
    CapturePlace,
    Classes,
    DrawFolder,
    EndpointName,
    ImagesFolder,
    MinScore,
    ModelFile,
    PredictionOptions,
    SomeSources,
    TimeoutMinutes,
    Workers,
    finish,
    run_prediction,
)

if TYPE_CHECKING:
    from groundloop.prediction.bulk import BulkResult
    from groundloop.prediction.detector import Detector
    from groundloop.prediction.outputs import Format

_FORMATS = ("jsonl", "csv", "coco", "manifest")
_BY_SUFFIX = {".csv": "csv", ".json": "coco", ".manifest": "manifest"}


def predict(
    sources: SomeSources = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the results; images that it has are not repeated.")
    ] = None,
    output_format: Annotated[
        str | None, typer.Option("--format", help="jsonl, csv, coco or manifest; default: by the output's suffix.")
    ] = None,
    draw: DrawFolder = None,
    model: ModelFile = None,
    endpoint: EndpointName = None,
    classes: Classes = None,
    threshold: MinScore = None,
    workers: Workers = None,
    images: ImagesFolder = None,
    timeout_minutes: TimeoutMinutes = 15,
    capture: CapturePlace = None,
    batch: Annotated[
        bool, typer.Option("--batch", help="By a Batch Transform job, without an endpoint: an S3 prefix or manifest.")
    ] = False,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="With --batch: version; default: the highest approved one.")
    ] = None,
    job: Annotated[
        str | None, typer.Option("--job", help="With --batch: a job that was started before, instead of SOURCE.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Detect objects on images.

    Asks the endpoint, or runs a model file here. A run that was interrupted goes on with the same command. Boxes are
    xmin, ymin, xmax, ymax in pixels of the image as it is stored. An asynchronous endpoint reads images from S3: they
    are uploaded to predict/ under aws.prefix. --batch predicts all images of an S3 prefix or manifest by a transform
    job, which goes on when this command is interrupted. --capture is for endpoints without data capture: `groundloop
    captures` reads what it keeps.

    Example: groundloop predict photos/ -o results.jsonl --draw annotated/
    """
    how = _format(output, output_format)
    if batch:
        from pipeline.cli.predict_batch import BatchOptions, predict_batch

        if model or endpoint or classes or workers or images or draw or capture:
            others = "--model, --endpoint, --classes, --workers, --images, --draw and --capture"
            raise UserError(f"--batch takes none of {others}")
        settings = load(config, assignments)
        predict_batch(settings, BatchOptions(tuple(sources or ()), output, how, version, threshold, job, as_json))
        return
    if job or version:
        raise UserError("--job and --version are for --batch")
    if not sources:
        raise UserError("there is nothing to predict on: give a SOURCE, such as photos/")
    options = PredictionOptions(
        sources, model, classes, endpoint, threshold, workers, images, timeout_minutes, config, assignments, capture
    )
    found = options.find_images()
    from groundloop.prediction.journal import Journal
    from groundloop.prediction.outputs import Format, encoded, write_results

    _check_output(output, how)
    keep = options.open_capture()
    detector = options.open_detector(keep)
    path = None if output is None else _journal_path(output, how)
    with Journal(path, detector.name, options.thresholds(detector)) if path else nullcontext() as journal:
        try:
            result = run_prediction(options, detector, found, journal, draw)
        finally:
            if keep:
                keep.close()
    written: list[Path] = [output] if output else []
    if output and path and how is not Format.JSONL and not result.interrupted:
        written = write_results(result.results, how, output)
        if not result.failures:
            path.unlink()
    if as_json:
        _print_json(result, detector, output)
    elif output is None and output_format is not None:
        print_json_text(encoded(result.results, how).decode().rstrip("\n"))
    else:
        _print_counts(result)
        if not result.interrupted:
            for file in (*written, *([draw] if draw else []), *([capture] if capture else [])):
                print_line(f"written: {file}")
    finish(result, output)


def _format(output: Path | None, name: str | None) -> Format:
    from groundloop.prediction.outputs import Format

    if output is not None and output.suffix.lower() in {".jpg", ".jpeg", ".png"}:
        raise UserError(f"--output {output}: results are not an image; --draw FOLDER writes annotated images")
    if name is None:
        name = _BY_SUFFIX.get(output.suffix.lower(), "jsonl") if output else "jsonl"
    if name not in _FORMATS:
        raise UserError(f"--format {name!r}: use one of {', '.join(_FORMATS)}")
    return Format(name)


def _journal_path(output: Path, how: Format) -> Path:
    """Return the file that results are appended to while the run lasts: JSON Lines are their own."""
    from groundloop.prediction.outputs import Format

    return output if how is Format.JSONL else output.with_name(f".{output.name}.journal.jsonl")


def _check_output(output: Path | None, how: Format) -> None:
    if output is None:
        return
    journal = _journal_path(output, how)
    if output != journal and output.exists() and not journal.exists():
        raise UserError(f"{output} exists already: choose another name with --output, or remove it")


def _print_counts(result: BulkResult) -> None:
    from groundloop.prediction.counting import count_rows, totals

    rows = count_rows(result.results)
    if len(rows) == 1:
        print_values(rows[0].counts)
    elif rows:
        names = list(rows[0].counts)
        print_table(
            ("image", *names),
            [(row.image or "total", *row.counts.values()) for row in (*rows, *totals(rows))],
            right=names,
        )


def _print_json(result: BulkResult, detector: Detector, output: Path | None) -> None:
    import msgspec

    from groundloop.prediction.counting import count_rows, totals

    sums = totals(count_rows(result.results))
    print_json(
        {
            "model": detector.name,
            "counts": sums[0].counts if sums else dict.fromkeys(detector.classes, 0),
            "images": len(result.results),
            "failed": [{"image": one.image, "message": one.message} for one in result.failures],
            "interrupted": result.interrupted,
            "output": None if output is None else str(output),
            **({} if output else {"results": msgspec.to_builtins(result.results)}),
        }
    )
