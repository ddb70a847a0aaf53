"""One run on the offline AWS and its results on the terminal: metrics, model package, endpoint, annotated image."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from groundloop.aws import client
from groundloop.models.predict import annotate
from groundloop.s3 import read_bytes
from pipeline.cli.metrics_table import print_metrics
from pipeline.cli.output import print_line, print_values
from pipeline.cli.predict import upload_prefix
from pipeline.cli.progress import follow
from pipeline.config import Config
from pipeline.demo.offline_run import OfflineRunResult, run_pipeline


def run_and_report(config: Config, home: Path) -> None:
    """Run the pipeline and print its results; an endpoint is called for an annotated image."""
    # The offline AWS ends with this command, and so would the execution.
    result = run_pipeline(config, partial(follow, stop_on_interrupt=True), print_line)
    _print_evaluation(result)
    values = {"package": f"{result.package.arn} ({result.package.approval_status})"}
    if result.endpoint is None:
        values["endpoint"] = f"none: deploy.mode is {config.deploy.mode}"
    else:
        annotated = _annotate_test_image(config, result, result.endpoint, home / "detections.jpg")
        values["endpoint"] = f"{result.endpoint}, InService; it ends with this command"
        values["image"] = f"{annotated}: a test image with the endpoint's detections"
    values["logs"] = f"{home}/jobs/<job>/log.txt"
    print_values(values)


def _print_evaluation(result: OfflineRunResult) -> None:
    metrics, summary = result.package.evaluation, result.package.summary
    lines = summary["lines"]
    unused = lines["rejected"] + lines["failed"] + lines["unlabelled"]
    splits = ", ".join(f"{summary[split]['images']} {split}" for split in ("train", "validation", "test"))
    tested = metrics["images"]["test"]
    print_line(f"\nlabels: {lines['read']} lines read, {unused} not used (Prepare's log says why); images: {splits}")
    print_line(f"on {tested} test images, never trained on (by groundloop's offline stand-in, not AWS's detector):")
    print_metrics(metrics)
    print_line(f"\ngate: {metrics['gate']['message']}\n")


def _annotate_test_image(config: Config, result: OfflineRunResult, endpoint: str, path: Path) -> Path:
    content = read_bytes(client("s3", config.aws.region), result.test_images[0])
    thresholds, prefix = result.package.thresholds, upload_prefix(config)
    annotated, _ = annotate(config.aws.region, endpoint, result.package, content, thresholds, upload_prefix=prefix)
    annotated.save(path, quality=92)
    return path
