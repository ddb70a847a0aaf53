"""What the pipelines and the Deploy job may call: jobs, the registry, hosting, autoscaling."""

from __future__ import annotations

from collections.abc import Iterator

from groundloop.models.autoscaling import BACKLOG_ALARM_PREFIX
from pipeline.config import Config
from pipeline.doctor.policy_statement import ArnBuilder, Condition, Statement

# Pipelines name the jobs and models of their steps pipelines-<execution>-<step>-<random>.
_STEP_NAMES = "pipelines-*"
# Names of tuning jobs have 32 characters at most: pipelines shorten theirs in a way that isn't documented.
_TUNING_JOBS = "hyper-parameter-tuning-job/*"
# The Deploy job shortens an endpoint's name to make room for version and digest.
_KEPT_OF_NAME = 40


def control_plane_statements(config: Config, arns: ArnBuilder) -> Iterator[Statement]:
    """Yield the statements for jobs, the registry, hosting and autoscaling.

    Args:
        config: the configuration.
        arns: builds the ARNs.
    """
    yield from _jobs(config, arns)
    yield from _registry(config, arns)
    if config.deploy.mode != "never":
        yield from _hosting(config, arns)
        yield from _scaling(config, arns)
    if config.has_monitor:
        yield from _monitoring(config, arns)


def _jobs(config: Config, arns: ArnBuilder) -> Iterator[Statement]:
    kinds = ("Processing", "Training", "Transform")
    jobs = arns.sagemaker(*(f"{kind.lower()}-job/{_STEP_NAMES}" for kind in kinds))
    for kind, arn in zip(kinds, jobs, strict=True):
        actions = [f"sagemaker:{verb}{kind}Job" for verb in ("Create", "Describe", "Stop")]
        yield Statement(f"Run{kind}Jobs", actions, [arn])
    searches = arns.sagemaker(_TUNING_JOBS) if config.training.tuning.enabled else []
    if searches:
        kind = "HyperParameterTuningJob"
        actions = [*(f"{verb}{kind}" for verb in ("Create", "Describe", "Stop")), f"ListTrainingJobsFor{kind}"]
        yield Statement("RunTuningJobs", [f"sagemaker:{action}" for action in actions], searches)
    models = arns.sagemaker(f"model/{_STEP_NAMES}")
    yield Statement("CreateModels", ["sagemaker:CreateModel", "sagemaker:DescribeModel"], models)
    hosted = _endpoint_resources(config) if config.deploy.mode != "never" else []
    # The service tags what a pipeline creates with the execution's ARN, whatever aws.tags says.
    tagged = [*jobs, *searches, *models, *arns.sagemaker(*hosted), *_packages(config, arns)]
    yield Statement("TagResources", ["sagemaker:AddTags"], tagged)


def _packages(config: Config, arns: ArnBuilder) -> list[str]:
    group = config.registry.group
    return arns.sagemaker(f"model-package-group/{group}", f"model-package/{group}/*")


def _registry(config: Config, arns: ArnBuilder) -> Iterator[Statement]:
    # RegisterModel steps create a missing group themselves. The comparison with the champion and the Deploy job read
    # versions.
    actions = ["CreateModelPackage", "CreateModelPackageGroup", "DescribeModelPackage", "DescribeModelPackageGroup"]
    yield Statement(
        "RegisterModelPackages",
        [f"sagemaker:{name}" for name in [*actions, "ListModelPackages"]],
        _packages(config, arns),
    )


def _endpoint_resources(config: Config) -> list[str]:
    name = config.deploy.endpoint.name
    created = f"{name}-*" if len(name) <= _KEPT_OF_NAME else f"{name[:_KEPT_OF_NAME]}*"
    endpoints = [f"endpoint/{pattern}" for pattern in config.deploy.endpoint.allowed_names]
    return [*endpoints, f"endpoint-config/{created}", f"model/{created}", "endpoint-config/groundloop-*"]


def _hosting(config: Config, arns: ArnBuilder) -> Iterator[Statement]:
    def resources(*kinds: str) -> list[str]:
        found = dict.fromkeys(name for name in _endpoint_resources(config) if name.startswith(kinds))
        return arns.sagemaker(*found)

    yield Statement(
        "ManageEndpointConfigs",
        [f"sagemaker:{verb}EndpointConfig" for verb in ("Create", "Delete", "Describe")],
        resources("endpoint-config/"),
    )
    yield Statement(
        "CreateAndUpdateEndpoint",
        [f"sagemaker:{verb}Endpoint" for verb in ("Create", "Update")],
        resources("endpoint/", "endpoint-config/"),
    )
    yield Statement(
        "DescribeAndDeleteEndpoint",
        [f"sagemaker:{verb}Endpoint" for verb in ("Delete", "Describe")],
        resources("endpoint/"),
    )
    yield Statement(
        "ManageEndpointModels",
        [f"sagemaker:{verb}Model" for verb in ("Create", "Delete", "Describe")],
        resources("model/"),
    )


def _scaling(config: Config, arns: ArnBuilder) -> Iterator[Statement]:
    """Yield what "Auto scaling prerequisites" of the SageMaker developer guide lists, as narrow as IAM allows.

    Autoscaling that an earlier configuration, or a person, has registered is deregistered before an update and
    registered again when it fails: so the permissions don't depend on `deploy.endpoint.autoscaling`.
    """
    namespace: Condition = {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}}
    describe = ["application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"]
    # The guide grants these for all resources; DescribeAlarms also reads the alarms of deploy.rollout.alarms.
    yield Statement("DescribeScaling", [*describe, "cloudwatch:DescribeAlarms"], ["*"])
    actions = ["DeregisterScalableTarget"]
    serverless = config.deploy.endpoint.serverless is not None
    if not serverless:
        actions += ["DeleteScalingPolicy", "PutScalingPolicy", "RegisterScalableTarget"]
    yield Statement(
        "ManageScaling",
        [f"application-autoscaling:{action}" for action in actions],
        [arns.arn("application-autoscaling", "scalable-target/*")],
        namespace,
    )
    if serverless:
        return
    alarms = [
        arns.arn("cloudwatch", f"alarm:{prefix}{name}/*")
        for prefix in ("TargetTracking-endpoint/", BACKLOG_ALARM_PREFIX)
        for name in config.deploy.endpoint.allowed_names
    ]
    yield Statement("ManageScalingAlarms", ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"], alarms)
    yield Statement(
        "ScaleEndpoint",
        ["sagemaker:UpdateEndpointWeightsAndCapacities"],
        arns.sagemaker(*(f"endpoint/{name}" for name in config.deploy.endpoint.allowed_names)),
    )
    if config.deploy.endpoint.autoscaling:
        role = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        service = "sagemaker.application-autoscaling.amazonaws.com"
        yield Statement(
            "CreateScalingServiceRole",
            ["iam:CreateServiceLinkedRole"],
            [f"arn:{arns.partition}:iam::{arns.account}:role/aws-service-role/{service}/{role}"],
            {"StringLike": {"iam:AWSServiceName": service}},
        )


def _monitoring(config: Config, arns: ArnBuilder) -> Iterator[Statement]:
    """Yield what Monitor calls besides what Evaluate and the Deploy job may call."""
    if config.deploy.mode == "never":
        created = [f"endpoint/{name}" for name in config.deploy.endpoint.allowed_names]
        described = arns.sagemaker(*created, *(name for name in _endpoint_resources(config) if "endpoint/" not in name))
        actions = [f"sagemaker:Describe{kind}" for kind in ("Endpoint", "EndpointConfig", "Model")]
        yield Statement("DescribeServedVersions", actions, described)
    if config.triggers.retrain_when:
        actions = ["DescribePipeline", "ListPipelineExecutions", "StartPipelineExecution"]
        training = arns.sagemaker(f"pipeline/{config.pipeline.name}")
        yield Statement("StartTraining", [f"sagemaker:{action}" for action in actions], training)
