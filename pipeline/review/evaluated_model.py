"""A model with its evaluation, which review queues are made from: of an execution, a version, or a local run."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.table import NAME as TABLE
from groundloop.detections.table import parse_outcomes
from groundloop.errors import ConfigError, UserError
from groundloop.labels.manifest import open_manifest
from groundloop.prediction.local_run import evaluation_folder
from groundloop.review.queue import Model

if TYPE_CHECKING:
    from pipeline.config import Config

SPLITS = ("validation", "test")
_METRICS = "evaluation.json"
_STEP = "Evaluate"
_MAX_VERSION_DIGITS = 9
#: Edges are often off where detections that match overlap their object by less than this, on average.
_UNSURE_EDGES_IOU = 0.75
_MIN_MATCHES = 20


@dataclass(frozen=True)
class EvaluatedModel:
    """A model with its evaluation.

    Attributes:
        name: ARN of its package or of its execution, or its folder.
        classes: names in id order.
        thresholds: score from which a detection counts, by class.
        rows: its detections on the validation and test splits.
        manifests: by split, the lines of the prepared manifest.
        folder: of a local run, where the model's files are; None for one on AWS.
        package: its version in the registry; None where it has none or nobody asked for one.
    """

    name: str
    classes: tuple[str, ...]
    thresholds: dict[str, float]
    rows: tuple[OutcomeRow, ...]
    manifests: dict[str, tuple[bytes, ...]]
    folder: Path | None = None
    package: str | None = None

    @property
    def model(self) -> Model:
        """The model as a queue describes it."""
        return Model(package=self.package or self.name, thresholds=self.thresholds)

    @property
    def frequency(self) -> dict[str, int]:
        """Objects of each class on the validation and test splits."""
        true = {(row.source_ref, row.class_name, row.true_box) for row in self.rows if row.true_box is not None}
        return dict(Counter(name for _, name, _ in true))

    @property
    def unsure_edges(self) -> tuple[int, ...]:
        """Ids of the classes whose detections often have wrong edges."""
        ious: defaultdict[str, list[float]] = defaultdict(list)
        for row in self.rows:
            if row.outcome == "TP":
                ious[row.class_name].append(row.iou)
        return tuple(
            class_id
            for class_id, name in enumerate(self.classes)
            if len(ious[name]) >= _MIN_MATCHES and float(np.mean(ious[name])) < _UNSURE_EDGES_IOU
        )


def evaluated_model(which: str | None, settings: Callable[[], Config]) -> EvaluatedModel:
    """Read the evaluation of a model.

    Args:
        which: version number, ARN or id of an execution, or the folder of a local run; None for the latest execution.
        settings: reads the configuration, for models on AWS.

    Raises:
        UserError: there is no such model, or its evaluation is not there.
    """
    if which is not None and Path(which).is_dir():
        return _of_local_run(Path(which))
    try:
        config = settings()
    except ConfigError as error:
        if which is None or which.isdecimal() or which.startswith("arn:"):
            raise
        raise UserError(
            f"there is no folder {which}: give the folder of a local run; an execution on AWS needs a configuration:",
            *error.lines,
        ) from error
    if which is not None and which.isdecimal() and len(which) <= _MAX_VERSION_DIGITS:
        return _of_version(config, int(which))
    return _of_execution(config, which)


def _of_local_run(folder: Path) -> EvaluatedModel:
    evaluation = evaluation_folder(folder)
    manifests = evaluation.parent.parent / "input" / "manifests"

    def lines(split: str) -> tuple[bytes, ...]:
        """Read the lines of a prepared manifest."""
        with open_manifest(manifests / f"{split}.manifest") as stream:
            return tuple(line.rstrip(b"\r\n") for line in stream if line.strip())

    metrics = json.loads((evaluation / _METRICS).read_bytes())
    return _evaluated(str(folder), metrics, (evaluation / TABLE).read_bytes(), str(evaluation / TABLE), lines, folder)


def _of_version(config: Config, number: int) -> EvaluatedModel:
    from groundloop.models.packages import package
    from groundloop.models.registry import version

    found = version(config.aws.region, config.registry.group, number)
    evaluation = found.metadata.get("evaluation")
    if evaluation is None:
        raise UserError(f"version {number} of {config.registry.group!r} has no evaluation in its metadata")
    test_manifest = package(config.aws.region, found.arn).test_manifest_uri
    return _of_s3(config.aws.region, found.arn, evaluation.rpartition("/")[0], test_manifest.rpartition("/")[0])


def _of_execution(config: Config, which: str | None) -> EvaluatedModel:
    from groundloop.aws import client
    from groundloop.executions.control import resolve, steps, transition
    from groundloop.executions.evaluation import output_uris

    region = config.aws.region
    arn = resolve(region, config.pipeline.name, which)
    evaluate = next((one for one in map(transition, steps(region, arn)) if one.step == _STEP), None)
    if evaluate is None or evaluate.status != "Succeeded" or evaluate.kind != "ProcessingJob":
        raise UserError(f"{arn} has no detections: its {_STEP} step has not succeeded")
    job = client("sagemaker", region).describe_processing_job(ProcessingJobName=evaluate.job)
    inputs = {item["InputName"]: item["S3Input"]["S3Uri"] for item in job["ProcessingInputs"] if "S3Input" in item}
    return _of_s3(region, arn, output_uris(job)["evaluation"], inputs["manifests"])


def _of_s3(region: str, name: str, evaluation: str, manifests: str) -> EvaluatedModel:
    from groundloop.aws import client
    from groundloop.s3 import join_uri, read_bytes, read_json

    s3 = client("s3", region)

    def lines(split: str) -> tuple[bytes, ...]:
        """Read the lines of a prepared manifest."""
        content = read_bytes(s3, join_uri(manifests, f"{split}.manifest"))
        return tuple(line for line in content.splitlines() if line.strip())

    table = join_uri(evaluation, TABLE)
    return _evaluated(name, read_json(s3, join_uri(evaluation, _METRICS)), read_bytes(s3, table), table, lines)


def _evaluated(
    name: str,
    metrics: Mapping[str, Any],
    table: bytes,
    table_name: str,
    lines: Callable[[str], tuple[bytes, ...]],
    folder: Path | None = None,
) -> EvaluatedModel:
    return EvaluatedModel(
        name=name,
        classes=tuple(metrics["classes"]),
        thresholds={key: float(value) for key, value in metrics["class_thresholds"].items()},
        rows=tuple(parse_outcomes(table, table_name)),
        manifests={split: lines(split) for split in SPLITS},
        folder=folder,
        package=name if ":model-package/" in name else None,
    )
