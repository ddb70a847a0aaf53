"""Requests are checked against the model of the API, in AWS's words, and answers are reduced to it."""

from __future__ import annotations

from typing import Any

import pytest

from groundloop.local.errors import ApiError
from groundloop.local.shapes import check_request, shaped

GROUP = {"ModelPackageGroupName": "group"}


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        pytest.param(
            "UpdateModelPackage",
            {
                "ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1",
                "ModelApprovalStatus": "Aproved",
            },
            "1 validation error detected: Value 'Aproved' at 'modelApprovalStatus' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Approved, Rejected, PendingManualApproval]",
            id="enum",
        ),
        pytest.param(
            "CreateModelPackageGroup",
            {"ModelPackageGroupName": "g_1"},
            "'modelPackageGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern",
            id="pattern",
        ),
        pytest.param(
            "CreateModelPackageGroup",
            {**GROUP, "Tags": [{"Key": "a?b", "Value": "c"}]},
            "Value 'a?b' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression",
            id="pattern with a Unicode category",
        ),
        pytest.param(
            "CreateModelPackageGroup",
            {**GROUP, "ModelPackageGroupDescription": "x" * 1025},
            "Member must have length less than or equal to 1024",
            id="length",
        ),
        pytest.param(
            "CreateModelPackageGroup",
            {},
            "Value null at 'modelPackageGroupName' failed to satisfy constraint: Member must not be null",
            id="missing",
        ),
        pytest.param(
            "ListModels", {"MaxResults": 0}, "Member must have value greater than or equal to 1", id="minimum"
        ),
        pytest.param("ListModels", {"MaxResults": "3"}, "Member must be of type integer", id="type"),
        pytest.param(
            "ListModels", {"MaxResults": True}, "Member must be of type integer", id="a boolean is not an integer"
        ),
        pytest.param(
            "CreateModelPackageGroup",
            {**GROUP, "Tags": [{"Key": "a", "Value": "b"}, {"Key": "a"}]},
            "Value null at 'tags.2.member.value'",
            id="inside a list",
        ),
        pytest.param(
            "CreateTrainingJob",
            {
                "TrainingJobName": "a",
                "RoleArn": "arn:aws:iam::123456789012:role/r",
                "OutputDataConfig": {"S3OutputPath": "http://b"},
                "HyperParameters": {"a": "x" * 2501},
            },
            "2 validation errors detected",
            id="all faults at once",
        ),
    ],
)
def test_faults_are_worded_as_by_aws(operation: str, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_request(operation, request_)
    assert caught.value.code == "ValidationException"
    assert message in caught.value.message


def test_what_fits_passes() -> None:
    check_request("CreateModelPackageGroup", {**GROUP, "Tags": [{"Key": "Büro-Nr. 5", "Value": "価格"}]})
    check_request("ListModels", {"MaxResults": 3, "CreationTimeAfter": 1.5, "NameContains": None})


def test_answers_hold_what_the_model_has_and_nothing_that_is_none() -> None:
    answer = {
        "ModelPackageGroupName": "g",
        "CreatedBy": {"IamIdentity": {"Arn": "a", "Extra": 1}},
        "Extra": 1,
        "ModelPackageGroupDescription": None,
    }
    assert shaped("DescribeModelPackageGroup", answer) == {
        "ModelPackageGroupName": "g",
        "CreatedBy": {"IamIdentity": {"Arn": "a"}},
    }
