"""The model registry, and the rules that act on an approval."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import LocalAws


@pytest.fixture
def register(sm: Any, image: str) -> Callable[..., str]:
    def register(group: str, **members: Any) -> str:
        specification = {
            "Containers": [{"Image": image, "ModelDataUrl": "s3://bucket/model.tar.gz"}],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["application/json"],
        }
        created = sm.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification, **members)
        return str(created["ModelPackageArn"])

    return register


@pytest.fixture
def group(sm: Any, unique: Callable[[str], str]) -> str:
    name = unique("group")
    sm.create_model_package_group(ModelPackageGroupName=name)
    return name


def test_versions_count_up_and_are_never_used_twice(sm: Any, group: str, register: Callable[..., str]) -> None:
    arns = [register(group) for _ in range(2)]
    assert [arn.rsplit("/", 2)[1:] for arn in arns] == [[group, "1"], [group, "2"]]
    sm.delete_model_package(ModelPackageName=arns[1])
    assert register(group).endswith("/3")


def test_a_package_waits_for_approval_and_keeps_its_metadata(sm: Any, group: str, register: Callable[..., str]) -> None:
    arn = register(group, CustomerMetadataProperties={"classes": "3", "commit": "abc"})
    described = sm.describe_model_package(ModelPackageName=arn)
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["CustomerMetadataProperties"] == {"classes": "3", "commit": "abc"}
    assert (described["ModelPackageVersion"], described["ModelPackageStatus"]) == (1, "Completed")
    sm.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="good",
        CustomerMetadataProperties={"classes": "4"},
        CustomerMetadataPropertiesToRemove=["commit"],
    )
    described = sm.describe_model_package(ModelPackageName=arn)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Approved", "good")
    assert described["CustomerMetadataProperties"] == {"classes": "4"}


def test_packages_are_listed_by_group_and_status_in_pages(sm: Any, group: str, register: Callable[..., str]) -> None:
    for _ in range(3):
        register(group)
    sm.update_model_package(ModelPackageArn=register(group), ModelApprovalStatus="Rejected")

    def versions(**asked: Any) -> list[int]:
        pages = sm.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group, **asked)
        return [item["ModelPackageVersion"] for page in pages for item in page["ModelPackageSummaryList"]]

    assert versions() == [4, 3, 2, 1]
    assert versions(SortOrder="Ascending", PaginationConfig={"PageSize": 2}) == [1, 2, 3, 4]
    assert versions(ModelApprovalStatus="Rejected") == [4]
    with pytest.raises(ClientError, match="Invalid pagination token"):
        sm.list_model_packages(NextToken="nonsense")


def test_groups_are_unique_and_go_only_when_empty(sm: Any, group: str, register: Callable[..., str]) -> None:
    with pytest.raises(ClientError, match="already exists"):
        sm.create_model_package_group(ModelPackageGroupName=group)
    arn = register(group)
    with pytest.raises(ClientError, match="it has model packages"):
        sm.delete_model_package_group(ModelPackageGroupName=group)
    sm.delete_model_package(ModelPackageName=arn)
    sm.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        sm.describe_model_package_group(ModelPackageGroupName=group)


def test_what_is_missing_or_misspelt_is_told(sm: Any, group: str, register: Callable[..., str]) -> None:
    with pytest.raises(ClientError, match="model-package-group/nobody does not exist"):
        register("nobody")
    with pytest.raises(ClientError, match="Member must satisfy enum value set"):
        register(group, ModelApprovalStatus="Aproved")
    with pytest.raises(ClientError, match="Member must satisfy regular expression pattern"):
        sm.create_model_package_group(ModelPackageGroupName="g_1")


def test_tags_are_replaced_not_doubled(sm: Any, unique: Callable[[str], str]) -> None:
    name = unique("tagged")
    arn = sm.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "a", "Value": "1"}])[
        "ModelPackageGroupArn"
    ]
    sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    sm.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "3"}]


def test_an_approval_starts_the_pipeline_that_a_rule_names(
    sm: Any, aws: LocalAws, group: str, register: Callable[..., str], make_pipeline: Callable[..., str]
) -> None:
    said = {"Std:Join": {"On": "", "Values": ["deploy ", {"Get": "Parameters.ModelPackageArn"}]}}
    pipeline = make_pipeline(
        {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": said}},
        parameters=[{"Name": "ModelPackageArn", "Type": "String"}],
    )
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [group], "ModelApprovalStatus": ["Approved"]},
    }
    events = aws.client("events")
    events.put_rule(Name="approved", EventPattern=json.dumps(pattern))
    given = {"PipelineParameterList": [{"Name": "ModelPackageArn", "Value": "$.detail.ModelPackageArn"}]}
    target = sm.describe_pipeline(PipelineName=pipeline)["PipelineArn"]
    events.put_targets(
        Rule="approved",
        Targets=[{"Id": "deploy", "Arn": target, "RoleArn": aws.role_arn, "SageMakerPipelineParameters": given}],
    )
    rejected, approved = register(group), register(group)
    sm.update_model_package(ModelPackageArn=rejected, ModelApprovalStatus="Rejected")
    assert sm.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"] == []
    sm.update_model_package(ModelPackageArn=approved, ModelApprovalStatus="Approved")
    (execution,) = sm.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]
    arn = execution["PipelineExecutionArn"]
    deadline = time.monotonic() + 5
    while sm.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Executing":
        assert time.monotonic() < deadline
    assert sm.describe_pipeline_execution(PipelineExecutionArn=arn)["FailureReason"] == f"deploy {approved}"
