"""One run on the offline AWS and its results on the terminal: metrics, report, model package, endpoint, image."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.executions.prepared_labels import describe_label_use
from groundloop.images.fonts import font_note
from groundloop.models.packages import Package
from groundloop.s3 import read_bytes
from pipeline.cli.metrics_table import print_metrics
from pipeline.cli.output import print_line, print_values
from pipeline.cli.progress import OfflineFiles, follow
from pipeline.cli.run_end import missed_gate_advice
from pipeline.config import Config
from pipeline.demo.annotated_image import annotate_evaluated_image
from pipeline.demo.offline_run import OfflineRunResult, read_results, start_run, test_image_uris
from pipeline.served_detector import served_detector


@dataclass(frozen=True)
class OfflineRun:
    """A run on an offline AWS that ends with the command, and the commands that it prints.

    Attributes:
        home: folder of the offline AWS, where the report and the annotated image go.
        labels_check: the command that checks the run's labels, for a failure that they may have caused.
        kept: whether the state stays in the folder.
        parameters: of the execution, `Name=value`.
        next_steps: what to do after a run that succeeded, by caption; commands that work without the offline AWS.
    """

    home: Path
    labels_check: str
    kept: bool = False
    parameters: tuple[str, ...] = ()
    next_steps: Mapping[str, str] = field(default_factory=dict)


def run_and_report(config: Config, run: OfflineRun) -> None:
    """Run the pipeline and print its results, also those of a run that missed the gate or failed.

    Args:
        config: configuration of the offline AWS.
        run: where its results go, and what it prints.

    Raises:
        UserError: the execution did not succeed.
    """
    execution = start_run(config, print_line, run.parameters)
    offline = OfflineFiles(run.home, run.labels_check)
    try:
        # The offline AWS ends with this command, and so would the execution.
        stop_on = config.training.watch.stop_on
        follow(config.aws.region, execution, stop_on_interrupt=True, stop_on=stop_on, offline=offline)
    except UserError:
        _print_results(config, execution, run)
        raise
    _print_results(config, execution, run)
    if run.next_steps:
        print_line("\nnext:")
        print_values(run.next_steps, indent=2)


def _print_results(config: Config, execution: str, run: OfflineRun) -> None:
    values: dict[str, str] = {}
    result = read_results(config, execution)
    if result is None:
        values["next"] = f"{run.labels_check}; then correct what it or the log names, and run again"
    else:
        _print_evaluation(result)
        page = run.home / "report.html"
        page.write_bytes(result.report)
        values["report"] = f"{page}: open it in a browser"
        values |= _package_and_endpoint(config, result, run)
    values["logs"] = f"{run.home}/jobs/<job>/log.txt"
    print_values(values)


def _package_and_endpoint(config: Config, result: OfflineRunResult, run: OfflineRun) -> dict[str, str]:
    path = run.home / "detections.jpg"
    if result.package is None or result.endpoint is None:
        values = _without_endpoint(config, result)
        if annotate_evaluated_image(config.aws.region, result.prefix, result.metrics, path):
            values = {"image": f"{path}: a test image with the model's detections", **values}
        return values
    _annotate_test_image(config, result.package, result.endpoint, path)
    end = "it starts again with the kept state" if run.kept else "it is deleted when this command exits"
    return {
        "package": f"{result.package.arn} ({result.package.approval_status})",
        "endpoint": f"{result.endpoint}, InService; {end}",
        "image": f"{path}: a test image with the endpoint's detections",
    }


def _without_endpoint(config: Config, result: OfflineRunResult) -> dict[str, str]:
    if result.package is None:
        return missed_gate_advice(result.metrics) if result.metrics["gate"]["thresholds_missed"] else {}
    return {
        "package": f"{result.package.arn} ({result.package.approval_status})",
        "endpoint": f"none: deploy.mode is {config.deploy.mode}",
    }


def _print_evaluation(result: OfflineRunResult) -> None:
    metrics = result.metrics
    print_line()
    if result.package is not None:
        summary = result.package.summary
        splits = ", ".join(f"{summary[split]['images']} {split}" for split in ("train", "validation", "test"))
        print_line(f"{describe_label_use(summary)[0]}; images: {splits}")
    tested = metrics["images"]["test"]
    print_line(f"on {tested} test images, never trained on (offline stand-in, not AWS's detector):")
    print_metrics(metrics)
    print_line(f"\ngate: {metrics['gate']['message']}\n")


def _annotate_test_image(config: Config, package: Package, endpoint: str, path: Path) -> None:
    region = config.aws.region
    content = read_bytes(client("s3", region), test_image_uris(region, package)[0])
    detections = served_detector(config, endpoint).detect(content)
    with Image.open(io.BytesIO(content)) as image:
        detections.draw(image, package.thresholds).save(path, quality=92)
    if note := font_note(package.classes):
        print_line(f"note: {note}", to_stderr=True)
