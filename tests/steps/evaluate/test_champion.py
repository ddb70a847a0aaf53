"""The champion (the highest approved version), and its metrics beside the new model's."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate_at
from groundloop.detections.evaluation import OutcomeRow
from groundloop.errors import UserError
from steps.evaluate.champion import compare
from steps.evaluate.metric_names import ERROR_METRICS, OTHERS, RATIO_METRICS

CLASSES = ["bolt", "nut"]
GROUP = "detectors"
FOLDER = "executions/1/evaluation"
BOX = (10.0, 10.0, 30.0, 30.0)
ELSEWHERE = (60.0, 60.0, 80.0, 80.0)


def image(key: str, detections: Sequence[tuple[str, float, tuple[float, ...]]], true: str = "nut") -> ScoredImage:
    """An image with one ground-truth box, detected as given."""
    return ScoredImage(
        source_ref=f"s3://data/{key}",
        true_boxes=np.array([BOX]),
        true_ids=np.array([CLASSES.index(true)]),
        boxes=np.array([box for _, _, box in detections], dtype=np.float64).reshape(-1, 4),
        class_ids=np.array([CLASSES.index(name) for name, _, _ in detections], dtype=np.int64),
        scores=np.array([score for _, score, _ in detections], dtype=np.float64),
    )


def row(key: str, name: str, score: float | None, box: Any = BOX, split: str = "test") -> OutcomeRow:
    return OutcomeRow(split, f"s3://data/{key}", "TP" if score else "FN", name, score, box if score else None, 1.0, BOX)


def score(images: Sequence[ScoredImage], thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Metrics that are enough to compare: one that ranks, and counts at the thresholds."""
    found = evaluate_at(images, CLASSES, thresholds)
    by_class = {metrics.name: {"mae": metrics.count.mae} for metrics in found.per_class}
    return {
        "map_50": found.metrics["map_50"],
        "count": {"mae": found.count.mae, "per_class": by_class},
        "images": {"test": found.test_images},
        "threshold": found.threshold,
    }


class FakeS3:
    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}


class FakeSageMaker:
    """A registry of versions, or the error that it answers."""

    def __init__(self, versions: dict[int, dict[str, str]], error: Exception | None = None) -> None:
        self.versions, self.error = versions, error

    def get_paginator(self, operation: str) -> FakeSageMaker:
        assert operation == "list_model_packages"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        assert (asked["ModelPackageGroupName"], asked["ModelApprovalStatus"]) == (GROUP, "Approved")
        if self.error:
            raise self.error
        yield {"ModelPackageSummaryList": []}  # a page may be empty though others follow
        for version in self.versions:
            yield {"ModelPackageSummaryList": [{"ModelPackageArn": f"arn/{version}", "ModelPackageVersion": version}]}

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        version = int(ModelPackageName.rpartition("/")[2])
        return {
            "ModelPackageArn": ModelPackageName,
            "ModelPackageVersion": version,
            "CustomerMetadataProperties": self.versions[version],
        }


METADATA = {
    "evaluation": f"s3://bucket/{FOLDER}/evaluation.json",
    "test_manifest": "s3://bucket/manifests/test.manifest",
}
RECORDED = {"threshold": 0.5, "map_50": 0.4, "count": {"mae": 2.0}, "per_class": {"nut": {"threshold": 0.7}}}


class Comparison:
    """The new model's test images, the champion's files, and the registry that names them."""

    def __init__(self) -> None:
        good, bad = [("nut", 0.9, BOX)], [("nut", 0.9, ELSEWHERE)]
        self.images = [image("1.jpg", good), image("2.jpg", good), image("new.jpg", bad)]
        self.table: list[OutcomeRow] = [row("1.jpg", "nut", 0.8), row("2.jpg", "nut", 0.8, ELSEWHERE)]
        self.objects = {
            f"{FOLDER}/evaluation.json": json.dumps(RECORDED).encode(),
            f"{FOLDER}/detections.csv.gz": b"table",
            "manifests/test.manifest": b"".join(
                json.dumps({"source-ref": f"s3://data/{key}", "bounding-box": {}}).encode() + b"\n"
                for key in ("1.jpg", "2.jpg", "old.jpg")
            ),
        }
        self.sagemaker = FakeSageMaker({3: METADATA})

    def read_table(self, content: bytes) -> list[OutcomeRow]:
        assert content == b"table"
        return self.table

    def compare(self, *gains: str) -> dict[str, Any]:
        services = {"sagemaker": self.sagemaker, "s3": FakeS3(self.objects)}
        own = {**score(self.images, dict.fromkeys(CLASSES, 0.5)), "threshold": 0.5}
        return compare(
            GROUP,
            gains=dict.fromkeys(gains, 0.0),
            images=self.images,
            classes=CLASSES,
            evaluation=own,
            score=score,
            read_table=self.read_table,
            clients=services.__getitem__,
        )


def test_the_gate_knows_every_metric_that_is_measured() -> None:
    found = evaluate_at([image("1.jpg", [("nut", 0.9, BOX)])], CLASSES, dict.fromkeys(CLASSES, 0.5))
    assert set(found.metrics) <= RATIO_METRICS
    for field in ("mae", "rmse", "bias", "exact_share"):
        assert hasattr(found.count, field)
        assert field in RATIO_METRICS | ERROR_METRICS | OTHERS


@pytest.fixture
def comparison() -> Comparison:
    return Comparison()


def test_both_are_scored_on_the_test_images_that_both_have(comparison: Comparison) -> None:
    found = comparison.compare()
    assert (found["package"], found["version"], found["images_shared"]) == ("arn/3", 3, 2)
    assert found["candidate"]["map_50"] == pytest.approx(1), "the image that only the new model was tested on is out"
    assert found["metrics"]["map_50"] == pytest.approx(0.5, abs=0.01), "one of two found"
    assert found["message"] == "compared with version 3 on the 2 of 3 test images that were its test images too"


def test_only_metrics_that_can_be_better_or_worse_are_compared(comparison: Comparison) -> None:
    assert set(comparison.compare()["metrics"]) == {"map_50", "count.mae"}


def test_metrics_of_a_class_are_compared_when_they_are_asked_for(comparison: Comparison) -> None:
    found = comparison.compare("count.per_class.nut.mae")
    assert set(found["metrics"]) == set(found["candidate"]) == {"map_50", "count.mae", "count.per_class.nut.mae"}


def test_truth_is_todays_and_detections_are_matched_by_class_name(comparison: Comparison) -> None:
    comparison.images = [image("1.jpg", [("bolt", 0.9, BOX)], true="bolt")]
    comparison.table = [row("1.jpg", "bolt", 0.8), row("1.jpg", "washer", 0.99), row("1.jpg", "bolt", None)]
    found = comparison.compare()
    assert found["metrics"]["map_50"] == pytest.approx(1), "a class no longer listed counts for nothing"


def test_each_model_is_taken_at_its_own_threshold(comparison: Comparison) -> None:
    comparison.images = [image("1.jpg", [("nut", 0.6, BOX)])]
    comparison.table = [row("1.jpg", "nut", 0.6)]
    found = comparison.compare()
    assert found["candidate"]["count.mae"] == 0, "0.6 is over the new model's 0.5"
    assert found["metrics"]["count.mae"] == 1, "and under the champion's 0.7 for this class"


def test_rows_of_the_validation_split_are_no_test_results(comparison: Comparison) -> None:
    comparison.table = [
        row("1.jpg", "nut", 0.8),
        row("2.jpg", "nut", 0.8),
        row("1.jpg", "nut", 0.9, ELSEWHERE, "validation"),
    ]
    assert comparison.compare()["metrics"]["map_50"] == pytest.approx(1)


def test_an_image_of_which_the_table_has_no_row_is_shared_all_the_same(comparison: Comparison) -> None:
    comparison.table = [row("1.jpg", "nut", 0.8)]
    found = comparison.compare()
    assert found["images_shared"] == 2
    assert found["metrics"]["map_50"] == pytest.approx(0.5, abs=0.01)


def test_without_its_manifest_the_champions_images_are_those_of_its_table(comparison: Comparison) -> None:
    del comparison.objects["manifests/test.manifest"]
    comparison.table = [row("1.jpg", "nut", 0.8)]
    assert comparison.compare()["images_shared"] == 1


def test_a_champion_without_a_table_is_taken_as_it_was_evaluated(comparison: Comparison) -> None:
    del comparison.objects[f"{FOLDER}/detections.csv.gz"]
    found = comparison.compare()
    assert (found["images_shared"], found["metrics"]["map_50"]) == (0, 0.4)
    assert found["candidate"]["map_50"] < 1, "the new model's on all its test images"
    assert "on other images: its detections were not kept" in found["message"]


def test_a_champion_without_a_shared_image_is_taken_as_it_was_evaluated(comparison: Comparison) -> None:
    comparison.images = [image("new.jpg", [("nut", 0.9, BOX)])]
    found = comparison.compare()
    assert (found["images_shared"], found["metrics"]["map_50"]) == (0, 0.4)
    assert "on other images: none of its test images is one today" in found["message"]


def test_the_highest_approved_version_is_the_champion(comparison: Comparison) -> None:
    comparison.sagemaker = FakeSageMaker({2: {}, 11: METADATA, 9: {}})
    assert comparison.compare()["version"] == 11


@pytest.mark.parametrize(
    "sagemaker",
    [
        pytest.param(FakeSageMaker({}), id="nothing approved"),
        pytest.param(
            FakeSageMaker(
                {},
                ClientError(
                    {"Error": {"Code": "ValidationException", "Message": "ModelPackageGroup x does not exist."}}, "List"
                ),
            ),
            id="no group",
        ),
    ],
)
def test_no_approved_version_yet_is_no_failure(comparison: Comparison, sagemaker: FakeSageMaker) -> None:
    comparison.sagemaker = sagemaker
    found = comparison.compare("map_50")
    assert found == {"package": None, "message": "no champion yet: detectors has no approved version to compare with"}


def _registry(error: Exception) -> Callable[[Comparison], None]:
    def change(comparison: Comparison) -> None:
        comparison.sagemaker.error = error

    return change


def _objects(**contents: bytes | None) -> Callable[[Comparison], None]:
    def change(comparison: Comparison) -> None:
        for name, content in contents.items():
            key = next(key for key in comparison.objects if name in key)
            if content is None:
                del comparison.objects[key]
            else:
                comparison.objects[key] = content

    return change


def _no_metadata(comparison: Comparison) -> None:
    comparison.sagemaker.versions = {3: {}}


def _no_uri(comparison: Comparison) -> None:
    comparison.sagemaker.versions = {3: {"evaluation": "evaluation.json"}}


def _broken_table(comparison: Comparison) -> None:
    def refuse(content: bytes) -> list[OutcomeRow]:
        raise UserError("line 7: no score")

    comparison.read_table = refuse  # type: ignore[method-assign]


DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "ListModelPackages")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            _registry(DENIED),
            "AWS refused ListModelPackages: AccessDeniedException: not you; allow the job's role",
            id="no permission",
        ),
        pytest.param(
            _registry(EndpointConnectionError(endpoint_url="https://api.sagemaker")),
            "the registry cannot be reached: Could not connect",
            id="no network",
        ),
        pytest.param(
            _no_metadata, "version 3 names no evaluation, so this pipeline didn't register it", id="another's"
        ),
        pytest.param(_no_uri, "'evaluation.json' is not an S3 URI", id="no S3 URI"),
        pytest.param(_objects(evaluation=None), "the evaluation of version 3 is gone: s3://bucket/exec", id="gone"),
        pytest.param(_objects(evaluation=b"<html>"), "evaluation.json, is not one: JSON is malformed", id="no JSON"),
        pytest.param(_objects(evaluation=b"{}"), "missing required field `threshold`", id="no evaluation"),
        pytest.param(_objects(manifest=b"x"), "the champion's test manifest is not one", id="no manifest"),
        pytest.param(_broken_table, "detections.csv.gz, cannot be read: line 7: no score", id="a broken table"),
    ],
)
def test_a_champion_that_cannot_be_read_fails_the_job_only_when_it_is_to_be_beaten(
    comparison: Comparison, change: Callable[[Comparison], None], message: str
) -> None:
    change(comparison)
    with pytest.raises(UserError) as refused:
        comparison.compare("map_50")
    assert str(refused.value).startswith("gate.min_improvement_over_champion requires a comparison")
    assert message in str(refused.value)
    found = comparison.compare()
    assert found["package"] is None
    assert found["message"].startswith("not compared with the champion (the highest approved version): ")
    assert message in found["message"]


def test_the_champion_is_read_from_the_registry_of_the_jobs_environment(
    comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundloop.local import LocalAws

    with LocalAws(home=tmp_path, port=0) as aws:
        s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
        s3.create_bucket(Bucket="bucket")
        for key, content in comparison.objects.items():
            s3.put_object(Bucket="bucket", Key=key, Body=content)
        sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
        arns = [
            sagemaker.create_model_package(
                ModelPackageGroupName=GROUP, ModelApprovalStatus=status, CustomerMetadataProperties=METADATA
            )["ModelPackageArn"]
            for status in ("Approved", "Approved", "PendingManualApproval")
        ]
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        found = compare(
            GROUP,
            gains={"map_50": 0.0},
            images=comparison.images,
            classes=CLASSES,
            evaluation={"threshold": 0.5},
            score=score,
            read_table=comparison.read_table,
        )
    assert (found["package"], found["version"], found["images_shared"]) == (arns[1], 2, 2)
