"""What the offline AWS takes from moto's insides; a new moto that changes it fails here."""

from __future__ import annotations

import http.client
import json
from typing import Any
from unittest.mock import Mock

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from moto import backends
from moto.sagemaker.responses import SageMakerResponse

from groundloop.local import LocalAws
from groundloop.local.api.services import Services
from groundloop.local.context import Context
from groundloop.local.moto_server import ANSWERED_BY_MOTO, event_matches, reset
from groundloop.spec.shapes import sagemaker_model


def test_the_other_services_are_motos(aws: LocalAws) -> None:
    assert aws.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]] == ["bucket"]
    for service in ("events", "logs", "iam"):
        assert aws.client(service).meta.endpoint_url == aws.endpoint_url


def test_moto_answers_the_operations_that_are_not_kept_here(sm: Any) -> None:
    sm.create_experiment(ExperimentName="kept-by-moto")
    arn = sm.describe_experiment(ExperimentName="kept-by-moto")["ExperimentArn"]
    sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    sm.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == []


def test_moto_has_the_operations_that_are_left_to_it() -> None:
    assert {name for name in ANSWERED_BY_MOTO if not hasattr(SageMakerResponse, xform_name(name))} == set()


def test_every_other_operation_of_sagemaker_is_refused_by_name(aws: LocalAws) -> None:
    """These are operations to which moto invents results today, or in its next version."""
    answered = set(Services(Context(aws.home, "us-east-1", "123456789012", {}, aws.endpoint_url)).names)
    connection = http.client.HTTPConnection("127.0.0.1", int(aws.endpoint_url.rsplit(":", 1)[1]))
    refused = set()
    for name in sorted(set(sagemaker_model().operation_names) - answered - ANSWERED_BY_MOTO):
        connection.request("POST", "/", b"{}", {"X-Amz-Target": f"SageMaker.{name}"})
        answer = json.loads(connection.getresponse().read())
        assert answer == {"__type": "NotImplemented", "message": f"The offline AWS does not offer {name}."}
        refused.add(name)
    connection.close()
    assert refused > {
        "CreateCompilationJob", "CreateAutoMLJobV2", "CreateMonitoringSchedule", "CreateDataQualityJobDefinition",
        "CreateModelBiasJobDefinition", "CreateModelExplainabilityJobDefinition", "CreateModelQualityJobDefinition",
        "CreateNotebookInstance", "CreateCluster", "CreateFeatureGroup", "Search",
    }  # fmt: skip


def test_an_operation_that_nobody_offers_is_told_at_once(sm: Any) -> None:
    with pytest.raises(ClientError) as caught:
        sm.list_studio_lifecycle_configs()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert "The offline AWS does not offer ListStudioLifecycleConfigs." in str(caught.value)


def test_event_patterns_are_matched() -> None:
    event = {"source": "aws.sagemaker", "detail": {"Status": "Approved"}}
    assert event_matches(json.dumps({"source": ["aws.sagemaker"], "detail": {"Status": ["Approved"]}}), event)
    assert not event_matches(json.dumps({"detail": {"Status": ["Rejected"]}}), event)


def test_reset_forgets_everything(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="forgotten")
    reset()
    assert s3.list_buckets()["Buckets"] == []
    s3.create_bucket(Bucket="bucket")
    aws.client("iam").create_role(RoleName="groundloop-local", AssumeRolePolicyDocument="{}")


def test_the_role_check_of_the_sdk_passes(aws: LocalAws) -> None:
    iam = aws.client("iam")
    results = iam.simulate_principal_policy(
        PolicySourceArn=aws.role_arn, ActionNames=["s3:GetObject", "sagemaker:CreateModel"]
    )["EvaluationResults"]
    assert {item["EvalActionName"]: item["EvalDecision"] for item in results} == {
        "s3:GetObject": "allowed",
        "sagemaker:CreateModel": "allowed",
    }
    with pytest.raises(ClientError) as caught:
        iam.simulate_principal_policy(PolicySourceArn="arn:aws:iam::123456789012:role/no", ActionNames=["s3:GetObject"])
    assert caught.value.response["Error"]["Code"] == "NoSuchEntity"


def test_moto_lists_its_services_once_for_all_requests_to_a_service(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = aws.client("s3")
    s3.list_buckets()
    listed = Mock(wraps=backends.list_of_moto_modules)
    monkeypatch.setattr(backends, "list_of_moto_modules", listed)
    s3.list_buckets()
    assert listed.call_count == 0
    aws.client("sts").get_caller_identity()
    aws.client("sts").get_caller_identity()
    assert listed.call_count <= 1, "moto asks as it did when its answer was first remembered"


def test_names_of_metadata_keep_their_underscores_and_dashes(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    metadata = {"a_b": "1", "c-d": "2"}
    s3.put_object(Bucket="bucket", Key="metadata", Body=b"", Metadata=metadata)
    assert s3.head_object(Bucket="bucket", Key="metadata")["Metadata"] == metadata
