"""Settings in the API's terms, held against botocore's model of the service."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from groundloop.models.desired_endpoint import desired_endpoint
from steps.deploy.endpoint_requests import as_arguments, async_inference, job_specification, rollout, scaling
from steps.deploy.job import parse
from steps.deploy.settings import DeploySettings
from steps.settings import AwsSettings

SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")
SCALING = botocore.session.get_session().get_service_model("application-autoscaling")
ROLE = "arn:aws:iam::123456789012:role/r"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/4"


def aws(**members: Any) -> AwsSettings:
    return AwsSettings.model_validate({"role": ROLE, "bucket": "bucket", **members})


def deploying(**members: Any) -> DeploySettings:
    return DeploySettings.model_validate(members)


def fits(model: Any, operation: str, request: dict[str, Any]) -> None:
    report = ParamValidator().validate(request, model.operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


EVERYTHING = deploying(
    endpoint={
        "instance_count": 4,
        "data_capture_percent": 20,
        "async_inference": {
            "max_concurrent_invocations": 4,
            "error_topic": "arn:aws:sns:us-east-1:123456789012:errors",
        },
        "additional_variants": [{"name": "B", "package": 3, "weight": 0.1, "instance_type": "ml.c5.xlarge"}],
        "autoscaling": {"min_instances": 0, "max_instances": 8, "target": 5},
    },
    rollout={
        "traffic": "linear",
        "step_percent": 25,
        "wait_interval_minutes": 5,
        "termination_wait_minutes": 10,
        "alarms": ["errors"],
    },
)


def test_a_full_endpoint_fits_the_api() -> None:
    settings = aws(kms_key="key", network={"subnets": ["s-1"], "security_groups": ["g-1"], "isolation": True})
    specification = job_specification(settings, EVERYTHING, group="g", project="p")
    wanted = desired_endpoint(specification, "endpoint", PACKAGE, "ml.m5.xlarge")
    variants = [{**variant, "ModelName": "m"} for variant in wanted.variants]
    packages = [variant.pop("Package") for variant in variants]
    assert [package.rsplit("/", 1)[-1] for package in packages] == ["4", "3"]
    assert [variant["InstanceType"] for variant in variants] == ["ml.m5.xlarge", "ml.c5.xlarge"]
    request = {"EndpointConfigName": wanted.name, "ProductionVariants": variants, **specification["config"]}
    fits(SAGEMAKER, "CreateEndpointConfig", request)
    assert request["AsyncInferenceConfig"]["OutputConfig"] == {
        "S3OutputPath": "s3://bucket/groundloop/async",
        "KmsKeyId": "key",
        "NotificationConfig": {"ErrorTopic": "arn:aws:sns:us-east-1:123456789012:errors"},
    }
    fits(SAGEMAKER, "CreateModel", {"ModelName": "m", **specification["model"]})
    assert specification["model"]["EnableNetworkIsolation"] is True


@pytest.mark.parametrize(
    ("settings", "routing"),
    [
        pytest.param({}, {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}, id="all at once"),
        pytest.param(
            {"traffic": "canary", "step_percent": 5, "wait_interval_minutes": 10},
            {"Type": "CANARY", "WaitIntervalInSeconds": 600,
             "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 5}},
            id="canary",
        ),
        pytest.param(
            {"traffic": "linear", "step_percent": 50},
            {"Type": "LINEAR", "WaitIntervalInSeconds": 300,
             "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50}},
            id="linear",
        ),
    ],
)  # fmt: skip
def test_traffic_is_moved_as_configured(settings: dict[str, Any], routing: dict[str, Any]) -> None:
    members = rollout(deploying(endpoint={"instance_count": 2}, rollout=settings).rollout)
    assert members["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"] == routing
    assert "AutoRollbackConfiguration" not in members
    fits(SAGEMAKER, "UpdateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c", "DeploymentConfig": members})


def test_alarms_roll_back() -> None:
    members = rollout(EVERYTHING.rollout)
    assert members["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "errors"}]}
    assert members["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] == 600


@pytest.mark.parametrize("queued", [pytest.param(True, id="by the queue"), pytest.param(False, id="by requests")])
def test_autoscaling_fits_the_api(queued: bool) -> None:
    assert EVERYTHING.endpoint.autoscaling
    members = scaling(EVERYTHING.endpoint.autoscaling, asynchronous=queued)
    request = {
        "PolicyName": "p", "ServiceNamespace": "sagemaker", "ResourceId": "endpoint/e/variant/v",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "TargetTrackingScalingPolicyConfiguration": members["Policy"],
    }  # fmt: skip
    fits(SCALING, "PutScalingPolicy", request)
    assert (members["MinCapacity"], members["MaxCapacity"]) == (0, 8)


def test_a_serverless_endpoint_has_no_instance_no_volume_and_no_queue() -> None:
    settings = deploying(endpoint={"serverless": {"memory_mb": 2048, "max_concurrency": 3}})
    specification = job_specification(aws(kms_key="key"), settings, group="g", project="p")
    (variant,) = desired_endpoint(specification, "e", PACKAGE, "").variants
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 3}
    assert "InstanceType" not in variant
    assert specification["config"] == {}
    assert async_inference(aws(), settings.endpoint) is None


@given(endpoint=st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,31}", fullmatch=True), version=st.integers(1, 10**6))
def test_names_fit_and_say_what_is_in_them(endpoint: str, version: int) -> None:
    specification = job_specification(aws(), deploying(), group="g", project="p")
    package = f"{PACKAGE.rsplit('/', 1)[0]}/{version}"
    name = desired_endpoint(specification, endpoint * 2, package, "ml.m5.xlarge").name
    assert len(f"{name}-9") <= 63
    assert f"-v{version}-" in name
    again = desired_endpoint(specification, endpoint * 2, package, "ml.m5.xlarge")
    other = desired_endpoint(specification, endpoint * 2, package, "ml.c5.xlarge")
    assert again.name == name != other.name


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=300), max_size=12))
def test_a_specification_arrives_as_it_was_sent(tags: dict[str, str]) -> None:
    specification = {"tags": tags}
    arguments = as_arguments(specification)
    assert all(len(argument) <= 256 for argument in arguments)
    parsed = parse(["--region", "r", "--endpoint", "e", *arguments])
    assert json.loads("".join(parsed.specification)) == specification
