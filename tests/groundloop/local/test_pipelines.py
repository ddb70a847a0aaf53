"""Pipelines and starts at the API: what is checked, listed, described."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.local import LocalAws

Make = Callable[..., Any]

SAY = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Text"}}}
PARAMETERS = [
    {"Name": "Text", "Type": "String", "DefaultValue": "hello", "EnumValues": ["hello", "bye"]},
    {"Name": "Count", "Type": "Integer", "DefaultValue": 0},
    {"Name": "Share", "Type": "Float", "DefaultValue": 0.5},
    {"Name": "Flag", "Type": "Boolean", "DefaultValue": False},
]


@pytest.fixture
def pipeline(make_pipeline: Make) -> str:
    return str(make_pipeline(SAY, parameters=PARAMETERS))


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_definition_comes_back_as_it_was_sent(sm: Any, aws: LocalAws, unique: Make) -> None:
    text = json.dumps({"Version": "2020-12-01", "Parameters": PARAMETERS, "Steps": [SAY]}, indent=3)
    name = unique("same")
    arn = sm.create_pipeline(
        PipelineName=name,
        PipelineDefinition=text,
        PipelineDescription="why",
        RoleArn=aws.role_arn,
        ClientRequestToken="c" * 32,
        Tags=[{"Key": "team", "Value": "vision"}],
    )["PipelineArn"]
    described = sm.describe_pipeline(PipelineName=name)
    assert described["PipelineDefinition"] == text
    assert (described["PipelineArn"], described["PipelineStatus"]) == (arn, "Active")
    assert described["PipelineDescription"] == "why"
    assert sm.describe_pipeline(PipelineName=arn)["PipelineName"] == name
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "vision"}]


def test_a_definition_may_lie_in_s3(sm: Any, aws: LocalAws, put: Make, unique: Make) -> None:
    text = json.dumps({"Version": "2020-12-01", "Parameters": PARAMETERS, "Steps": [SAY]})
    put("definition", text)
    name = unique("in-s3")
    sm.create_pipeline(
        PipelineName=name,
        PipelineDefinitionS3Location={"Bucket": "bucket", "ObjectKey": "definition"},
        RoleArn=aws.role_arn,
        ClientRequestToken="s" * 32,
    )
    assert sm.describe_pipeline(PipelineName=name)["PipelineDefinition"] == text


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        pytest.param(
            {"PipelineDefinition": "not json"}, "Invalid pipeline definition: the definition is not JSON", id="no JSON"
        ),
        pytest.param({}, "One of PipelineDefinition and PipelineDefinitionS3Location is required", id="none"),
        pytest.param(
            {"PipelineDefinitionS3Location": {"Bucket": "bucket", "ObjectKey": "nowhere"}},
            "the S3 object s3://bucket/nowhere does not exist",
            id="not in S3",
        ),
    ],
)
def test_a_faulty_definition_is_refused(sm: Any, aws: LocalAws, definition: Any, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        sm.create_pipeline(PipelineName="bad", RoleArn=aws.role_arn, ClientRequestToken="b" * 32, **definition)
    assert code(caught) == "ValidationException"
    assert message in str(caught.value)
    with pytest.raises(ClientError):
        sm.describe_pipeline(PipelineName="bad")


def test_a_name_is_taken_once_and_the_same_request_may_come_twice(sm: Any, aws: LocalAws, pipeline: str) -> None:
    described = sm.describe_pipeline(PipelineName=pipeline)
    again = {
        "PipelineName": pipeline,
        "PipelineDefinition": described["PipelineDefinition"],
        "RoleArn": aws.role_arn,
    }
    same_token = pipeline.rjust(32, "x")
    assert sm.create_pipeline(**again, ClientRequestToken=same_token)["PipelineArn"] == described["PipelineArn"]
    with pytest.raises(ClientError, match="already exists") as caught:
        sm.create_pipeline(**again, ClientRequestToken="other".rjust(32, "x"))
    assert code(caught) == "ValidationException"


def test_an_update_is_a_new_version_and_executions_keep_theirs(
    sm: Any, pipeline: str, start: Make, ended: Make
) -> None:
    first = start(pipeline)
    new = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": "new"}}
    text = json.dumps({"Version": "2020-12-01", "Steps": [new]})
    assert sm.update_pipeline(PipelineName=pipeline, PipelineDefinition=text)["PipelineVersionId"] == 2
    second = start(pipeline)
    assert (ended(first)["FailureReason"], ended(second)["FailureReason"]) == ("hello", "new")
    described = sm.describe_pipeline_definition_for_execution(PipelineExecutionArn=first)
    assert "Parameters.Text" in described["PipelineDefinition"]
    assert "Parameters.Text" in sm.describe_pipeline(PipelineName=pipeline, PipelineVersionId=1)["PipelineDefinition"]
    versions = sm.list_pipeline_versions(PipelineName=pipeline)["PipelineVersionSummaries"]
    assert [version["PipelineVersionId"] for version in versions] == [2, 1]
    old = sm.start_pipeline_execution(PipelineName=pipeline, PipelineVersionId=1, ClientRequestToken="o" * 32)
    assert ended(old["PipelineExecutionArn"])["FailureReason"] == "hello"


def test_parameters_have_their_defaults_and_all_are_listed(sm: Any, pipeline: str, start: Make, ended: Make) -> None:
    arn = start(pipeline, Text="bye", Count="3")
    assert ended(arn)["FailureReason"] == "bye"
    listed = sm.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    values = {item["Name"]: item["Value"] for item in listed}
    assert values == {"Text": "bye", "Count": "3", "Share": "0.5", "Flag": "false"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"Nope": "1"}, "Unknown parameters [Nope]", id="unknown"),
        pytest.param({"Text": "hallo"}, "'hallo' is not one of hello, bye", id="outside the enum"),
        pytest.param({"Count": "many"}, "'many' is not of type Integer", id="not an integer"),
        pytest.param({"Share": "half"}, "'half' is not of type Float", id="not a float"),
        pytest.param({"Flag": "maybe"}, "'maybe' is not of type Boolean", id="not a boolean"),
    ],
)
def test_wrong_parameters_are_refused(sm: Any, pipeline: str, start: Make, given: dict[str, str], message: str) -> None:
    with pytest.raises(ClientError) as caught:
        start(pipeline, **given)
    assert code(caught) == "ValidationException"
    assert message in str(caught.value)
    assert sm.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"] == []


def test_a_parameter_without_a_value_is_missed(make_pipeline: Make, start: Make) -> None:
    pipeline = make_pipeline(SAY, parameters=[{"Name": "Text", "Type": "String"}])
    with pytest.raises(ClientError, match=r"Parameters \[Text\] do not have default values and are missing"):
        start(pipeline)


def test_a_start_with_the_same_token_is_the_same_execution(sm: Any, pipeline: str) -> None:
    starts = [sm.start_pipeline_execution(PipelineName=pipeline, ClientRequestToken="s" * 32) for _ in range(2)]
    assert starts[0]["PipelineExecutionArn"] == starts[1]["PipelineExecutionArn"]
    assert len(sm.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]) == 1


def test_executions_are_listed_latest_first_in_pages(sm: Any, pipeline: str, start: Make, ended: Make) -> None:
    arns = [start(pipeline) for _ in range(3)]
    for arn in arns:
        ended(arn)
    pages = sm.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline, PaginationConfig={"PageSize": 2}
    )
    listed = [item for page in pages for item in page["PipelineExecutionSummaries"]]
    assert [item["PipelineExecutionArn"] for item in listed] == arns[::-1]
    assert {item["PipelineExecutionStatus"] for item in listed} == {"Failed"}
    assert {item["PipelineExecutionFailureReason"] for item in listed} == {"hello"}


def test_steps_are_listed_latest_first_unless_asked_otherwise(
    sm: Any, make_pipeline: Make, start: Make, ended: Make
) -> None:
    condition = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    stop = {"Name": "B", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}, "DependsOn": ["A"]}
    arn = start(make_pipeline({"Name": "A", "Type": "Condition", "Arguments": {"Conditions": [condition]}}, stop))
    ended(arn)

    def names(**asked: str) -> list[str]:
        steps = sm.list_pipeline_execution_steps(PipelineExecutionArn=arn, **asked)["PipelineExecutionSteps"]
        return [step["StepName"] for step in steps]

    assert names() == ["B", "A"]
    assert names(SortOrder="Ascending") == ["A", "B"]


def test_pipelines_are_listed_and_deleted(sm: Any, pipeline: str) -> None:
    listed = sm.list_pipelines(PipelineNamePrefix=pipeline)["PipelineSummaries"]
    assert [item["PipelineName"] for item in listed] == [pipeline]
    sm.delete_pipeline(PipelineName=pipeline, ClientRequestToken="d" * 32)
    assert sm.list_pipelines(PipelineNamePrefix=pipeline)["PipelineSummaries"] == []


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("describe_pipeline", {"PipelineName": "nobody"}),
        ("update_pipeline", {"PipelineName": "nobody"}),
        ("delete_pipeline", {"PipelineName": "nobody", "ClientRequestToken": "n" * 32}),
        ("start_pipeline_execution", {"PipelineName": "nobody", "ClientRequestToken": "n" * 32}),
        ("list_pipeline_executions", {"PipelineName": "nobody"}),
        ("describe_pipeline_execution", {"PipelineExecutionArn": "NOBODY"}),
        ("list_pipeline_execution_steps", {"PipelineExecutionArn": "NOBODY"}),
        ("list_pipeline_parameters_for_execution", {"PipelineExecutionArn": "NOBODY"}),
        ("stop_pipeline_execution", {"PipelineExecutionArn": "NOBODY", "ClientRequestToken": "n" * 32}),
    ],
)
def test_what_is_missing_is_resource_not_found(sm: Any, operation: str, members: dict[str, str]) -> None:
    nobody = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/nobody/execution/abcdefghijkl"
    asked = {key: nobody if value == "NOBODY" else value for key, value in members.items()}
    with pytest.raises(ClientError) as caught:
        getattr(sm, operation)(**asked)
    assert code(caught) == "ResourceNotFound"
