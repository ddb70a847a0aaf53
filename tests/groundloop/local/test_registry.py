"""The model registry, and the rules that act on an approval."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.local import LocalAws


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


def test_metadata_holds_only_what_the_api_allows(sm: Any, group: str, register: Callable[..., str]) -> None:
    register(group, CustomerMetadataProperties={"classes": "bolt/M4 nut/Schräge", "map": "0.71"})
    for value in ("bolt, nut", '["bolt"]', "a\nb"):
        with pytest.raises(ClientError, match=r"'customerMetadataProperties.classes' failed to satisfy constraint"):
            register(group, CustomerMetadataProperties={"classes": value})


CARD: dict[str, Any] = {
    "model_overview": {"model_creator": "us", "model_artifact": ["s3://bucket/model.tar.gz"]},
    "intended_uses": {"purpose_of_model": "to count", "risk_rating": "Low"},
    "training_details": {
        "training_job_details": {"user_provided_hyper_parameters": [{"name": "epochs", "value": "30"}]}
    },
    "evaluation_details": [
        {
            "name": "Test",
            "metric_groups": [
                {
                    "name": "All",
                    "metric_data": [
                        {"name": "map", "type": "number", "value": 0.7},
                        {"name": "AP", "type": "bar_chart", "value": [0.5], "x_axis_name": ["nut"]},
                        {"name": "PR", "type": "linear_graph", "value": [[0, 1], [1, 0.5]]},
                        {"name": "confusion", "type": "matrix", "value": [[1, 0], [0, 1]]},
                    ],
                }
            ],
        }
    ],
    "additional_information": {"custom_details": {"commit": "abc"}},
}


def test_a_model_card_is_kept_and_given_back(sm: Any, group: str, register: Callable[..., str]) -> None:
    card = {"ModelCardContent": json.dumps(CARD), "ModelCardStatus": "PendingReview"}
    arn = register(group, ModelCard=card)
    assert sm.describe_model_package(ModelPackageName=arn)["ModelCard"] == card
    sm.update_model_package(ModelPackageArn=arn, ModelCard={**card, "ModelCardStatus": "Approved"})
    assert sm.describe_model_package(ModelPackageName=arn)["ModelCard"]["ModelCardStatus"] == "Approved"


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        pytest.param(
            "model_overview.model_name",
            "x",
            r"\$.model_overview: Additional .*'model_name' was unexpected",
            id="of another schema",
        ),
        pytest.param("data", {}, r"\$: Additional .*'data' was unexpected", id="an unknown section"),
        pytest.param(
            "intended_uses.risk_rating",
            "none",
            r"risk_rating: 'none' is not one of \['High', 'Medium', 'Low', 'Unknown'\]",
            id="risk",
        ),
        pytest.param(
            "intended_uses.purpose_of_model",
            "x" * 2049,
            "purpose_of_model: the value does not satisfy maxLength 2048",
            id="too long",
        ),
        pytest.param("business_details", "none", "business_details: 'none' is not of type 'object'", id="no section"),
        pytest.param("evaluation_details", {}, "evaluation_details: {} is not of type 'array'", id="no list"),
        pytest.param("evaluation_details.0.name", "", r"\[0\].name: '' should be non-empty", id="no name"),
        pytest.param(
            "evaluation_details.0",
            {},
            r"evaluation_details\[0\]: 'name' is a required property",
            id="a required member",
        ),
        pytest.param(
            "evaluation_details.0.metric_groups.0.metric_data.0",
            {"name": "map", "type": "float", "value": 1},
            r"metric_data\[0\].type: 'float' is not one of \['number'",
            id="no kind of metric",
        ),
        pytest.param(
            "evaluation_details.0.metric_groups.0.metric_data.0",
            {"name": "map", "type": "number", "value": None},
            r"metric_data\[0\].value: None is not of type 'number'",
            id="an undefined metric",
        ),
        pytest.param(
            "additional_information.custom_details.commit", 7, "commit: 7 is not of type 'string'", id="a number"
        ),
    ],
)
def test_a_card_that_breaks_the_schema_is_refused(
    group: str, register: Callable[..., str], path: str, value: Any, fault: str
) -> None:
    card = json.loads(json.dumps(CARD))
    *above, last = path.split(".")
    place = card
    for part in above:
        place = place[int(part) if part.isdigit() else part]
    place[int(last) if last.isdigit() else last] = value
    with pytest.raises(ClientError, match=fault):
        register(group, ModelCard={"ModelCardContent": json.dumps(card)})


def test_a_card_that_is_no_json_is_refused(group: str, register: Callable[..., str]) -> None:
    with pytest.raises(ClientError, match="ModelCardContent is not JSON"):
        register(group, ModelCard={"ModelCardContent": "{"})


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


def test_a_package_without_metadata_can_be_decided_on_twice(sm: Any, group: str, register: Callable[..., str]) -> None:
    package = register(group)
    for status in ("Approved", "Rejected"):
        sm.update_model_package(ModelPackageArn=package, ModelApprovalStatus=status)
    assert sm.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"] == "Rejected"


def test_an_event_that_starts_nothing_goes_to_the_dead_letter_queue(
    sm: Any, aws: LocalAws, group: str, register: Callable[..., str]
) -> None:
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName=f"{group}-lost")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail": {"ModelPackageGroupName": [group]}}
    events.put_rule(Name=f"{group}-lost", EventPattern=json.dumps(pattern))
    target = {
        "Id": "deploy",
        "Arn": sm.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"],
    }
    target["Arn"] = target["Arn"].replace("model-package-group/", "pipeline/")
    events.put_targets(
        Rule=f"{group}-lost", Targets=[{**target, "RoleArn": aws.role_arn, "DeadLetterConfig": {"Arn": queue}}]
    )
    package = register(group)
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"])["resources"] == [package]
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == target["Arn"]
    events.remove_targets(Rule=f"{group}-lost", Ids=["deploy"])
    events.delete_rule(Name=f"{group}-lost")
