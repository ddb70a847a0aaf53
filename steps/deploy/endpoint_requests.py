"""Requests of the endpoint: settings become members of CreateEndpointConfig and UpdateEndpoint.

The EndpointConfig step sends them, and the Deploy job takes them as its argument.
"""

from __future__ import annotations

import json
from typing import Any

from steps.deploy.settings import AutoscalingSettings, DeploySettings, EndpointSettings, RolloutSettings
from steps.settings import AwsSettings

Members = dict[str, Any]

# A container argument holds 256 characters, the option's name included.
_MAX_PART_LENGTH = 240
_ROUTING = {"all_at_once": "ALL_AT_ONCE", "canary": "CANARY", "linear": "LINEAR"}


def variant(endpoint: EndpointSettings, *, model: Any, instance_type: Any) -> Members:
    """Return the production variant of the deployed version; model and instance type may be pipeline variables."""
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
    """Return the DataCaptureConfig; None when data capture is disabled."""
    if not endpoint.data_capture_percent:
        return None
    capture: Members = {
        "EnableCapture": True,
        "InitialSamplingPercentage": endpoint.data_capture_percent,
        "DestinationS3Uri": f"s3://{aws.bucket}/{aws.prefix}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        # Answers are captured as text, images as base64.
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    if aws.kms_key:
        capture["KmsKeyId"] = aws.kms_key
    return capture


def async_inference(aws: AwsSettings, endpoint: EndpointSettings) -> Members | None:
    """Return the AsyncInferenceConfig; None for a synchronous endpoint."""
    settings = endpoint.async_inference
    if settings is None:
        return None
    output: Members = {"S3OutputPath": settings.output or f"s3://{aws.bucket}/{aws.prefix}/async"}
    if aws.kms_key:
        output["KmsKeyId"] = aws.kms_key
    topics = {"SuccessTopic": settings.success_topic, "ErrorTopic": settings.error_topic}
    if configured := {name: topic for name, topic in topics.items() if topic}:
        output["NotificationConfig"] = configured
    members: Members = {"OutputConfig": output}
    if settings.max_concurrent_invocations:
        members["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": settings.max_concurrent_invocations}
    return members


def volume_key(aws: AwsSettings, endpoint: EndpointSettings) -> str | None:
    """Return the KmsKeyId of the instances' volumes; None for a serverless endpoint."""
    return None if endpoint.serverless else aws.kms_key


def rollout(settings: RolloutSettings) -> Members:
    """Return the DeploymentConfig of an update."""
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
    """Return the variant's members of RegisterScalableTarget and PutScalingPolicy; the job adds the endpoint."""
    tracking: Members = {
        "TargetValue": settings.target,
        "ScaleOutCooldown": settings.scale_out_cooldown_seconds,
        "ScaleInCooldown": settings.scale_in_cooldown_seconds,
    }
    if asynchronous:
        # The queue, not requests per minute, measures the load of an asynchronous endpoint, down to no instance.
        tracking["CustomizedMetricSpecification"] = {
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Namespace": "AWS/SageMaker",
            "Statistic": "Average",
        }
    else:
        tracking["PredefinedMetricSpecification"] = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    return {"MinCapacity": settings.min_instances, "MaxCapacity": settings.max_instances, "Policy": tracking}


def job_specification(aws: AwsSettings, deploy: DeploySettings, *, group: str, project: str) -> Members:
    """Return all that the Deploy job needs besides the version and the endpoint's name and instance type."""
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
        "model": _without_none(model),
        "variants": [_without_none(main), *map(_without_none, others)],
        "config": _without_none(config),
        "tags": aws.tags,
        "rollout": rollout(deploy.rollout),
        "scaling": scaling(autoscaling, asynchronous=endpoint.async_inference is not None) if autoscaling else None,
    }


def _without_none(members: Members) -> Members:
    return {name: value for name, value in members.items() if value is not None}


def _package_arn(aws: AwsSettings, group: str, package: int | str) -> str:
    if isinstance(package, str):
        return package
    partition, account = aws.role.split(":")[1], aws.role.split(":")[4]
    return f"arn:{partition}:sagemaker:{aws.region}:{account}:model-package/{group}/{package}"


def as_arguments(specification: Members) -> list[str]:
    """Return the specification as container arguments: JSON in parts of the length that the API allows."""
    text = json.dumps(specification, separators=(",", ":"), sort_keys=True)
    return [
        f"--specification={text[start : start + _MAX_PART_LENGTH]}" for start in range(0, len(text), _MAX_PART_LENGTH)
    ]
