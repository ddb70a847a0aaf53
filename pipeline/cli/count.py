"""`groundloop count`: how many objects there are, on each image, in each zone and in total."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from groundloop.errors import UserError
from pipeline.cli.options import AsJson, Assignments, ConfigFiles
from pipeline.cli.output import print_json, print_line, print_lines, print_table
from pipeline.cli.predicting import (
    Classes,
    DrawFolder,
    EndpointName,
    ImagesFolder,
    MinScore,
    ModelFile,
    PredictionOptions,
    Sources,
    TimeoutMinutes,
    Workers,
    finish,
    run_prediction,
)

if TYPE_CHECKING:
    from groundloop.detections.count_error import CountError
    from groundloop.prediction.bulk import BulkResult
    from groundloop.prediction.counting import CountRow
    from groundloop.prediction.journal import ImageResult


def count(
    sources: Sources,
    by: Annotated[Literal["class"] | None, typer.Option(help="class: a column for each class.")] = None,
    zones: Annotated[
        Path | None, typer.Option(help="JSON file of polygons and lines; objects are counted in each.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, without totals.")] = False,
    as_json: AsJson = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the detections, as predict writes it.")
    ] = None,
    draw: DrawFolder = None,
    model: ModelFile = None,
    endpoint: EndpointName = None,
    classes: Classes = None,
    threshold: MinScore = None,
    workers: Workers = None,
    images: ImagesFolder = None,
    timeout_minutes: TimeoutMinutes = 15,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Count objects on images.

    Asks the endpoint, or runs a model file here. A results file of `groundloop predict` is a source too: its detections
    are counted without asking again. The counting error that the model's evaluation found stands below the total.

    Example: groundloop count photos/ --by class --zones zones.json
    """
    from groundloop.detections.zones import Zones
    from groundloop.prediction.bulk import BulkResult
    from groundloop.prediction.counting import count_rows
    from groundloop.prediction.journal import Journal

    areas = Zones.read(zones) if zones else None
    options = PredictionOptions(
        sources, model, classes, endpoint, threshold, workers, images, timeout_minutes, config, assignments
    )
    error: CountError | None = None
    kept = _kept_results(sources)
    if kept is not None:
        result = BulkResult(kept)
    else:
        found = options.find_images()
        detector = options.open_detector()
        error = detector.count_error
        thresholds = options.thresholds(detector)
        with Journal(output, detector.name, thresholds) if output else nullcontext() as journal:
            result = run_prediction(options, detector, found, journal, draw)
    rows = count_rows(result.results, areas)
    if as_json:
        _print_json(rows, result, error if areas is None else None)
    elif as_csv:
        _print_csv(rows, by_class=by is not None, zones=areas is not None)
    else:
        _print_table(rows, by_class=by is not None, zones=areas is not None)
        if areas is None:
            for line in _error_lines(error, len(result.results)):
                print_line(line)
    finish(result, output)


def _kept_results(sources: Sequence[str]) -> list[ImageResult] | None:
    """Return the results in files of results; None where the sources are images."""
    from groundloop.prediction.journal import is_results_file, read_results

    files = [Path(source) for source in sources if is_results_file(Path(source))]
    if not files:
        return None
    if len(files) < len(sources):
        raise UserError("results files and images can't be counted together: count them one after the other")
    results: dict[str, ImageResult] = {}
    for file in files:
        for result in read_results(file):
            if list(result.thresholds) != list(next(iter(results.values()), result).thresholds):
                raise UserError(f"{file}: results of models with different classes can't be counted together")
            results[result.image] = result
    return list(results.values())


def _cells(row: CountRow, *, by_class: bool, zones: bool) -> list[Any]:
    counts = list(row.counts.values()) if by_class else []
    return [row.image, *([row.zone] if zones else []), *counts, row.objects]


def _columns(rows: Sequence[CountRow], *, by_class: bool, zones: bool) -> list[str]:
    names = list(rows[0].counts) if rows and by_class else []
    return ["image", *(["zone"] if zones else []), *names, "objects"]


def _print_table(rows: Sequence[CountRow], *, by_class: bool, zones: bool) -> None:
    from groundloop.prediction.counting import totals

    columns = _columns(rows, by_class=by_class, zones=zones)
    lines = [_cells(row, by_class=by_class, zones=zones) for row in rows]
    sums = [_cells(row, by_class=by_class, zones=zones) for row in totals(rows)]
    table = [*lines, *(["total", *cells[1:]] for cells in sums)]
    print_table(columns, table, right=columns[2 if zones else 1 :])


def _print_csv(rows: Sequence[CountRow], *, by_class: bool, zones: bool) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_columns(rows, by_class=by_class, zones=zones))
    writer.writerows(_cells(row, by_class=by_class, zones=zones) for row in rows)
    print_lines(text.getvalue().removesuffix("\n").split("\n"))


def _print_json(rows: Sequence[CountRow], result: BulkResult, error: CountError | None) -> None:
    from groundloop.prediction.counting import totals

    def entry(row: CountRow) -> dict[str, Any]:
        place = {**({"image": row.image} if row.image else {}), **({"zone": row.zone} if row.zone else {})}
        return {**place, "objects": row.objects, "counts": row.counts}

    spread = error.of_total(len(result.results)) if error else None
    print_json(
        {
            "images": [entry(row) for row in rows],
            "totals": [entry(row) for row in totals(rows)],
            "failed": [{"image": one.image, "message": one.message} for one in result.failures],
            "count_error": None
            if error is None
            else {
                "mae_per_image": error.mae,
                "total_bias": spread[0] if spread else None,
                "total_standard_deviation": spread[1] if spread else None,
            },
        }
    )


def _error_lines(error: CountError | None, images: int) -> list[str]:
    if error is None:
        return []
    line = f"expected error: {error.mae:.2f} objects per image (MAE of the evaluation's test split)"
    spread = error.of_total(images)
    if spread is not None and images > 1:
        line += f"; of the total: {spread[0]:+.1f} ± {spread[1]:.1f}"
    return [line]
