"""The request that creates a labelling job, and what it costs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labeling.job_request import AutoLabeling, HumanTask, LabelingJob, create_labeling_job_request
from groundloop.labeling.prices import cost_bound
from groundloop.spec.labeling_jobs import TaskType, auto_labeling_algorithm_arn

TEAM = "arn:aws:sagemaker:us-west-2:123456789012:workteam/private-crowd/team"
JOB = LabelingJob(
    name="week-47",
    attribute="boxes",
    task_type=TaskType.BOUNDING_BOX,
    region="us-west-2",
    role="arn:aws:iam::123456789012:role/groundloop",
    task=HumanTask(TEAM, "Draw boxes", "Draw a box around each nut\nand bolt", workers=3),
    manifest_uri="s3://b/in.manifest",
    categories_uri="s3://b/categories.json",
    template_uri="s3://b/template.liquid.html",
    objects=2_000,
    output_uri="s3://b/labeling/jobs",
)


def job(**changes: Any) -> LabelingJob:
    """The job with some changes."""
    return dataclasses.replace(JOB, **changes)


def test_the_request_has_ground_truths_functions_of_the_region() -> None:
    request = create_labeling_job_request(JOB)

    task = request["HumanTaskConfig"]
    assert task["PreHumanTaskLambdaArn"] == "arn:aws:lambda:us-west-2:081040173940:function:PRE-BoundingBox"
    assert task["AnnotationConsolidationConfig"] == {
        "AnnotationConsolidationLambdaArn": "arn:aws:lambda:us-west-2:081040173940:function:ACS-BoundingBox"
    }
    assert task["NumberOfHumanWorkersPerDataObject"] == 3
    assert task["TaskDescription"] == "Draw a box around each nut and bolt"
    assert not {"StoppingConditions", "LabelingJobAlgorithmsConfig", "Tags"} & set(request)


def test_options_become_members() -> None:
    request = create_labeling_job_request(
        job(
            max_objects=500,
            max_percent=50,
            kms_key="alias/labels",
            tags={"team": "vision"},
            auto_labeling=AutoLabeling("arn:aws:sagemaker:us-west-2:123456789012:model/last", "alias/labels"),
        )
    )

    assert request["StoppingConditions"] == {
        "MaxHumanLabeledObjectCount": 500,
        "MaxPercentageOfInputDatasetLabeled": 50,
    }
    assert request["OutputConfig"] == {"S3OutputPath": "s3://b/labeling/jobs", "KmsKeyId": "alias/labels"}
    assert request["Tags"] == [{"Key": "team", "Value": "vision"}]
    assert request["LabelingJobAlgorithmsConfig"] == {
        "LabelingJobAlgorithmSpecificationArn": auto_labeling_algorithm_arn("us-west-2"),
        "InitialActiveLearningModelArn": "arn:aws:sagemaker:us-west-2:123456789012:model/last",
        "LabelingJobResourceConfig": {"VolumeKmsKeyId": "alias/labels"},
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": "eu-north-1"}, "there is no Ground Truth in eu-north-1"),
        ({"attribute": "boxes-ref"}, "ends with -ref"),
        ({"attribute": "boxes", "task_type": TaskType.ADJUSTMENT, "earlier": "boxes"}, "needs another name"),
        ({"task_type": TaskType.VERIFICATION}, "need the label attribute of the earlier labels"),
        ({"name": "week_47"}, "labelling job 'week_47': LabelingJobName: 'week_47' does not match"),
        ({"objects": 1_249, "auto_labeling": AutoLabeling()}, "needs 1,250 images, and there are 1,249"),
        (
            {"task": HumanTask("arn:aws:sagemaker:us-west-2:394669845002:workteam/public-crowd/default", "t", "d")},
            "is Amazon Mechanical Turk's",
        ),
        (
            {"task": HumanTask(TEAM.replace("us-west-2", "us-east-1"), "t", "d")},
            "is of us-west-2, and the workteam of us-east-1",
        ),
    ],
)
def test_what_aws_would_refuse_is_said_before(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        create_labeling_job_request(job(**changes))


@pytest.mark.parametrize(
    ("objects", "usd"), [(100, 8), (50_000, 4_000), (1_000_000, 42_000), (1_500_000, 52_000)], ids=str
)
def test_objects_cost_the_price_of_their_tier(objects: int, usd: float) -> None:
    assert cost_bound(objects, 1).usd == pytest.approx(usd)


def test_a_vendor_is_paid_for_each_answer() -> None:
    bound = cost_bound(100, 3, object_usd=0.1, answer_usd=0.05)

    assert (bound.service_usd, bound.answers_usd) == pytest.approx((10, 15))
    assert "workers' time" in bound.left_out


def test_automated_labelling_costs_more_than_the_bound_says() -> None:
    assert "training and inference" in cost_bound(100, 1, auto_labeling=True).left_out
