"""Models, endpoint configs and endpoints that answer."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.local import LocalAws


@pytest.fixture
def make_config(sm: Any, make_model: Callable[..., str], unique: Callable[[str], str]) -> Callable[..., str]:
    def make_config(instance: str = "ml.g5.xlarge", **files: str) -> str:
        name = unique("config")
        variant = {
            "VariantName": "main",
            "ModelName": make_model(**files),
            "InitialInstanceCount": 1,
            "InstanceType": instance,
        }
        sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    return make_config


@pytest.fixture
def settled(sm: Any) -> Callable[[str], dict[str, Any]]:
    def settled(name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            described: dict[str, Any] = sm.describe_endpoint(EndpointName=name)
            if described["EndpointStatus"] in ("InService", "Failed"):
                return described
            time.sleep(0.02)
        raise AssertionError(described)

    return settled


@pytest.fixture
def runtime(aws: LocalAws) -> Any:
    return aws.client("sagemaker-runtime")


def test_an_endpoint_answers_a_binary_body(sm: Any, runtime: Any, make_config: Any, settled: Any) -> None:
    config = make_config()
    sm.create_endpoint(EndpointName="answers", EndpointConfigName=config)
    assert sm.describe_endpoint(EndpointName="answers")["EndpointStatus"] == "Creating"
    assert settled("answers")["EndpointConfigName"] == config
    body = bytes(range(256)) * 10
    answer = runtime.invoke_endpoint(
        EndpointName="answers", Body=body, ContentType="image/jpeg", Accept="application/json"
    )
    answered = json.loads(answer["Body"].read())
    assert answered == {"bytes": 2560, "type": "image/jpeg", "accept": "application/json", "model": ["weights"]}
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "main"


def test_a_model_that_refuses_is_a_model_error(sm: Any, runtime: Any, make_config: Any, settled: Any) -> None:
    sm.create_endpoint(EndpointName="refuses", EndpointConfigName=make_config())
    settled("refuses")
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(EndpointName="refuses", Body=b"bad", ContentType="image/jpeg")
    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert 'Received client error (400) from main with message "unreadable image"' in str(caught.value)
    assert caught.value.response["OriginalStatusCode"] == 400


@pytest.mark.parametrize(
    ("hosting", "size", "code", "message"),
    [
        pytest.param(
            {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large"},
            6 * 1024 * 1024,
            "413",
            "HTTP content length exceeded 6291456 bytes.",
            id="real-time",
        ),
        pytest.param(
            {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}},
            4 * 1024 * 1024,
            "ValidationError",
            "has oversize body",
            id="serverless",
        ),
    ],
)
def test_a_body_over_the_limit_is_refused_as_on_aws(
    sm: Any,
    runtime: Any,
    make_model: Any,
    unique: Any,
    settled: Any,
    hosting: dict[str, Any],
    size: int,
    code: str,
    message: str,
) -> None:
    name = unique("large")
    variant = {"VariantName": "main", "ModelName": make_model(), **hosting}
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sm.create_endpoint(EndpointName=name, EndpointConfigName=name)
    settled(name)
    assert runtime.invoke_endpoint(EndpointName=name, Body=bytes(size))["ResponseMetadata"]["HTTPStatusCode"] == 200
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(EndpointName=name, Body=bytes(size + 1))
    assert caught.value.response["Error"]["Code"] == code
    assert message in caught.value.response["Error"]["Message"]


def test_an_unknown_endpoint_is_a_validation_error(runtime: Any) -> None:
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(EndpointName="nobody", Body=b"x")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "Endpoint nobody of account 123456789012 not found." in str(caught.value)


def test_an_update_takes_over_when_it_serves(sm: Any, runtime: Any, make_config: Any, settled: Any) -> None:
    sm.create_endpoint(EndpointName="updated", EndpointConfigName=make_config())
    settled("updated")
    second = make_config(newer="2")
    sm.update_endpoint(EndpointName="updated", EndpointConfigName=second)
    assert sm.describe_endpoint(EndpointName="updated")["EndpointStatus"] == "Updating"
    assert settled("updated")["EndpointConfigName"] == second
    answered = json.loads(runtime.invoke_endpoint(EndpointName="updated", Body=b"x")["Body"].read())
    assert answered["model"] == ["newer"]


def test_an_update_that_fails_leaves_the_old_one_serving(sm: Any, runtime: Any, make_config: Any, settled: Any) -> None:
    first = make_config()
    sm.create_endpoint(EndpointName="kept", EndpointConfigName=first)
    settled("kept")
    sm.update_endpoint(EndpointName="kept", EndpointConfigName=make_config(broken="1"))
    described = settled("kept")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", first)
    assert "this model is broken, exit code: 3" in described["FailureReason"]
    assert json.loads(runtime.invoke_endpoint(EndpointName="kept", Body=b"x")["Body"].read())["model"] == ["weights"]


def test_an_endpoint_that_cannot_start_fails_with_a_reason(sm: Any, make_config: Any, settled: Any) -> None:
    sm.create_endpoint(EndpointName="broken", EndpointConfigName=make_config(broken="1"))
    described = settled("broken")
    assert described["EndpointStatus"] == "Failed"
    assert "this model is broken, exit code: 3" in described["FailureReason"]


def test_a_deleted_endpoint_is_gone(sm: Any, runtime: Any, make_config: Any, settled: Any) -> None:
    sm.create_endpoint(EndpointName="deleted", EndpointConfigName=make_config())
    settled("deleted")
    sm.delete_endpoint(EndpointName="deleted")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sm.describe_endpoint(EndpointName="deleted")
    with pytest.raises(ClientError, match="not found"):
        runtime.invoke_endpoint(EndpointName="deleted", Body=b"x")


@pytest.mark.parametrize("instance", ["ml.m5.large", "ml.c6i.xlarge", "ml.g5.xlarge", "ml.p3.2xlarge"])
def test_every_instance_type_of_the_model_is_taken(make_config: Any, instance: str) -> None:
    assert make_config(instance)


def test_names_are_unique(sm: Any, aws: LocalAws, make_config: Any, make_model: Any, settled: Any) -> None:
    config = make_config()
    variants = sm.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        sm.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
    sm.create_endpoint(EndpointName="twice", EndpointConfigName=config)
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        sm.create_endpoint(EndpointName="twice", EndpointConfigName=config)
    settled("twice")
    model = sm.describe_model(ModelName=make_model())
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        sm.create_model(
            ModelName=model["ModelName"], ExecutionRoleArn=aws.role_arn, PrimaryContainer=model["PrimaryContainer"]
        )


def test_what_a_config_or_an_endpoint_refers_to_must_be_there(sm: Any) -> None:
    variant = {"VariantName": "v", "ModelName": "nobody", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    with pytest.raises(ClientError, match="Could not find model"):
        sm.create_endpoint_config(EndpointConfigName="dangling", ProductionVariants=[variant])
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        sm.create_endpoint(EndpointName="dangling", EndpointConfigName="nobody")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        pytest.param(
            {"PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://bucket/no/model.tar.gz"}},
            "Could not find model data at s3://bucket/no/model.tar.gz.", id="artifact missing",
        ),
        pytest.param({}, "Exactly one of PrimaryContainer and Containers", id="no container"),
        pytest.param({"PrimaryContainer": {"ModelDataUrl": "s3://bucket/x"}}, "needs an Image", id="no image"),
        pytest.param(
            {"PrimaryContainer": {"ModelPackageName": "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/9"}},
            "model-package/g/9 does not exist", id="package missing",
        ),
    ],
)  # fmt: skip
def test_models_that_are_refused(sm: Any, aws: LocalAws, members: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        sm.create_model(ModelName="refused", ExecutionRoleArn=aws.role_arn, **members)


def test_a_model_that_is_not_packed_serves(
    sm: Any, aws: LocalAws, runtime: Any, put: Callable[..., str], image: str, settled: Any
) -> None:
    put("models/loose/weights", "1")
    source = {"S3Uri": "s3://bucket/models/loose/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {"Image": image, "ModelDataSource": {"S3DataSource": source}}
    sm.create_model(ModelName="loose", ExecutionRoleArn=aws.role_arn, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": "loose", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sm.create_endpoint_config(EndpointConfigName="loose", ProductionVariants=[variant])
    sm.create_endpoint(EndpointName="loose", EndpointConfigName="loose")
    settled("loose")
    assert json.loads(runtime.invoke_endpoint(EndpointName="loose", Body=b"x")["Body"].read())["model"] == ["weights"]


def test_a_model_from_a_registered_package_serves(
    sm: Any, aws: LocalAws, runtime: Any, artifact: Any, image: str, settled: Any
) -> None:
    sm.create_model_package_group(ModelPackageGroupName="served")
    containers = [{"Image": image, "ModelDataUrl": artifact("models/served/model.tar.gz", packaged="1")}]
    package = sm.create_model_package(
        ModelPackageGroupName="served",
        InferenceSpecification={"Containers": containers, "SupportedContentTypes": ["image/jpeg"]},
    )["ModelPackageArn"]
    sm.create_model(ModelName="served", ExecutionRoleArn=aws.role_arn, PrimaryContainer={"ModelPackageName": package})
    variant = {"VariantName": "v", "ModelName": "served", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sm.create_endpoint_config(EndpointConfigName="served", ProductionVariants=[variant])
    sm.create_endpoint(EndpointName="served", EndpointConfigName="served")
    assert settled("served")["EndpointStatus"] == "InService"
    assert json.loads(runtime.invoke_endpoint(EndpointName="served", Body=b"x")["Body"].read())["model"] == ["packaged"]


def test_an_asynchronous_endpoint_is_asked_and_answers_in_s3(
    sm: Any, runtime: Any, make_model: Any, put: Callable[..., str], get: Callable[[str], bytes], settled: Any
) -> None:
    variant = {"VariantName": "v", "ModelName": make_model(), "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    output = {"OutputConfig": {"S3OutputPath": "s3://bucket/answers/"}}
    sm.create_endpoint_config(EndpointConfigName="queued", ProductionVariants=[variant], AsyncInferenceConfig=output)
    sm.create_endpoint(EndpointName="queued", EndpointConfigName="queued")
    assert settled("queued")["AsyncInferenceConfig"] == output
    asked = {"EndpointName": "queued", "ContentType": "image/jpeg"}
    answer = runtime.invoke_endpoint_async(**asked, InputLocation=put("asked/image.jpg", "12345"))
    assert json.loads(_arrived(get, answer["OutputLocation"]))["bytes"] == 5
    refused = runtime.invoke_endpoint_async(**asked, InputLocation=put("asked/bad.jpg", "bad"))
    assert b"unreadable image" in _arrived(get, refused["FailureLocation"])
    with pytest.raises(ClientError, match="use InvokeEndpointAsync"):
        runtime.invoke_endpoint(EndpointName="queued", Body=b"x")


def _arrived(get: Callable[[str], bytes], uri: str) -> bytes:
    deadline = time.monotonic() + 10
    while True:
        try:
            return get(uri)
        except ClientError:
            assert time.monotonic() < deadline, uri
            time.sleep(0.05)


def test_an_endpoint_that_answers_at_once_takes_no_queue(sm: Any, runtime: Any, make_config: Any, settled: Any) -> None:
    sm.create_endpoint(EndpointName="direct", EndpointConfigName=make_config())
    settled("direct")
    with pytest.raises(ClientError, match="is not asynchronous"):
        runtime.invoke_endpoint_async(EndpointName="direct", InputLocation="s3://bucket/x")


@pytest.fixture
def captured(aws: LocalAws, sm: Any, make_model: Any, settled: Any, unique: Any) -> Callable[..., Any]:
    """Make an endpoint with data capture, send it two requests; return its records and the keys of its files."""
    s3, runtime = aws.client("s3"), aws.client("sagemaker-runtime")

    def records(percentage: int = 100, **members: Any) -> tuple[list[dict[str, Any]], list[str]]:
        name = unique("captured")
        capture = {
            "EnableCapture": True,
            "InitialSamplingPercentage": percentage,
            "DestinationS3Uri": "s3://bucket/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            **members,
        }
        variant = {"VariantName": "v", "ModelName": make_model(), "InitialInstanceCount": 1}
        sm.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}],
            DataCaptureConfig=capture,
        )
        sm.create_endpoint(EndpointName=name, EndpointConfigName=name)
        assert settled(name)["DataCaptureConfig"]["CaptureStatus"] == "Started"
        asked = {"EndpointName": name, "ContentType": "image/jpeg"}
        runtime.invoke_endpoint(**asked, Body=b"\xff\xd8image", InferenceId="i-1", CustomAttributes="line 3")
        with pytest.raises(ClientError, match="unreadable"):
            runtime.invoke_endpoint(**asked, Body=b"bad image")
        sm.delete_endpoint(EndpointName=name)  # which writes what it still holds
        found = s3.list_objects_v2(Bucket="bucket", Prefix=f"capture/{name}/").get("Contents", [])
        keys = [item["Key"].removeprefix(f"capture/{name}/") for item in found]
        bodies = [s3.get_object(Bucket="bucket", Key=item["Key"])["Body"].read() for item in found]
        return [json.loads(line) for body in bodies for line in body.splitlines()], keys

    return records


def test_requests_are_captured_as_aws_writes_them(captured: Callable[..., Any]) -> None:
    (answered, failed), (key,) = captured(CaptureContentTypeHeader={"JsonContentTypes": ["application/json"]})
    assert re.fullmatch(r"v/\d{4}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl", key)
    assert answered["eventVersion"] == "0"
    metadata = answered["eventMetadata"]
    assert datetime.strptime(metadata.pop("inferenceTime"), "%Y-%m-%dT%H:%M:%SZ")
    assert uuid.UUID(metadata.pop("eventId"))
    assert metadata == {"inferenceId": "i-1", "customAttributes": ["line 3"]}
    output = answered["captureData"]["endpointOutput"]
    assert json.loads(output.pop("data"))["bytes"] == 7
    assert output == {"observedContentType": "application/json", "mode": "OUTPUT", "encoding": "JSON"}
    assert answered["captureData"]["endpointInput"] == {
        "observedContentType": "image/jpeg",
        "mode": "INPUT",
        "data": base64.b64encode(b"\xff\xd8image").decode(),
        "encoding": "BASE64",
    }
    assert set(failed["captureData"]) == {"endpointInput"}, "a model that fails has no output"


@pytest.mark.parametrize(
    ("members", "records", "parts"),
    [
        pytest.param(
            {"CaptureOptions": [{"CaptureMode": "InputAndOutput"}]},
            2,
            {"endpointInput": 2, "endpointOutput": 1},
            id="both in one option",
        ),
        pytest.param(
            {"CaptureOptions": [{"CaptureMode": "Output"}]},
            2,
            {"endpointInput": 0, "endpointOutput": 1},
            id="output only",
        ),
        pytest.param({"percentage": 0}, 0, {"endpointInput": 0, "endpointOutput": 0}, id="an empty sample"),
    ],
)
def test_the_config_says_what_is_captured(
    captured: Callable[..., Any], members: dict[str, Any], records: int, parts: dict[str, int]
) -> None:
    found, _ = captured(**members)
    assert len(found) == records
    assert {part: sum(part in one["captureData"] for one in found) for part in parts} == parts
    encodings = {
        one["captureData"]["endpointOutput"]["encoding"] for one in found if "endpointOutput" in one["captureData"]
    }
    assert encodings <= {"BASE64"}, "without a header everything is base64"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        pytest.param({}, "exactly one of", id="neither instances nor serverless"),
        pytest.param({"InstanceType": "ml.m5.large", "ServerlessConfig": {}}, "exactly one of", id="both"),
        pytest.param({"ServerlessConfig": {}, "capture": True}, "does not support data capture", id="with capture"),
        pytest.param({"ServerlessConfig": {}, "queue": True}, "does not support asynchronous", id="with a queue"),
    ],
)
def test_configs_that_are_refused(sm: Any, make_model: Any, members: dict[str, Any], message: str) -> None:
    more: dict[str, Any] = {}
    if members.get("capture"):
        more["DataCaptureConfig"] = {
            "EnableCapture": True, "InitialSamplingPercentage": 1, "DestinationS3Uri": "s3://bucket/c",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        }  # fmt: skip
    if members.get("queue"):
        more["AsyncInferenceConfig"] = {"OutputConfig": {"S3OutputPath": "s3://bucket/a"}}
    variant = {"VariantName": "v", "ModelName": make_model(), "InitialInstanceCount": 1}
    for name in ("InstanceType", "ServerlessConfig"):
        if name in members:
            variant[name] = members[name] or {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    with pytest.raises(ClientError, match=message):
        sm.create_endpoint_config(EndpointConfigName="refused", ProductionVariants=[variant], **more)


def test_what_an_update_asks_for_is_kept_and_what_is_left_out_is_written_down(
    sm: Any, aws: LocalAws, make_config: Any, settled: Any
) -> None:
    sm.create_endpoint(EndpointName="shifted", EndpointConfigName=make_config())
    settled("shifted")
    size = {"Type": "CAPACITY_PERCENT", "Value": 10}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 60, "CanarySize": size}
    deployment = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    }
    sm.update_endpoint(EndpointName="shifted", EndpointConfigName=make_config(), DeploymentConfig=deployment)
    assert settled("shifted")["LastDeploymentConfig"] == deployment
    log = (aws.home / "endpoints" / "shifted" / "log.txt").read_text()
    assert "traffic CANARY is taken as ALL_AT_ONCE; alarms are not watched" in log
