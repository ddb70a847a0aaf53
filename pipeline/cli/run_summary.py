"""One run on the offline AWS, and how it ends on the terminal: figures, package, endpoint, picture."""

from __future__ import annotations

from pathlib import Path

import typer

from groundloop.aws import client
from groundloop.models.predict import annotate
from groundloop.s3 import read_bytes
from pipeline.cli.metrics_table import metric_rows
from pipeline.cli.progress import follow
from pipeline.config import Config
from pipeline.demo.offline_run import OfflineRunResult, run


def run_and_report(config: Config, home: Path) -> None:
    """Run the pipeline and print what came of it; an endpoint is called for an annotated picture."""
    finished = run(config, follow, typer.echo)
    typer.echo("")
    for line in _figures(finished):
        typer.echo(line)
    typer.echo(f"package    {finished.package.arn} ({finished.package.approval_status})")
    if finished.endpoint is None:
        typer.echo(f"endpoint   none: deploy.mode is {config.deploy.mode}")
    else:
        picture = _picture(config, finished, finished.endpoint, home / "detections.jpg")
        typer.echo(f"endpoint   {finished.endpoint}, InService; it ends with this command")
        typer.echo(f"picture    {picture}: a test image as the endpoint sees it")
    typer.echo(f"logs       {home}/jobs/<job>/log.txt")


def _figures(finished: OfflineRunResult) -> list[str]:
    figures, summary = finished.package.evaluation, finished.package.summary
    read = summary["lines"]
    unused = read["rejected"] + read["failed"] + read["unlabelled"]
    splits = ", ".join(f"{summary[split]['images']} {split}" for split in ("train", "validation", "test"))
    tested = figures["images"]["test"]
    return [
        f"labels: {read['read']} lines read, {unused} not used (Prepare's log says why); images: {splits}",
        f"on {tested} test images, never trained on (by groundloop's offline stand-in, not AWS's detector):",
        *metric_rows(figures),
        "",
        f"gate: {figures['gate']['message']}",
        "",
    ]


def _picture(config: Config, finished: OfflineRunResult, endpoint: str, path: Path) -> Path:
    image = read_bytes(client("s3", config.aws.region), finished.test_images[0])
    picture, _ = annotate(config.aws.region, endpoint, finished.package, image, finished.package.thresholds)
    picture.save(path, quality=92)
    return path
