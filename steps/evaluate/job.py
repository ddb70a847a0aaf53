"""The Evaluate job: scores predictions against the ground truth; writes metrics, the gate's verdict and the report."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from groundloop.errors import UserError
from groundloop.images.s3 import S3Images
from groundloop.labels.split import Split
from steps import jobs
from steps.evaluate.champion import compare
from steps.evaluate.gate import verdict
from steps.evaluate.ground_truth import (
    images_shown_with_boxes,
    join_predictions,
    read_ground_truth,
    read_summary,
    slices_of,
)
from steps.evaluate.registry_metadata import registry_metadata
from steps.evaluate.requirements import parse_improvements, parse_thresholds
from steps.evaluate.results import from_s3, skip_images, write_results
from steps.evaluate.tracking import EvaluatedExecution, track
from steps.evaluate.training_curve import read_training_curve, training_json
from steps.jobs import say

if TYPE_CHECKING:
    from groundloop.report import TrainingCurve

SCORED = (Split.VALIDATION.value, Split.TEST.value)
_LOGGED_METRICS = ("map", "map_50", "map_75", "voc_map", "voc_map_07", "ar_100")


def parse(argv: Sequence[str] | None) -> Namespace:
    """Parse the arguments; every path has SageMaker's path as its default."""
    processing = Path("/opt/ml/processing")
    parser = ArgumentParser(prog="evaluate", description=__doc__)
    parser.add_argument("--manifests", type=Path, default=processing / "input/manifests", help="what Prepare wrote")
    parser.add_argument("--predictions", type=Path, default=processing / "input/predictions", help="the .out files")
    parser.add_argument("--report", type=Path, default=processing / "input/report", help="Prepare's summary.json")
    parser.add_argument("--output", type=Path, default=processing / "output/evaluation")
    parser.add_argument("--minimum", nargs="*", default=[], metavar="METRIC=NUMBER", help="minimums of metrics")
    parser.add_argument("--maximum", nargs="*", default=[], metavar="METRIC=NUMBER", help="maximums of metrics")
    parser.add_argument(
        "--champion-group",
        metavar="NAME",
        help="package group of the champion",
    )
    parser.add_argument("--min-improvement", nargs="*", default=[], metavar="METRIC=NUMBER", help="over the champion")
    parser.add_argument("--threshold-rule", choices=("best_f1", "precision", "recall"), default="best_f1")
    parser.add_argument("--threshold-target", type=float, help="the precision or recall to reach")
    parser.add_argument("--per-class-threshold", action="store_true", help="one threshold for each class")
    parser.add_argument("--resamples", type=int, default=1000, help="of the bootstrap intervals; 0: none")
    parser.add_argument("--interval-level", type=float, default=0.95)
    parser.add_argument("--interval-seed", type=int, default=1)
    parser.add_argument("--slices", nargs="*", default=[], metavar="KEY", help="keys of the lines to slice metrics by")
    parser.add_argument("--training-job", metavar="NAME", help="whose log has the training curve")
    parser.add_argument("--execution", metavar="ARN", help="for the report")
    parser.add_argument("--input-manifest", metavar="URI", help="for the report")
    parser.add_argument("--mlflow", nargs=2, metavar=("URI", "EXPERIMENT"), help="where the run is logged")
    parser.add_argument("--no-gallery", action="store_true", help="don't read images from S3")
    jobs.add_message_file(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return 0, or 1 after a user's mistake. A missed gate is not one: the pipeline decides on it."""
    arguments = parse(argv)
    return jobs.run(lambda: evaluate(arguments), arguments.message_file)


def evaluate(arguments: Namespace) -> None:
    """Read ground truth and predictions, score, compare, decide on the gate, write.

    Raises:
        UserError: files are missing, broken or contradictory, so that the metrics would be unreliable.
    """
    requirements = parse_thresholds(arguments.minimum, arguments.maximum)
    improvements = parse_improvements(arguments.min_improvement)
    if improvements and not arguments.champion_group:
        raise UserError("--min-improvement needs --champion-group, the group of the champion")
    # Not at the top: these take a moment to load, and a wrong argument is reported at once.
    from groundloop.detections.evaluate import evaluate as score
    from groundloop.detections.metrics import as_json
    from groundloop.detections.thresholds import ThresholdRule
    from steps.evaluate.baseline import write_baseline

    rule = ThresholdRule(arguments.threshold_rule, arguments.threshold_target, arguments.per_class_threshold)
    summary = read_summary(arguments.report / "summary.json")
    classes: list[str] = summary["classes"]
    truth = {split: read_ground_truth(arguments.manifests / f"{split}.manifest", classes) for split in SCORED}
    both = {record.source_ref for record in truth["validation"]} & {record.source_ref for record in truth["test"]}
    if both:
        raise UserError(f"{min(both)} is in validation and test: run Prepare again")
    joined = join_predictions(truth, arguments.predictions, classes)
    images = joined.splits
    say(f"evaluate: {len(images['validation'])} validation and {len(images['test'])} test images")
    for warning in joined.warnings():
        say(warning)
    evaluation = score(
        images["validation"],
        images["test"],
        classes,
        rule,
        resamples=arguments.resamples,
        level=arguments.interval_level,
        seed=arguments.interval_seed,
        slices=slices_of(arguments.manifests / "test.manifest", arguments.slices),
    )
    metrics = as_json(evaluation)
    if arguments.champion_group:
        metrics["champion"] = compare(
            arguments.champion_group,
            gains=improvements,
            images=images["test"],
            classes=classes,
            evaluation=metrics,
            score=score_at(classes),
            read_table=read_table,
            shown=images_shown_with_boxes(arguments.manifests / "test.manifest"),
        )
        corrections = metrics["champion"].pop("label_corrections", None)
        if corrections is not None:
            metrics["label_corrections"] = corrections
    training = read_training_curve(arguments.training_job)
    if training.missing:
        say(f"no training curve: {training.missing}")
    if training.not_evaluated:
        say(f"training log: {training.not_evaluated}")
    for finding in training.findings:
        say(f"training log: {finding.text}")
    metrics["training"] = training_json(arguments.training_job, training)
    metrics["gate"] = verdict(metrics, requirements, metrics.get("champion"), improvements)
    metrics["registry"] = registry_metadata(metrics, summary)
    log_metrics(metrics)
    write_results(
        arguments.output,
        evaluation,
        images,
        metrics,
        skip_images("the job ran with --no-gallery") if arguments.no_gallery else from_s3,
        title="Evaluation on the test split",
        training=training,
        details=dict(_provenance(arguments, summary, training)),
        notes=list(stand_in_notes()),
    )
    thresholds = {name: metrics["class_thresholds"].get(name, metrics["threshold"]) for name in classes}
    message = write_baseline(
        arguments.output,
        truth,
        images,
        thresholds,
        model=arguments.training_job or arguments.execution or "",
        images=None if arguments.no_gallery else S3Images,
    )
    say(message)
    say(f"written: {arguments.output}")
    if arguments.mlflow:
        if not arguments.execution:
            raise UserError("--mlflow needs --execution, by which the run is found again")
        content = EvaluatedExecution(arguments.execution, metrics, summary, arguments.training_job)
        uri, experiment = arguments.mlflow
        say(track(uri, experiment, content, arguments.output))


def _provenance(arguments: Namespace, summary: Mapping[str, Any], training: TrainingCurve) -> Iterator[tuple[str, str]]:
    """Yield what the report says of the model's origin, by what each is called; what isn't known is left out."""
    yield "date", datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    given = ("execution", arguments.execution), ("training job", arguments.training_job)
    yield from (item for item in (*given, ("manifest", arguments.input_manifest)) if item[1])
    yield "training images", str(summary["train"]["images"])
    if training.epochs:
        yield "epochs", str(len(training.epochs))
    yield "data fingerprint", summary["fingerprint"]


def score_at(classes: Sequence[str]) -> Any:
    """Return a function that scores any images at given thresholds, for the comparison of two models."""
    from groundloop.detections.evaluate import evaluate_at
    from groundloop.detections.metrics import as_json

    return lambda images, thresholds: as_json(evaluate_at(images, classes, thresholds))


def read_table(content: bytes) -> Any:
    """Read the rows of another model's table of detections."""
    from groundloop.detections.table import parse_outcomes

    return parse_outcomes(content)


def stand_in_notes() -> Iterator[str]:
    """Yield a note if the metrics are not those of AWS's detector."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if urlsplit(endpoint).hostname in ("127.0.0.1", "localhost"):
        yield (
            f"Made on an offline AWS ({endpoint}): the detector is a stand-in, and these metrics say nothing "
            "about what AWS's built-in algorithm would reach."
        )


def log_metrics(metrics: Mapping[str, Any]) -> None:
    """Write the metrics to the log."""
    say("test: " + ", ".join(f"{name} {_formatted(metrics[name])}" for name in _LOGGED_METRICS))
    for name, numbers in metrics["per_class"].items():
        values = ", ".join(f"{key} {_formatted(numbers[key])}" for key in ("ap", "ap_50", "precision", "recall", "f1"))
        say(f"    {name}: {values}, {numbers['boxes']} boxes")
    for key, by_value in metrics.get("slices", {}).items():
        for value, numbers in by_value.items():
            values = ", ".join(
                f"{name} {_formatted(numbers[name])}" for name in ("map", "map_50", "precision", "recall")
            )
            say(f"    {key} {value}: {values}, {numbers['images']} images")
    for name, (low, high) in metrics["intervals"]["metrics"].items():
        if name.startswith("slices."):
            continue
        say(f"    {metrics['intervals']['level']:.0%} interval of {name}: {low:.3f} to {high:.3f}")
    count = metrics["count"]
    say(
        f"threshold {metrics['threshold']:.3f} ({metrics['threshold_rule']}); counts on test: mean error "
        f"{count['mae']:.2f}, bias {count['bias']:+.2f}, exact on {count['exact_share']:.0%} of images"
    )
    if "champion" in metrics:
        say(f"champion: {metrics['champion']['message']}")
    if "label_corrections" in metrics:
        say(f"label corrections: {metrics['label_corrections']['message']}")
    say(f"gate: {metrics['gate']['message']}")


def _formatted(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
