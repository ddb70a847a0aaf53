"""What review queues are made from: an evaluated model's detections, its detections on other images, and labels."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.expected_mistakes import ImageDetections
from groundloop.detections.table import NAME as TABLE
from groundloop.detections.table import parse_outcomes
from groundloop.errors import UserError
from groundloop.labels.attributes import CANONICAL
from groundloop.labels.grouping import Grouping
from groundloop.labels.manifest import ManifestReader, open_manifest
from groundloop.review.image_list import ListedImage
from groundloop.review.queue import Model
from groundloop.review.selection import Candidate

if TYPE_CHECKING:
    from groundloop.detections.endpoint import Detector
    from pipeline.config import Config

SPLITS = ("validation", "test")
_METRICS = "evaluation.json"
_STEP = "Evaluate"
_MAX_VERSION_DIGITS = 9
#: Edges are often off where detections that match overlap their object by less than this, on average.
_UNSURE_EDGES_IOU = 0.75
_MIN_MATCHES = 20
_THREADS = 4


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
    config = settings()
    if which is not None and which.isdecimal() and len(which) <= _MAX_VERSION_DIGITS:
        return _of_version(config, int(which))
    return _of_execution(config, which)


def _of_local_run(folder: Path) -> EvaluatedModel:
    jobs = sorted(folder.glob("jobs/*Evaluate*"), key=lambda path: path.stat().st_mtime)
    evaluation = jobs[-1] / "processing" / "output" / "evaluation" if jobs else folder
    if not (evaluation / _METRICS).is_file():
        raise UserError(
            f"{folder} is not the folder of a local run whose Evaluate step succeeded: give a folder such as "
            ".groundloop/20261121-093000-4711, which groundloop local run names"
        )
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


def evaluated_images(model: EvaluatedModel, splits: Sequence[str], grouping: Grouping) -> list[Candidate]:
    """Return the images on which a model was evaluated, with its detections.

    Test images are shown without boxes: correcting the ground truth of the test split only where it differs from a
    model's detections would favour that model.
    """
    found: defaultdict[str, list[OutcomeRow]] = defaultdict(list)
    for row in model.rows:
        if row.score is not None:
            found[row.source_ref].append(row)
    reader = ManifestReader(CANONICAL)
    candidates: list[Candidate] = []
    for split in splits:
        for number, line in enumerate(model.manifests[split], start=1):
            record = reader.read_line(number, line).record
            if record is None:
                continue
            candidates.append(
                Candidate(
                    source_ref=record.source_ref,
                    width=record.width,
                    height=record.height,
                    detections=_from_rows(found[record.source_ref]),
                    group=grouping(record.source_ref, line) if grouping else "",
                    line=line,
                    blind=split == "test",
                )
            )
    return candidates


def _from_rows(rows: Sequence[OutcomeRow]) -> ImageDetections:
    return ImageDetections(
        tuple(row.class_name for row in rows),
        np.array([row.score for row in rows], dtype=np.float64),
        np.array([row.box for row in rows], dtype=np.float64).reshape(-1, 4),
    )


def predicted_images(
    images: Iterable[ListedImage],
    body: Callable[[str], bytes],
    detector: Detector,
    grouping: Grouping,
) -> list[Candidate]:
    """Return images with the detections that a detector finds on them now.

    Args:
        images: to look at.
        body: reads an image by its name.
        detector: the endpoint, or the stand-in.
        grouping: how images belong together.
    """

    def predicted(image: ListedImage) -> Candidate:
        """Ask the detector."""
        found = detector.detect(body(image.source_ref))
        detections = ImageDetections(tuple(found.names), found.scores, found.pixels(image.width, image.height))
        group = grouping(image.source_ref, b"{}") if grouping else ""
        return Candidate(image.source_ref, image.width, image.height, detections, group)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(predicted, images))


def detector_of(model: EvaluatedModel, settings: Callable[[], Config]) -> Detector:
    """Return what detects objects with a model: the endpoint that serves it, or the stand-in with a local run's files.

    Args:
        model: the model.
        settings: reads the configuration, which names the endpoint.

    Raises:
        UserError: the endpoint serves another model, or there is none.
    """
    if model.folder is not None:
        return _LocalDetector(model.folder, model.classes)
    from groundloop.models.packages import served_by
    from groundloop.models.predict import detector

    config = settings()
    endpoint = config.deploy.endpoint.name
    served = served_by(config.aws.region, endpoint, config.registry.group)
    if model.package is None or served.arn != model.package:
        raise UserError(
            f"endpoint {endpoint!r} serves version {served.version}, and its detections are needed: give that version, "
            "or deploy the one that you mean first"
        )
    upload_prefix = f"s3://{config.aws.bucket}/{config.aws.prefix}/predict"
    return detector(config.aws.region, endpoint, model.classes, upload_prefix=upload_prefix)


class _LocalDetector:
    """The stand-in of the offline AWS with the model that a local run trained."""

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        import threading

        from groundloop.local.detector.artifact import load
        from groundloop.local.detector.errors import StandInError

        models = sorted(folder.glob("jobs/*Train*/model"), key=lambda path: path.stat().st_mtime)
        if not models:
            raise UserError(f"{folder} holds no trained model (jobs/*Train*/model)")
        try:
            self._detector = load(models[-1])
        except StandInError as error:
            raise UserError(str(error)) from None
        self._classes = classes
        self._lock = threading.Lock()

    def detect(self, image: bytes) -> Any:
        """Return the detections of one image."""
        from groundloop.detections.predictions import parse_detections
        from groundloop.local.detector.images import UnreadableImageError

        try:
            with self._lock:
                rows = self._detector.detect(image)
        except UnreadableImageError:  # the reviewer will see it, and say so
            rows = []
        return parse_detections(json.dumps({"prediction": rows}).encode(), self._classes, "the local model")
