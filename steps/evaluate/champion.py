"""The champion: the highest approved version of the package group, on the images that it was tested on too.

A comparison on different images means little. The split is by image, so most test images of the champion are still test
images, and its detections on them lie beside its evaluation: they are scored again, against today's ground truth and by
class name, next to the new model's on the same images.

The job's role needs `sagemaker:ListModelPackages` and `sagemaker:DescribeModelPackage` on the package group, and
`s3:GetObject` and `s3:ListBucket` where the versions' evaluations lie (without the latter, S3 says "access denied" of a
file that is not there).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from groundloop.errors import UserError
from groundloop.labels.records import Record
from groundloop.models.version_selection import champion as champion_of
from groundloop.s3 import is_missing, split_uri
from steps.clients import job_client
from steps.evaluate.label_corrections import Score, ScoredModel, label_corrections, labels_by_image
from steps.evaluate.metric_names import comparable_metrics

if TYPE_CHECKING:
    from groundloop.detections.dataset import ScoredImage
    from groundloop.detections.evaluation import OutcomeRow

#: Reads the rows of a detections.csv.gz.
ReadTable: TypeAlias = "Callable[[bytes], Iterable[OutcomeRow]]"

TABLE = "detections.csv.gz"


@dataclass(frozen=True, slots=True)
class Champion:
    """A version, and what it left behind.

    Attributes:
        evaluation: its evaluation.json.
        table: its detections; None for a version from before there was one.
        test_images: URIs of its test split; None where its manifest is gone.
        test_labels: by image, the labels on which it was tested.
    """

    arn: str
    version: int
    evaluation: Mapping[str, Any]
    table: Sequence[OutcomeRow] | None
    test_images: frozenset[str] | None
    test_labels: Mapping[str, Record]


class _UnreadableError(Exception):
    """The registry, or what a version left behind, cannot be read; the text says why and what to do."""


class _ClassScores(msgspec.Struct):
    threshold: float | None = None


class _Evaluation(msgspec.Struct):
    """What is looked up in an evaluation.json, of whatever release; other metrics may be missing."""

    threshold: float
    per_class: dict[str, _ClassScores] = {}


class _Line(msgspec.Struct):
    source_ref: str = msgspec.field(name="source-ref")


def compare(
    group: str,
    *,
    gains: Mapping[str, float],
    images: Sequence[ScoredImage],
    classes: Sequence[str],
    evaluation: Mapping[str, Any],
    score: Score,
    read_table: ReadTable,
    shown: Collection[str] = (),
    clients: Callable[[str], Any] | None = None,
) -> dict[str, Any]:
    """Compare the new model with the champion: the `champion` part of evaluation.json.

    Args:
        gains: the minimum improvement over the champion by metric, as the gate requires it; without any, a registry
            that cannot be read is noted in the message, and not an error.
        images: the test split with the new model's detections.
        classes: names in id order.
        evaluation: the new model's evaluation.json so far.
        score: gives metrics for any of the images.
        read_table: reads a champion's detections.
        shown: test images whose labels reviewers corrected with labels or detections in view.
        clients: makes a boto3 client of a service (`sagemaker`, `s3`); None: of the job's region.

    Returns:
        As :func:`side_by_side`; without a champion `{"package": None, "message": why}`.

    Raises:
        UserError: an improvement is required, and the champion cannot be read.
    """
    try:
        champion = read_champion(group, read_table, clients or job_client)
    except _UnreadableError as error:
        if gains:
            raise UserError(
                "gate.min_improvement_over_champion requires a comparison with the champion (the highest approved "
                f"version), but {error}"
            ) from None
        return {"package": None, "message": f"not compared with the champion (the highest approved version): {error}"}
    if champion is None:
        return {"package": None, "message": f"no champion yet: {group} has no approved version to compare with"}
    return side_by_side(champion, images, classes, evaluation, score, gains, shown)


def side_by_side(
    champion: Champion,
    images: Sequence[ScoredImage],
    classes: Sequence[str],
    evaluation: Mapping[str, Any],
    score: Score,
    gains: Iterable[str] = (),
    shown: Collection[str] = (),
) -> dict[str, Any]:
    """Score both models on the shared test images; where there are none, take each model's own evaluation.

    Returns:
        package, version; images_shared: how many images the metrics are of, 0 when each model's are of its own;
        metrics: the champion's by dotted path; candidate: the new model's; message. Of single classes only
        the metrics are included of which an improvement is required. Where labels of shared images were corrected
        since the champion was tested: label_corrections, see `steps.evaluate.label_corrections`.
    """
    theirs: list[ScoredImage] = []
    corrections = None
    if champion.table is not None:
        theirs = _champions_images(champion, images, classes, champion.table)
    if theirs:
        shared = {image.source_ref for image in theirs}
        ours = [image for image in images if image.source_ref in shared]
        models = {
            "candidate": ScoredModel(ours, _thresholds(evaluation, classes)),
            "champion": ScoredModel(theirs, _thresholds(champion.evaluation, classes)),
        }
        candidate, metrics = (score(model.images, model.thresholds) for model in models.values())
        since = f"since version {champion.version} was tested"
        corrections = label_corrections(models, champion.test_labels, classes, score, since=since, shown=shown)
        message = f"compared with version {champion.version} on the {len(shared)} of {len(images)} test images "
        message += "that were its test images too"
    else:
        metrics, candidate = champion.evaluation, evaluation
        why = "none of its test images is one today" if champion.table is not None else "its detections were not kept"
        message = f"compared with version {champion.version} as it was evaluated, on other images: {why}"
    return {
        "package": champion.arn,
        "version": champion.version,
        "images_shared": len(theirs),
        "metrics": comparable_metrics(metrics, gains),
        "candidate": comparable_metrics(candidate, gains),
        "message": message,
        **({} if corrections is None else {"label_corrections": corrections}),
    }


def read_champion(group: str, read_table: ReadTable, clients: Callable[[str], Any]) -> Champion | None:
    """Read the champion of a group; None if no version is approved, or there is no group yet.

    Raises:
        _UnreadableError: no answer, no permission, a version that this pipeline didn't register, or a broken file.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        sagemaker, s3 = clients("sagemaker"), clients("s3")
        try:
            arn = champion_of(sagemaker, group)
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        if arn is None:
            return None
        described = sagemaker.describe_model_package(ModelPackageName=arn)
        return _read(described, read_table, s3)
    except ClientError as error:
        fault = error.response.get("Error", {})
        raise _UnreadableError(
            f"AWS refused {error.operation_name}: {fault.get('Code', '')}: {_one_line(fault.get('Message', ''))}; "
            "allow the job's role sagemaker:ListModelPackages and DescribeModelPackage on the group, and s3:GetObject "
            "and s3:ListBucket where its evaluations lie"
        ) from None
    except BotoCoreError as error:
        raise _UnreadableError(
            f"the registry cannot be reached: {_one_line(error)}; give the job a way to SageMaker's API"
        ) from None


def _read(described: Mapping[str, Any], read_table: ReadTable, s3: Any) -> Champion:
    arn, version = described["ModelPackageArn"], int(described["ModelPackageVersion"])
    metadata = described.get("CustomerMetadataProperties") or {}
    uri = metadata.get("evaluation", "")
    if not uri:
        raise _UnreadableError(f"version {version} names no evaluation, so this pipeline didn't register it: {arn}")
    content = _object(s3, uri)
    if content is None:
        raise _UnreadableError(f"the evaluation of version {version} is gone: {uri}")
    try:
        evaluation = msgspec.json.decode(content, type=dict[str, Any])
        msgspec.convert(evaluation, _Evaluation)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _UnreadableError(f"the evaluation of version {version}, {uri}, is not one: {error}") from None
    table_uri = f"{uri.rpartition('/')[0]}/{TABLE}"
    table = _object(s3, table_uri)
    try:
        rows = None if table is None else list(read_table(table))
    except UserError as error:
        raise _UnreadableError(f"the detections of version {version}, {table_uri}, cannot be read: {error}") from None
    manifest = _object(s3, metadata["test_manifest"]) if "test_manifest" in metadata else None
    return Champion(
        arn=arn,
        version=version,
        evaluation=evaluation,
        table=rows,
        test_images=None if manifest is None else _source_refs(manifest),
        test_labels={} if manifest is None else labels_by_image(manifest),
    )


def _object(s3: Any, uri: str) -> bytes | None:
    """Read an object's content; None if it does not exist."""
    from botocore.exceptions import ClientError

    try:
        bucket, key = split_uri(uri)
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    except UserError as error:
        raise _UnreadableError(str(error)) from None
    return content


def _source_refs(manifest: bytes) -> frozenset[str]:
    try:
        return frozenset(line.source_ref for line in msgspec.json.Decoder(_Line).decode_lines(manifest))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _UnreadableError(f"the champion's test manifest is not one: {error}") from None


def _champions_images(
    champion: Champion, images: Sequence[ScoredImage], classes: Sequence[str], table: Sequence[OutcomeRow]
) -> list[ScoredImage]:
    """Return our test images that were the champion's too: today's ground truth, its detections, our class ids.

    Detections of a class that is no longer listed count for nothing, as they would today.
    """
    from groundloop.detections.outcomes import scored_from_table

    # An image without boxes and detections has no row: the manifest knows it.
    tested = champion.test_images
    if tested is None:
        tested = frozenset(row.source_ref for row in table if row.split == "test")
    shared, _ = scored_from_table(table, [image for image in images if image.source_ref in tested], classes)
    return shared


def _thresholds(evaluation: Mapping[str, Any], classes: Sequence[str]) -> dict[str, float]:
    """Return the threshold of each class in an evaluation; the overall one for a class it doesn't have."""
    per_class = evaluation.get("per_class", {})
    overall = float(evaluation["threshold"])
    found = {name: per_class.get(name, {}).get("threshold") for name in classes}
    return {name: overall if threshold is None else float(threshold) for name, threshold in found.items()}


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
