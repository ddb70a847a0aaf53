"""What the offline AWS takes from moto's insides; a new moto that changes it fails here."""

from __future__ import annotations

import http.client
import json
import sys
import time
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
from groundloop.local.moto_server import (
    ANSWERED_BY_MOTO,
    NoBucketError,
    event_matches,
    has_autoscaling,
    has_bucket,
    has_object,
    object_names,
    read_object,
    reset,
    write_log,
    write_object,
)
from groundloop.spec.shapes import sagemaker_model

ACCOUNT = "123456789012"


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


def test_the_role_of_the_offline_aws_is_one_of_iam(aws: LocalAws) -> None:
    role = aws.client("iam").get_role(RoleName="groundloop-local")["Role"]
    assert (role["Arn"], role["Path"], role["MaxSessionDuration"]) == (aws.role_arn, "/", 3600)
    services = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
    assert services == ["sagemaker.amazonaws.com", "events.amazonaws.com"]


class TestObjectsWithoutRequests:
    """Jobs read and write S3 by calls of methods, clients by requests: it is the same S3."""

    def test_what_is_written_here_is_read_by_a_client(self, aws: LocalAws) -> None:
        write_object(ACCOUNT, "bucket", "written/here", b"abc")
        answer = aws.client("s3").get_object(Bucket="bucket", Key="written/here")
        assert answer["Body"].read() == b"abc"
        assert answer["ETag"] == '"900150983cd24fb0d6963f7d28e17f72"'
        assert answer["ContentType"] == "binary/octet-stream"

    def test_what_a_client_puts_is_read_here(self, aws: LocalAws) -> None:
        s3 = aws.client("s3")
        s3.put_object(Bucket="bucket", Key="put", Body=b"abc")
        assert read_object(ACCOUNT, "bucket", "put") == b"abc"
        assert has_object(ACCOUNT, "bucket", "put")
        s3.delete_object(Bucket="bucket", Key="put")
        assert read_object(ACCOUNT, "bucket", "put") is None

    def test_a_deleted_version_is_no_object(self, aws: LocalAws) -> None:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="versioned")
        s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        for key in ("b", "a", "gone"):
            s3.put_object(Bucket="versioned", Key=key, Body=b"old")
        write_object(ACCOUNT, "versioned", "a", b"new")
        s3.delete_object(Bucket="versioned", Key="gone")
        assert object_names(ACCOUNT, "versioned") == ["a", "b"]
        assert read_object(ACCOUNT, "versioned", "a") == b"new"
        assert read_object(ACCOUNT, "versioned", "gone") is None
        assert len(s3.list_object_versions(Bucket="versioned", Prefix="a")["Versions"]) == 2

    def test_a_bucket_that_is_not_there_is_told(self, aws: LocalAws) -> None:
        assert has_bucket(ACCOUNT, "bucket")
        assert not has_bucket(ACCOUNT, "missing")
        with pytest.raises(NoBucketError):
            object_names(ACCOUNT, "missing")
        with pytest.raises(NoBucketError):
            read_object(ACCOUNT, "missing", "key")
        with pytest.raises(NoBucketError):
            write_object(ACCOUNT, "missing", "key", b"")


def test_lines_of_a_log_are_read_by_a_client(aws: LocalAws) -> None:
    write_log(ACCOUNT, "us-east-1", "/group", "stream", ["first"])
    write_log(ACCOUNT, "us-east-1", "/group", "stream", ["second", "third"])
    events = aws.client("logs").get_log_events(logGroupName="/group", logStreamName="stream")["events"]
    assert [event["message"] for event in events] == ["first", "second", "third"]
    assert abs(events[0]["timestamp"] / 1000 - time.time()) < 60


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


def test_an_error_has_the_code_that_clients_know_it_by(aws: LocalAws) -> None:
    """The service's model alone doesn't have it: moto reads models with additions of its own."""
    sqs = aws.client("sqs")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="missing")


def test_auto_scaling_is_loaded_with_the_first_target(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "moto.applicationautoscaling", raising=False)
    scaling = aws.client("application-autoscaling")
    variant = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    assert scaling.describe_scalable_targets(**variant)["ScalableTargets"] == []
    assert not has_autoscaling()
    scaling.register_scalable_target(**variant, ResourceId="endpoint/e/variant/v", MinCapacity=1, MaxCapacity=2)
    assert has_autoscaling()
    assert len(scaling.describe_scalable_targets(**variant)["ScalableTargets"]) == 1


def test_names_of_metadata_keep_their_underscores_and_dashes(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    metadata = {"a_b": "1", "c-d": "2"}
    s3.put_object(Bucket="bucket", Key="metadata", Body=b"", Metadata=metadata)
    assert s3.head_object(Bucket="bucket", Key="metadata")["Metadata"] == metadata
