"""Reviewed labels start training once enough of them are new; each counts once, and drift alone starts nothing."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import boto3
import pytest

from groundloop.errors import UserError
from groundloop.executions.control import start
from groundloop.executions.retraining import count_new_labels, start_when_due, start_with
from groundloop.local import LocalAws
from groundloop.models.packages import reviewed_manifests

REGION, BUCKET = "us-east-1", "groundloop-local"
_numbers = count(1)


class Reviews:
    """A pipeline that takes reviewed labels, and the place where they are published."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.pipeline, self.uri = f"reviewed-{number}", f"s3://{BUCKET}/p{number}/reviews"
        definition = {
            "Version": "2020-12-01",
            "Parameters": [{"Name": "ReviewedManifest", "Type": "String", "DefaultValue": "none"}],
            "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no training here"}}],
        }
        boto3.client("sagemaker").create_pipeline(
            PipelineName=self.pipeline,
            PipelineDefinition=json.dumps(definition),
            RoleArn="arn:aws:iam::123456789012:role/groundloop-local",
        )

    def publish(self, *names: str, day: int = 1) -> str:
        """Publish labels of images, as `groundloop review finish` does."""
        lines = [
            {
                "source-ref": f"s3://{BUCKET}/{name}.jpg",
                "bounding-box": {},
                "bounding-box-metadata": {"creation-date": f"2026-11-{day:02}T10:00:00"},
            }
            for name in names
        ]
        content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        uri = f"{self.uri}/{hashlib.sha256(content).hexdigest()}.manifest"
        boto3.client("s3").put_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"), Body=content)
        return uri

    def due(self, at: int, *trained: str) -> str | None:
        """Start training if it is due; return the execution's ARN."""
        return start_when_due(REGION, self.pipeline, self.uri, at, trained).execution

    def new(self, *trained: str) -> tuple[int, int]:
        """Return how many labels are new, and how many there are."""
        counted = count_new_labels(REGION, self.pipeline, self.uri, trained)
        return counted.new, counted.labels

    @property
    def executions(self) -> list[str]:
        """The manifests with which executions were started, oldest first."""
        sagemaker = boto3.client("sagemaker")
        listed = sagemaker.list_pipeline_executions(PipelineName=self.pipeline, SortOrder="Ascending")
        found = []
        for summary in listed["PipelineExecutionSummaries"]:
            arn = summary["PipelineExecutionArn"]
            values = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
            found += [item["Value"] for item in values]
        return found


@pytest.fixture
def reviews(aws: LocalAws) -> Reviews:
    return Reviews()


def test_nothing_is_counted_before_something_is_published(reviews: Reviews) -> None:
    assert (reviews.new(), reviews.due(1)) == ((0, 0), None)


def test_training_starts_with_the_newest_labels_once_enough_are_new(reviews: Reviews) -> None:
    reviews.publish("a", "b")
    assert reviews.due(3) is None
    newest = reviews.publish("a", "b", "c")
    assert reviews.due(3)
    assert reviews.executions == [newest]


def test_the_same_labels_never_start_a_second_execution(reviews: Reviews) -> None:
    reviews.publish("a", "b")
    assert reviews.due(2)
    assert (reviews.due(2), reviews.new()) == (None, (0, 2))
    reviews.publish("a", "b", "c")
    assert (reviews.due(2), reviews.new()) == (None, (1, 3)), "old labels count once"
    reviews.publish("a", "b", "c", "d")
    assert reviews.due(2)
    assert len(reviews.executions) == 2


def test_callers_at_the_same_time_start_one(reviews: Reviews) -> None:
    reviews.publish("a")
    with ThreadPoolExecutor(4) as pool:
        started = set(pool.map(lambda _: reviews.due(1), range(4)))
    assert len(started - {None}) == 1
    assert len(reviews.executions) == 1


def test_a_label_that_was_corrected_since_is_new(reviews: Reviews) -> None:
    trained = reviews.publish("a", "b")
    reviews.publish("a", "b", day=2)
    assert reviews.new(trained) == (2, 2)


def test_labels_of_an_approved_version_are_not_new(reviews: Reviews) -> None:
    trained = reviews.publish("a", "b")
    assert reviews.new(trained) == (0, 2)
    reviews.publish("a", "b", "c")
    assert reviews.new(trained) == (1, 3)
    assert reviews.new(trained, f"s3://{BUCKET}/elsewhere/none.manifest") == (1, 3)


def test_a_user_starts_them_again_at_will(reviews: Reviews) -> None:
    uri = reviews.publish("a")
    assert reviews.due(1)
    assert start_with(REGION, reviews.pipeline, uri)
    assert reviews.executions == [uri, uri]
    assert reviews.new() == (0, 1)


def test_executions_without_reviewed_labels_use_none(reviews: Reviews) -> None:
    start(REGION, reviews.pipeline, [])
    reviews.publish("a")
    assert reviews.new() == (1, 1)


def test_versions_name_the_labels_that_they_were_trained_on(reviews: Reviews) -> None:
    sagemaker, group = boto3.client("sagemaker"), reviews.pipeline
    assert reviewed_manifests(REGION, group) == []
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    for status in ("Approved", "PendingManualApproval"):
        sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [
                    {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1", "ModelDataUrl": "s3://b/m"}
                ],
                "SupportedContentTypes": ["image/jpeg"],
            },
            CustomerMetadataProperties={"reviewed_manifest": f"{reviews.uri}/{status}.manifest"},
        )
    assert reviewed_manifests(REGION, group) == [f"{reviews.uri}/Approved.manifest"]


def test_a_pipeline_that_does_not_exist_is_said(reviews: Reviews) -> None:
    reviews.publish("a")
    with pytest.raises(UserError, match="there is no pipeline 'other' in us-east-1"):
        start_when_due(REGION, "other", reviews.uri, 1, ())
