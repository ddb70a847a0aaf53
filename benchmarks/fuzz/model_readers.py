"""Readers of predictions, evaluations, captured requests and the registry."""

from __future__ import annotations

import functools
import io
import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.fuzz import samples
from benchmarks.fuzz.reader import Target, command, function
from benchmarks.fuzz.samples import Files


def _evaluate(folder: Path, number: int) -> None:
    command(
        *("evaluate", "--truth", folder / "test.manifest", "--predictions", folder / "predictions"),
        *("--output", folder / "evaluation", "--resamples", 10),
    )


def _evaluate_job(folder: Path, number: int) -> None:
    from steps.evaluate.job import main

    sys.exit(
        main(
            [
                *("--manifests", str(folder / "manifests"), "--predictions", str(folder / "predictions")),
                *("--report", str(folder / "report"), "--output", str(folder / "evaluation"), "--resamples", "10"),
                *("--no-gallery", "--message-file", str(folder / "message")),
            ]
        )
    )


def _evaluate_job_files() -> Files:
    manifest = samples.manifest().replace(b'"parts', b'"bounding-box').splitlines(keepends=True)
    return {
        **{name: content for name, content in samples.predictions().items() if name.endswith(".out")},
        "manifests/validation.manifest": b"".join(manifest[:10]),
        "manifests/test.manifest": b"".join(manifest[10:]),
        "report/summary.json": samples.summary(),
    }


class _Bucket:
    """S3 and the registry of SageMaker, as far as models are read: every object is a file of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  boto3's names
        return {"Body": io.BytesIO((self._folder / Key).read_bytes())}

    def list_model_packages(self, **_: Any) -> dict[str, Any]:
        return {"ModelPackageSummaryList": [self.describe_model_package()]}

    def describe_model_package(self, **_: Any) -> dict[str, Any]:
        uris = {"evaluation": "evaluation.json", "summary": "summary.json", "test_manifest": "test.manifest"}
        return {
            "ModelPackageArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/detectors/3",
            "ModelPackageVersion": 3,
            "ModelApprovalStatus": "Approved",
            "CustomerMetadataProperties": {key: f"s3://bucket/{name}" for key, name in uris.items()},
        }

    def get_paginator(self, _: str) -> Any:
        return mock.Mock(paginate=lambda **__: [self.list_model_packages()])


def _registry_files() -> Files:
    return {
        "evaluation.json": samples.evaluation(),
        "summary.json": samples.summary(),
        "test.manifest": samples.manifest(),
        "detections.csv.gz": samples.outcomes(),
    }


def _package(folder: Path, number: int) -> None:
    from groundloop.executions import evaluation
    from groundloop.models import packages
    from pipeline.cli.metrics_table import print_metrics
    from pipeline.cli.run_end import missed_gate_advice

    def read() -> None:
        with mock.patch.object(packages, "client", return_value=_Bucket(folder)):
            package = packages.package("us-east-1", "arn")
        print(len(package.classes), package.threshold, package.thresholds)
        with mock.patch.object(evaluation, "client", return_value=_Bucket(folder)):
            metrics = evaluation.read_metrics("us-east-1", "s3://bucket")
        print_metrics(metrics)
        if metrics["gate"]["thresholds_missed"]:
            missed_gate_advice(metrics)

    function(read)


def _champion(folder: Path, number: int) -> None:
    from groundloop.detections.evaluate import evaluate
    from groundloop.detections.metrics import as_json
    from groundloop.detections.table import parse_outcomes
    from groundloop.detections.thresholds import ThresholdRule
    from steps.evaluate.champion import compare

    images, classes = _scored(), ["nut", "bolt"]

    def score(of: Any, thresholds: Any) -> Any:
        return as_json(evaluate(of, of, classes, ThresholdRule("best_f1"), resamples=0))

    def read() -> None:
        compared = compare(
            "detectors",
            gains={"map_50": 0.01} if number % 2 else {},
            images=images,
            classes=classes,
            evaluation=json.loads(samples.evaluation()),
            score=score,
            read_table=parse_outcomes,
            clients=lambda _: _Bucket(folder),
        )
        from pipeline.cli.output import print_line

        print_line(compared["message"])

    function(read)


@functools.cache
def _scored() -> Any:
    """Return the images of the sample with their detections."""
    import tempfile

    from steps.evaluate.ground_truth import join_predictions, read_ground_truth

    with tempfile.TemporaryDirectory() as place:
        folder, classes = Path(place), ["nut", "bolt"]
        samples.write(folder, samples.predictions())
        records = read_ground_truth(folder / "test.manifest", classes, "parts")
        return join_predictions({"test": records}, folder / "predictions", classes).splits["test"]


def _table(folder: Path, number: int) -> None:
    from groundloop.detections.table import parse_outcomes

    function(lambda: list(parse_outcomes((folder / "detections.csv.gz").read_bytes())))


def _captures(folder: Path, number: int) -> None:
    from groundloop.detections.captures.files import capture_files
    from groundloop.detections.captures.requests import CaptureReader
    from pipeline.cli.output import print_line
    from pipeline.review.captures import captured_images

    def read() -> None:
        found = captured_images(CaptureReader(capture_files(str(folder / "captured"))), ["bolt", "nut"])
        for note in found.notes:
            print_line(note)
        found.store(CaptureReader(capture_files(str(folder / "captured"))), sorted(found.by_name), folder / "images")

    function(read)


TARGETS = (
    Target("predictions, by evaluate", samples.predictions, ("predictions/", "test."), _evaluate, 2),
    Target(
        "predictions, by Evaluate", _evaluate_job_files, ("predictions/", "manifests/", "report/"), _evaluate_job, 2
    ),
    Target("detections.csv.gz", lambda: {"detections.csv.gz": samples.outcomes()}, ("detections",), _table, 2),
    Target("captured requests", samples.captures, ("captured/",), _captures, 2),
    Target("evaluation and summary of a model version", _registry_files, ("evaluation", "summary"), _package, 2),
    Target("files of the champion", _registry_files, ("evaluation", "detections", "test."), _champion, 2),
)
