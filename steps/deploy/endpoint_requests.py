"""The endpoint in the API's terms: settings become members of CreateEndpointConfig and UpdateEndpoint.

Shared by the pipeline's own EndpointConfig step and by the Deploy job, whose argument they are.
"""

from __future__ import annotations

import json
from typing import Any

from steps.deploy.settings import AutoscalingSettings, DeploySettings, EndpointSettings, RolloutSettings
from steps.settings import AwsSettings

Members = dict[str, Any]

#: A container argument may have 256 characters.
_PART = 240
_ROUTING = {"all_at_once": "ALL_AT_ONCE", "canary": "CANARY", "linear": "LINEAR"}


def variant(endpoint: EndpointSettings, *, model: Any, instance_type: Any) -> Members:
    """The production variant of the version that is deployed; model and machine may be pipeline variables."""
    named = {"VariantName": endpoint.variant_name, "ModelName": model, "InitialVariantWeight": endpoint.weight}
    if endpoint.serverless is None:
        return {**named, "InitialInstanceCount": endpoint.instance_count, "InstanceType": instance_type}
    serverless = {
        "MemorySizeInMB": endpoint.serverless.memory_mb,
        "MaxConcurrency": endpoint.serverless.max_concurrency,
    }
    if endpoint.serverless.provisioned_concurrency:
        serverless["ProvisionedConcurrency"] = endpoint.serverless.provisioned_concurrency
    return {**named, "ServerlessConfig": serverless}


def data_capture(aws: AwsSettings, endpoint: EndpointSettings) -> Members | None:
    """DataCaptureConfig; None when it is off."""
    if not endpoint.data_capture_percent:
        return None
    capture: Members = {
        "EnableCapture": True,
        "InitialSamplingPercentage": endpoint.data_capture_percent,
        "DestinationS3Uri": f"s3://{aws.bucket}/{aws.prefix}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    if aws.kms_key:
        capture["KmsKeyId"] = aws.kms_key
    return capture


def async_inference(aws: AwsSettings, endpoint: EndpointSettings) -> Members | None:
    """AsyncInferenceConfig; None for an endpoint that answers at once."""
    settings = endpoint.async_inference
    if settings is None:
        return None
    output: Members = {"S3OutputPath": settings.output or f"s3://{aws.bucket}/{aws.prefix}/async"}
    if aws.kms_key:
        output["KmsKeyId"] = aws.kms_key
    topics = {"SuccessTopic": settings.success_topic, "ErrorTopic": settings.error_topic}
    if given := {name: topic for name, topic in topics.items() if topic}:
        output["NotificationConfig"] = given
    members: Members = {"OutputConfig": output}
    if settings.max_concurrent_invocations:
        members["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": settings.max_concurrent_invocations}
    return members


def volume_key(aws: AwsSettings, endpoint: EndpointSettings) -> str | None:
    """KmsKeyId of the machines' volumes; a serverless endpoint has none."""
    return None if endpoint.serverless else aws.kms_key


def rollout(settings: RolloutSettings) -> Members:
    """DeploymentConfig of an update."""
    wait = 0 if settings.traffic == "all_at_once" else settings.wait_interval_minutes * 60
    routing: Members = {"Type": _ROUTING[settings.traffic], "WaitIntervalInSeconds": wait}
    size = {"Type": "CAPACITY_PERCENT", "Value": settings.step_percent}
    if settings.traffic == "canary":
        routing["CanarySize"] = size
    elif settings.traffic == "linear":
        routing["LinearStepSize"] = size
    members: Members = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": settings.termination_wait_minutes * 60,
            "MaximumExecutionTimeoutInSeconds": settings.timeout_minutes * 60,
        }
    }
    if settings.alarms:
        members["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in settings.alarms]}
    return members


def scaling(settings: AutoscalingSettings, *, asynchronous: bool) -> Members:
    """RegisterScalableTarget's and PutScalingPolicy's members of the variant; the job adds which endpoint."""
    tracking: Members = {
        "TargetValue": settings.target,
        "ScaleOutCooldown": settings.scale_out_cooldown_seconds,
        "ScaleInCooldown": settings.scale_in_cooldown_seconds,
    }
    if asynchronous:
        # A queue, not requests per minute, is what an asynchronous endpoint is measured by, down to no machine at all.
        tracking["CustomizedMetricSpecification"] = {
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Namespace": "AWS/SageMaker",
            "Statistic": "Average",
        }
    else:
        tracking["PredefinedMetricSpecification"] = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    return {"MinCapacity": settings.min_instances, "MaxCapacity": settings.max_instances, "Policy": tracking}


def job_specification(aws: AwsSettings, deploy: DeploySettings, *, group: str, project: str) -> Members:
    """All that the Deploy job needs besides the version, the endpoint's name and its machine."""
    endpoint = deploy.endpoint
    main = variant(endpoint, model=None, instance_type=None)
    others = [
        {
            "VariantName": other.name,
            "Package": _package_arn(aws, group, other.package),
            "InitialVariantWeight": other.weight,
            "InitialInstanceCount": other.instance_count,
            "InstanceType": other.instance_type,
        }
        for other in endpoint.additional_variants
    ]
    config = {
        "DataCaptureConfig": data_capture(aws, endpoint),
        "AsyncInferenceConfig": async_inference(aws, endpoint),
        "KmsKeyId": volume_key(aws, endpoint),
    }
    network = aws.network
    model: Members = {"ExecutionRoleArn": aws.role, "EnableNetworkIsolation": network.isolation or None}
    if network.subnets:
        model["VpcConfig"] = {"Subnets": network.subnets, "SecurityGroupIds": network.security_groups}
    autoscaling = endpoint.autoscaling
    return {
        "project": project,
        "group": group,
        "model": _given(model),
        "variants": [_given(main), *map(_given, others)],
        "config": _given(config),
        "tags": aws.tags,
        "rollout": rollout(deploy.rollout),
        "scaling": scaling(autoscaling, asynchronous=endpoint.async_inference is not None) if autoscaling else None,
    }


def _given(members: Members) -> Members:
    return {name: value for name, value in members.items() if value is not None}


def _package_arn(aws: AwsSettings, group: str, package: int | str) -> str:
    if isinstance(package, str):
        return package
    partition, account = aws.role.split(":")[1], aws.role.split(":")[4]
    return f"arn:{partition}:sagemaker:{aws.region}:{account}:model-package/{group}/{package}"


def as_arguments(specification: Members) -> list[str]:
    """The specification as container arguments, readable, in parts of the length that the API allows."""
    text = json.dumps(specification, separators=(",", ":"), sort_keys=True)
    return [f"--specification={text[start : start + _PART]}" for start in range(0, len(text), _PART)]
