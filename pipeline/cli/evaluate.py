"""``groundloop evaluate``: metrics and report from files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsJson


def evaluate(
    truth: Annotated[str, typer.Option(help="Manifest with the truth: a path or S3 URI.")],
    predictions: Annotated[Path, typer.Option(help="Folder of .out files, one an image, as Batch Transform writes.")],
    validation: Annotated[
        str | None, typer.Option(help="Manifest that thresholds are chosen on; else the truth itself, which is said.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write into.")] = Path("evaluation"),
    images: Annotated[Path | None, typer.Option(help="Folder of image files, for the report's gallery.")] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(help="Names in the model's order, nut,bolt; may be repeated. Else by the manifest's class maps."),
    ] = None,
    label_attribute: Annotated[str, typer.Option(help="Label attribute; auto: the only one there is.")] = "auto",
    require: Annotated[
        list[str] | None, typer.Option(help="Such as 'per_class.nut.recall >= 0.8'; may be repeated; exit 1 if missed.")
    ] = None,
    threshold_rule: Annotated[str, typer.Option(help="best_f1, or a wanted precision or recall.")] = "best_f1",
    threshold_target: Annotated[float | None, typer.Option(help="The precision or recall that is wanted.")] = None,
    per_class_threshold: Annotated[bool, typer.Option(help="One threshold for each class.")] = False,
    resamples: Annotated[int, typer.Option(min=0, help="Of the bootstrap intervals; 0: none.")] = 1000,
    as_json: AsJson = False,
    region: Annotated[str, typer.Option(help="AWS region, for S3 URIs.")] = "us-east-1",
) -> None:
    """Score predictions against labels: metrics, curves, the worst images.

    Example: groundloop evaluate --truth test.manifest --predictions outputs/ --images photos/
    """
    from groundloop.detections.thresholds import ThresholdRule
    from groundloop.errors import UserError
    from pipeline.cli.metrics_table import metric_rows
    from pipeline.cli.options import class_names
    from steps.evaluate.from_files import EvaluationFiles, evaluate_files

    # Any text goes in, so that a wrong one is refused with what is right.
    rule = ThresholdRule(threshold_rule, threshold_target, per_class_threshold)  # type: ignore[arg-type]
    files = EvaluationFiles(
        truth=truth,
        predictions=predictions,
        validation=validation,
        attribute=label_attribute,
        classes=class_names(classes or []),
        images=images,
        region=region,
    )
    done = evaluate_files(files, output, rule, require or [], resamples)
    if as_json:
        typer.echo(json.dumps(done.metrics, indent=2))
    else:
        typer.echo("\n".join(metric_rows(done.metrics)))
    for note in done.notes:
        typer.echo(f"note: {note}", err=as_json)
    typer.echo(f"report: {output / 'report.html'}", err=as_json)
    if done.metrics["gate"]["missed"]:
        raise UserError(done.metrics["gate"]["message"])
    if require:
        typer.echo(done.metrics["gate"]["message"], err=as_json)
