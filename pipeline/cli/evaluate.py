"""`groundloop evaluate`: metrics and report from files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsJson, Region
from pipeline.cli.output import print_json, print_line


def evaluate(
    truth: Annotated[str, typer.Option(help="Ground truth: labels in any format, a path or S3 URI.")],
    predictions: Annotated[
        Path, typer.Option(help="Folder of .out files, one for each image, as Batch Transform writes them.")
    ],
    validation: Annotated[
        str | None, typer.Option(help="Labels that thresholds are chosen on; default: --truth itself.")
    ] = None,
    corrections: Annotated[
        str | None,
        typer.Option(
            metavar="LABELS",
            help="Labels that replace those of --truth, such as reviewed.manifest; metrics are shown on both.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write into.")] = Path("evaluation"),
    images: Annotated[Path | None, typer.Option(help="Folder of image files, for the gallery and sizes.")] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(help="Names in the model's order, nut,bolt; repeatable. Default: the manifest's class maps."),
    ] = None,
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="KEY", help="Metrics by the values of this key of the lines; repeatable."),
    ] = None,
    label_attribute: Annotated[str, typer.Option(help="Label attribute; auto takes the only one.")] = "auto",
    require: Annotated[
        list[str] | None, typer.Option(help="Such as 'per_class.nut.recall >= 0.8'; repeatable; exit code 1 if missed.")
    ] = None,
    threshold_rule: Annotated[str, typer.Option(help="best_f1, precision or recall.")] = "best_f1",
    threshold_target: Annotated[float | None, typer.Option(help="Target of the rules precision and recall.")] = None,
    per_class_threshold: Annotated[bool, typer.Option(help="Choose a threshold for each class.")] = False,
    resamples: Annotated[
        int, typer.Option(min=0, help="Bootstrap resamples for the intervals; 0: no intervals.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resampling, as evaluation.intervals.seed.")] = 1,
    as_json: AsJson = False,
    region: Region = "us-east-1",
) -> None:
    """Score predictions against ground truth.

    Writes metrics and a report with curves and the worst images.

    Example: groundloop evaluate --truth test.manifest --predictions outputs/ --images photos/
    """
    from groundloop.detections.thresholds import ThresholdRule
    from groundloop.errors import UserError
    from pipeline.cli.metrics_table import print_label_corrections, print_metrics, print_slices
    from pipeline.cli.options import class_names
    from steps.evaluate.from_files import EvaluationFiles, evaluate_files

    # Any text is passed on: the rule's own error says which are valid.
    rule = ThresholdRule(threshold_rule, threshold_target, per_class_threshold)  # type: ignore[arg-type]
    files = EvaluationFiles(
        truth=truth,
        predictions=predictions,
        validation=validation,
        corrections=corrections,
        attribute=label_attribute,
        classes=class_names(classes or []),
        images=images,
        region=region,
        slices=slices or [],
    )
    result = evaluate_files(files, output, rule, require or [], resamples, seed)
    if as_json:
        print_json(result.metrics)
    else:
        print_metrics(result.metrics)
        print_slices(result.metrics)
        print_label_corrections(result.metrics)
    for note in result.notes:
        print_line(f"note: {note}", to_stderr=as_json)
    print_line(f"report: {output / 'report.html'}", to_stderr=as_json)
    if result.metrics["gate"]["missed"]:
        raise UserError(result.metrics["gate"]["message"])
    if require:
        print_line(result.metrics["gate"]["message"], to_stderr=as_json)
