"""Creating and updating the pipelines, and what they need, seen from the AWS side (moto, in this process)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from groundloop.aws import client
from groundloop.errors import UserError
from pipeline.config import Config, load_config

LOCAL = Path(__file__).resolve().parents[2] / "configs" / "local.yaml"


@pytest.fixture(autouse=True, scope="module")
def clients_of_moto() -> Iterator[None]:
    """Clients of another address, which an earlier module made, are forgotten, and so are those of this one."""
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.fixture
def aws() -> Iterator[Any]:
    """An empty AWS; gives its SageMaker client."""
    with mock_aws():
        yield boto3.client("sagemaker", region_name="us-east-1")


@pytest.fixture
def bucket(aws: Any) -> str:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="groundloop-local")
    return "groundloop-local"


def configured(*assignments: str) -> Config:
    return load_config([LOCAL], assignments, environment={})


def test_both_pipelines_are_made_then_updated(aws: Any, bucket: str) -> None:
    from pipeline.upsert import upsert_pipelines

    first, second = upsert_pipelines(configured()), upsert_pipelines(configured("training.hyperparameters.epochs=40"))
    assert [(p.name, p.created) for p in first] == [("groundloop", True), ("groundloop-deploy", True)]
    assert [(p.arn, p.created) for p in second] == [(p.arn, False) for p in first]
    definition = json.loads(aws.describe_pipeline(PipelineName="groundloop")["PipelineDefinition"])
    epochs = next(p for p in definition["Parameters"] if p["Name"] == "Epochs")
    assert epochs["DefaultValue"] == 40
    assert second[0].parameters == definition["Parameters"]


def test_the_code_that_the_definition_names_is_there(aws: Any, bucket: str) -> None:
    from pipeline.upsert import upsert_pipelines

    upsert_pipelines(configured())
    names = ("groundloop", "groundloop-deploy")
    definitions = "".join(aws.describe_pipeline(PipelineName=name)["PipelineDefinition"] for name in names)
    keys = [o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert len(keys) == 3 + 1  # job archives, and the manifest without reviewed labels
    assert all(f"s3://{bucket}/{key}" in definitions for key in keys)


def test_an_execution_can_start_before_anything_was_reviewed(aws: Any, bucket: str) -> None:
    from pipeline.upsert import upsert_pipelines

    parameters = {parameter["Name"]: parameter for parameter in upsert_pipelines(configured())[0].parameters}
    uri = parameters["ReviewedManifest"]["DefaultValue"]
    body = boto3.client("s3").get_object(Bucket=bucket, Key=uri.removeprefix(f"s3://{bucket}/"))["Body"].read()
    assert body.strip() == b""
    assert body, "an object without bytes may not be downloaded"


def test_code_that_is_there_is_not_written_again(aws: Any, bucket: str) -> None:
    from pipeline.upsert import upsert_pipelines

    upsert_pipelines(configured())
    s3 = boto3.client("s3")
    before = {o["Key"]: o["LastModified"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    upsert_pipelines(configured())
    assert {o["Key"]: o["LastModified"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]} == before


def test_the_deploy_pipeline_is_left_out_when_nothing_is_deployed(aws: Any, bucket: str) -> None:
    from pipeline.upsert import upsert_pipelines

    assert [p.name for p in upsert_pipelines(configured("deploy.mode=never"))] == ["groundloop"]


def test_the_predict_pipeline_is_made_where_there_are_images_to_predict(aws: Any, bucket: str) -> None:
    from pipeline.upsert import upsert_pipelines

    made = upsert_pipelines(configured("predict.input=s3://photos/new/"))
    assert [p.name for p in made] == ["groundloop", "groundloop-deploy", "groundloop-predict"]
    keys = [item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert {"groundloop-select.py", "groundloop-collect.py"} <= {key.rsplit("/", 1)[-1] for key in keys}


def test_what_is_made_carries_the_tags(aws: Any, bucket: str) -> None:
    from pipeline.upsert import upsert_pipelines

    made = upsert_pipelines(configured("aws.tags={team: vision}"))
    group = aws.describe_model_package_group(ModelPackageGroupName="groundloop")["ModelPackageGroupArn"]
    for arn in (made[0].arn, made[1].arn, group):
        assert aws.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "vision"}]


def test_a_bucket_that_is_missing_is_refused_before_anything_is_made(aws: Any) -> None:
    from pipeline.upsert import upsert_pipelines

    with pytest.raises(UserError, match=r"there is no bucket 'groundloop-local'; create it with: aws s3 mb"):
        upsert_pipelines(configured())
    assert aws.list_pipelines()["PipelineSummaries"] == []


def test_a_bucket_in_another_region_is_refused(aws: Any) -> None:
    from pipeline.upsert import upsert_pipelines

    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="groundloop-local", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    with pytest.raises(UserError, match=r"is in eu-west-1, but aws.region is 'us-east-1'"):
        upsert_pipelines(configured())


def test_the_studio_link_names_domain_and_pipeline(aws: Any) -> None:
    from pipeline.upsert import studio_link

    assert studio_link(configured(), "groundloop") is None, "without a domain there is no Studio"
    aws.create_domain(
        DomainName="studio", AuthMode="IAM", SubnetIds=["subnet-1"], VpcId="vpc-1",
        DefaultUserSettings={"ExecutionRole": "arn:aws:iam::123456789012:role/r"},
    )  # fmt: skip
    domain = aws.list_domains()["Domains"][0]["DomainId"]
    link = studio_link(configured(), "groundloop")
    assert link == f"https://studio-{domain}.studio.us-east-1.sagemaker.aws/pipelines/groundloop"


def test_what_is_as_configured_is_left_alone(aws: Any, bucket: str) -> None:
    from pipeline.upsert import upsert_pipelines

    upsert_pipelines(configured())
    before = aws.describe_pipeline(PipelineName="groundloop")["LastModifiedTime"]
    assert [done.action for done in upsert_pipelines(configured())] == ["unchanged", "unchanged"]
    assert aws.describe_pipeline(PipelineName="groundloop")["LastModifiedTime"] == before
    boto3.client("sagemaker").update_pipeline(PipelineName="groundloop", PipelineDescription="by hand")
    assert [done.action for done in upsert_pipelines(configured())] == ["updated", "unchanged"]


def test_another_account_than_the_configured_one_is_refused(aws: Any, bucket: str) -> None:
    from pipeline.upsert import upsert_pipelines

    with pytest.raises(UserError, match=r"are of account 123456789012, but aws\.account is 111122223333"):
        upsert_pipelines(configured("aws.account='111122223333'"))
    assert aws.list_pipelines()["PipelineSummaries"] == []
    assert len(upsert_pipelines(configured("aws.account='123456789012'"))) == 2


def test_a_faulty_definition_is_refused_before_anything_is_made(aws: Any, bucket: str) -> None:
    from dataclasses import replace

    from pipeline.desired import desired_pipelines
    from pipeline.upsert import put_pipelines

    first, second = desired_pipelines(configured())
    faulty = replace(first, definition=first.definition.replace('"Parameters.Epochs"', '"Parameters.Epoch"'))
    with pytest.raises(UserError) as refused:
        put_pipelines(configured(), [faulty, second])
    assert "groundloop: Train: Arguments.HyperParameters.epochs" in str(refused.value)
    assert "Epoch" in str(refused.value)
    assert aws.list_pipelines()["PipelineSummaries"] == []
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=bucket)


def test_what_the_checker_warns_of_comes_with_the_pipeline(aws: Any, bucket: str) -> None:
    from dataclasses import replace

    from pipeline.desired import desired_pipelines
    from pipeline.upsert import put_pipelines

    first, second = desired_pipelines(configured())
    definition = json.loads(first.definition)
    definition["Parameters"].append({"Name": "Unused", "Type": "String", "DefaultValue": "x"})
    done = put_pipelines(configured(), [replace(first, definition=json.dumps(definition)), second])
    assert any("Unused" in warning for warning in done[0].warnings)


def test_triggers_follow_the_pipelines(aws: Any, bucket: str) -> None:
    from pipeline.upsert import put_triggers, upsert_pipelines

    config = configured("deploy.mode=on_approval")
    upsert_pipelines(config)
    applied, refused = put_triggers(config)
    assert applied is not None
    assert (applied.created, refused) == (["groundloop-approval"], "")
