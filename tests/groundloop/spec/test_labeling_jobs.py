"""What Ground Truth requires of a labelling job, besides the API's shapes."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import botocore.loaders
import pytest

from groundloop.spec.labeling_jobs import (
    LAMBDA_ACCOUNTS,
    TaskType,
    auto_labeling_algorithm_arn,
    consolidation_lambda_arn,
    labeling_job_problems,
    pre_lambda_arn,
    task_type_of,
)
from groundloop.spec.request_problems import request_problems
from groundloop.spec.shapes import A2I_RUNTIME

WORKTEAM = "arn:aws:sagemaker:eu-west-1:123456789012:workteam/private-crowd/team"
REQUEST: dict[str, Any] = {
    "LabelingJobName": "week-47",
    "LabelAttributeName": "boxes",
    "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://b/in.manifest"}}},
    "OutputConfig": {"S3OutputPath": "s3://b/out"},
    "RoleArn": "arn:aws:iam::123456789012:role/groundloop",
    "LabelCategoryConfigS3Uri": "s3://b/categories.json",
    "HumanTaskConfig": {
        "WorkteamArn": WORKTEAM,
        "UiConfig": {"UiTemplateS3Uri": "s3://b/template.html"},
        "PreHumanTaskLambdaArn": pre_lambda_arn("eu-west-1", TaskType.BOUNDING_BOX),
        "TaskTitle": "Boxes",
        "TaskDescription": "Draw boxes",
        "NumberOfHumanWorkersPerDataObject": 1,
        "TaskTimeLimitInSeconds": 600,
        "AnnotationConsolidationConfig": {
            "AnnotationConsolidationLambdaArn": consolidation_lambda_arn("eu-west-1", TaskType.BOUNDING_BOX)
        },
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The request with one member set, or without it for None."""
    request = copy.deepcopy(REQUEST)
    *parents, last = path.split(".")
    place = request
    for name in parents:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return request


def test_a_request_for_bounding_boxes_has_no_problem() -> None:
    assert request_problems("CreateLabelingJob", REQUEST) == []
    assert list(labeling_job_problems(REQUEST)) == []
    assert task_type_of(REQUEST) is TaskType.BOUNDING_BOX


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("LabelAttributeName", "boxes-metadata", "ends with -metadata"),
        ("LabelAttributeName", "boxes-ref", "ends with -ref"),
        ("LabelCategoryConfigS3Uri", None, "LabelCategoryConfigS3Uri is missing"),
        ("HumanTaskConfig.UiConfig", {"HumanTaskUiArn": "arn:aws:x"}, "UiTemplateS3Uri is missing"),
        ("HumanTaskConfig.PublicWorkforceTaskPrice", {}, "goes with the public workforce only"),
        ("HumanTaskConfig.WorkteamArn", WORKTEAM.replace("eu-west-1", "us-east-1"), "the workteam of us-east-1"),
        (
            "HumanTaskConfig.WorkteamArn",
            "arn:aws:sagemaker:eu-west-1:394669845002:workteam/public-crowd/default",
            "PublicWorkforceTaskPrice is missing",
        ),
        (
            "HumanTaskConfig.PreHumanTaskLambdaArn",
            consolidation_lambda_arn("eu-west-1", TaskType.BOUNDING_BOX),
            "is not one of Ground Truth's PRE functions",
        ),
        (
            "HumanTaskConfig.PreHumanTaskLambdaArn",
            pre_lambda_arn("eu-west-1", TaskType.ADJUSTMENT),
            "for different task types: AdjustmentBoundingBox and BoundingBox",
        ),
        (
            "HumanTaskConfig.PreHumanTaskLambdaArn",
            "arn:aws:lambda:eu-west-1:432418664414:function:PRE-BoundingBox",
            "has the account 432418664414",
        ),
        ("HumanTaskConfig.PreHumanTaskLambdaArn", None, "PreHumanTaskLambdaArn is missing"),
        ("HumanTaskConfig.TaskTimeLimitInSeconds", 28_801, "8 hours"),
        ("HumanTaskConfig.TaskAvailabilityLifetimeInSeconds", 2_592_001, "30 days"),
        (
            "LabelingJobAlgorithmsConfig",
            {"LabelingJobAlgorithmSpecificationArn": auto_labeling_algorithm_arn("us-east-1")},
            "is not the one for bounding boxes in eu-west-1",
        ),
    ],
)
def test_a_rule_that_is_broken_is_named(path: str, value: Any, problem: str) -> None:
    assert problem in "\n".join(labeling_job_problems(changed(path, value)))


def test_adjustment_jobs_are_not_automated() -> None:
    request = changed(
        "LabelingJobAlgorithmsConfig",
        {"LabelingJobAlgorithmSpecificationArn": auto_labeling_algorithm_arn("eu-west-1")},
    )
    task = request["HumanTaskConfig"]
    task["PreHumanTaskLambdaArn"] = pre_lambda_arn("eu-west-1", TaskType.ADJUSTMENT)
    task["AnnotationConsolidationConfig"]["AnnotationConsolidationLambdaArn"] = consolidation_lambda_arn(
        "eu-west-1", TaskType.ADJUSTMENT
    )

    assert list(labeling_job_problems(request)) == [
        "adjustment and verification jobs can't be automated: drop LabelingJobAlgorithmsConfig"
    ]


def test_the_lambda_functions_are_those_that_the_api_reference_lists() -> None:
    model = botocore.loaders.create_loader().load_service_model("sagemaker", "service-2")
    documented = set(
        re.findall(r"arn:aws:lambda:[\w-]+:\d+:function:(?:PRE|ACS)-\w*BoundingBox\b", json.dumps(model["shapes"]))
    )

    assert documented == {
        arn(region, task)
        for arn in (pre_lambda_arn, consolidation_lambda_arn)
        for region in LAMBDA_ACCOUNTS
        for task in TaskType
    }


@pytest.mark.parametrize(
    ("operation", "service", "request_", "problem"),
    [
        (
            "CreateLabelingJob",
            "sagemaker",
            changed("LabelingJobName", "week_47"),
            "LabelingJobName: 'week_47' does not",
        ),
        ("CreateLabelingJob", "sagemaker", changed("RoleArn", None), "RoleArn is missing"),
        (
            "CreateLabelingJob",
            "sagemaker",
            changed("HumanTaskConfig.NumberOfHumanWorkersPerDataObject", 10),
            "HumanTaskConfig.NumberOfHumanWorkersPerDataObject: 10 is more than 9",
        ),
        ("CreateLabelingJob", "sagemaker", changed("Priority", 1), "Priority is unknown to CreateLabelingJobRequest"),
        ("StopHumanLoop", A2I_RUNTIME, {"HumanLoopName": 7}, "HumanLoopName: 7 is not of type string"),
    ],
)
def test_the_shape_of_a_request_is_checked(
    operation: str, service: str, request_: dict[str, Any], problem: str
) -> None:
    problems = request_problems(operation, request_, service)

    assert len(problems) == 1
    assert problems[0].startswith(problem)
