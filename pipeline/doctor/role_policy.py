"""The least that the execution role must be allowed, for one configuration: its policy and its trust policy.

The role is both the pipeline's, which starts jobs and registers models, and the jobs', which read and write data.
Which action a call needs: AWS's guide, "How to use SageMaker AI execution roles", and the Service Authorization
Reference. Not verified on AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.config import Config

Condition = dict[str, dict[str, str | list[str]]]

SAGEMAKER, EVENTS = "sagemaker.amazonaws.com", "events.amazonaws.com"
_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)")
# The service names the jobs and models of a pipeline's steps so.
_STEP_NAMES = "pipelines-*"
_KEPT_OF_NAME = 40


@dataclass(frozen=True)
class Statement:
    """One statement of a policy; ``sid`` says what it is for, and names what fails without it."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    condition: Condition = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Return the statement as IAM has it."""
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        return {**statement, "Condition": self.condition} if self.condition else statement


def policies(config: Config, images: Sequence[str], data_buckets: Sequence[str] = ()) -> dict[str, Any]:
    """Return the two documents for IAM, under `TrustPolicy` and `RolePolicy`."""
    return {
        "TrustPolicy": trust_policy(config),
        "RolePolicy": _document([statement.json() for statement in statements(config, images, data_buckets)]),
    }


def trust_policy(config: Config) -> dict[str, Any]:
    """SageMaker, and EventBridge where it starts the pipelines with this role, on behalf of this account only."""
    services = [SAGEMAKER, EVENTS] if starts_by_events(config) else [SAGEMAKER]
    return _document(
        [
            {
                "Sid": "ServicesTakeOnTheRole",
                "Effect": "Allow",
                "Principal": {"Service": services},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": _Place.of(config).account}},
            }
        ]
    )


def starts_by_events(config: Config) -> bool:
    """Whether EventBridge assumes this role, to start a pipeline on approval or by a schedule."""
    wanted = config.deploy.mode == "on_approval" or bool(config.triggers.schedules)
    return wanted and config.triggers.role in {None, config.aws.role}


def statements(config: Config, images: Sequence[str], data_buckets: Sequence[str] = ()) -> list[Statement]:
    """List the statements of the role's policy.

    Args:
        images: URIs of the jobs' container images.
        data_buckets: buckets of images besides those that the configuration names.
    """
    place = _Place.of(config)
    return [
        *_data(config, place, data_buckets),
        *_keys(config, place),
        *_containers(images, place),
        *_logs(place),
        *_network(config, place),
        *_jobs(config, place),
        *_registry(config, place),
        *_hosting(config, place),
        *_scaling(config, place),
        *_starts(config, place),
        Statement(
            "PassThisRoleToJobs",
            ["iam:PassRole"],
            [config.aws.role],
            {"StringEquals": {"iam:PassedToService": SAGEMAKER}},
        ),
    ]


@dataclass(frozen=True)
class _Place:
    """What an ARN begins with."""

    partition: str
    region: str
    account: str

    @classmethod
    def of(cls, config: Config) -> _Place:
        _, partition, _, _, account, _ = config.aws.role.split(":", 5)
        return cls(partition, config.aws.region, account)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def sagemaker(self, *resources: str) -> list[str]:
        """ARNs of SageMaker's resources: it writes their names in lower case, and IAM compares letter by letter."""
        spelt = [spelling for resource in resources for spelling in (resource, resource.lower())]
        return [self.arn("sagemaker", resource) for resource in dict.fromkeys(spelt)]

    def bucket(self, name: str, keys: str = "") -> str:
        return f"arn:{self.partition}:s3:::{name}{keys}"


def _data(config: Config, place: _Place, data_buckets: Sequence[str]) -> Iterator[Statement]:
    own, prefix = config.aws.bucket, config.aws.prefix
    more = [uri for source in config.labels.additional_sources for uri in (source.uri, source.images) if uri]
    read = list(dict.fromkeys([*map(bucket_of, [config.labels.manifest, *more]), *data_buckets]))
    yield Statement("ReadLabelsAndImages", ["s3:GetObject"], [place.bucket(name, "/*") for name in read])
    written = [place.bucket(own, f"/{prefix}/*")]
    asynchronous = config.deploy.endpoint.async_inference
    if asynchronous and asynchronous.output and config.deploy.mode != "never":
        bucket, _, key = asynchronous.output.removeprefix("s3://").partition("/")
        written.append(place.bucket(bucket, f"/{key.rstrip('/')}/*"))
    yield Statement("ReadAndWriteResults", ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], written)
    listed = dict.fromkeys([own, *read, *(resource.split(":::")[1].split("/")[0] for resource in written)])
    # Without the right to list, S3 says "forbidden" of what is missing.
    yield Statement("ListBuckets", ["s3:ListBucket", "s3:GetBucketLocation"], [place.bucket(name) for name in listed])
    if asynchronous and config.deploy.mode != "never":
        topics = [topic for topic in (asynchronous.success_topic, asynchronous.error_topic) if topic]
        if topics:
            yield Statement("TellOfAsynchronousAnswers", ["sns:Publish"], topics)


def _keys(config: Config, place: _Place) -> Iterator[Statement]:
    key = config.aws.kms_key
    if not key:
        return
    resource, condition = key_resource(key, place.partition, place.region, place.account)
    using = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"]
    yield Statement("EncryptResults", [*using, "kms:ReEncryptTo"], [resource], condition)
    yield Statement("EncryptVolumes", ["kms:CreateGrant"], [resource], condition)


def key_resource(key: str, partition: str, region: str, account: str) -> tuple[str, Condition]:
    """Return a key's ARN in a policy, and the condition that it needs: an alias is not a resource there."""
    alias = key if key.startswith("alias/") else key.partition(":alias/")[2] and f"alias/{key.partition(':alias/')[2]}"
    if alias:
        every = f"arn:{partition}:kms:{region}:{account}:key/*"
        return every, {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
    return (key if key.startswith("arn:") else f"arn:{partition}:kms:{region}:{account}:key/{key}"), {}


def _containers(images: Sequence[str], place: _Place) -> Iterator[Statement]:
    found = [match for match in map(_ECR.match, dict.fromkeys(images)) if match]
    if not found:
        return
    repositories = [
        f"arn:{place.partition}:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"
        for match in found
    ]
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    yield Statement("PullImages", pull, repositories)
    yield Statement("LogInToImageRegistries", ["ecr:GetAuthorizationToken"], ["*"])


def _logs(place: _Place) -> Iterator[Statement]:
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    yield Statement("WriteLogs", actions, [place.arn("logs", "log-group:/aws/sagemaker/*")])
    yield Statement(
        "WriteMetrics",
        ["cloudwatch:PutMetricData"],
        ["*"],
        {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*", "AWS/SageMaker"]}},
    )


def _network(config: Config, place: _Place) -> Iterator[Statement]:
    network = config.aws.network
    if not network.subnets:
        return
    interfaces = place.arn("ec2", "network-interface/*")
    subnets = [place.arn("ec2", f"subnet/{name}") for name in network.subnets]
    groups = [place.arn("ec2", f"security-group/{name}") for name in network.security_groups]
    yield Statement("JoinTheVpc", ["ec2:CreateNetworkInterface"], [interfaces, *subnets, *groups])
    yield Statement(
        "LeaveTheVpc",
        [
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
        ],
        [interfaces],
    )
    parts = ["DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"]
    yield Statement("LookAtTheVpc", [f"ec2:Describe{part}" for part in parts], ["*"])


def _jobs(config: Config, place: _Place) -> Iterator[Statement]:
    kinds = ("Processing", "Training", "Transform")
    actions = [f"sagemaker:{verb}{kind}Job" for kind in kinds for verb in ("Create", "Describe", "Stop")]
    jobs = place.sagemaker(*(f"{kind.lower()}-job/{_STEP_NAMES}" for kind in kinds))
    for kind, arn in zip(kinds, jobs, strict=True):
        own = [action for action in actions if action.endswith(f"{kind}Job")]
        yield Statement(f"Run{kind}Jobs", own, [arn])
    models = place.sagemaker(f"model/{_STEP_NAMES}")
    yield Statement("MakeModels", ["sagemaker:CreateModel", "sagemaker:DescribeModel"], models)
    # With the execution's ARN by the service, whatever aws.tags says.
    tagged = [*jobs, *models, *(place.sagemaker(*_endpoint_resources(config)) if _deploys(config) else [])]
    yield Statement("TagWhatIsMade", ["sagemaker:AddTags"], [*tagged, *_packages(config, place)])


def _packages(config: Config, place: _Place) -> list[str]:
    group = config.registry.group
    return place.sagemaker(f"model-package-group/{group}", f"model-package/{group}/*")


def _registry(config: Config, place: _Place) -> Iterator[Statement]:
    actions = [
        "sagemaker:CreateModelPackage",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
        "sagemaker:ListModelPackages",
    ]
    # Also what a gate against the champion and the Deploy job look up.
    yield Statement("RegisterAndReadVersions", actions, _packages(config, place))


def _deploys(config: Config) -> bool:
    return config.deploy.mode != "never"


def _endpoint_resources(config: Config) -> list[str]:
    name = config.deploy.endpoint.name
    # The Deploy job shortens a long name to make room for version and hash.
    made = f"{name}-*" if len(name) <= _KEPT_OF_NAME else f"{name[:_KEPT_OF_NAME]}*"
    return [f"endpoint/{name}", f"endpoint-config/{made}", f"model/{made}", "endpoint-config/groundloop-*"]


def _hosting(config: Config, place: _Place) -> Iterator[Statement]:
    if not _deploys(config):
        return
    endpoint, configs, models, step_configs = _endpoint_resources(config)
    all_configs = place.sagemaker(*dict.fromkeys([configs, step_configs]))
    yield Statement(
        "MakeEndpointConfigs",
        [f"sagemaker:{verb}EndpointConfig" for verb in ("Create", "Delete", "Describe")],
        all_configs,
    )
    yield Statement(
        "MakeAndMoveTheEndpoint",
        [f"sagemaker:{verb}Endpoint" for verb in ("Create", "Update")],
        [*place.sagemaker(endpoint), *all_configs],
    )
    yield Statement(
        "WatchAndRemoveTheEndpoint",
        [f"sagemaker:{verb}Endpoint" for verb in ("Delete", "Describe")],
        place.sagemaker(endpoint),
    )
    yield Statement(
        "MakeModelsOfVersions",
        [f"sagemaker:{verb}Model" for verb in ("Create", "Delete", "Describe")],
        place.sagemaker(models),
    )
    alarms = config.deploy.rollout.alarms
    if alarms:
        named = [place.arn("cloudwatch", f"alarm:{name}") for name in alarms]
        yield Statement("WatchAlarmsWhileRollingOut", ["cloudwatch:DescribeAlarms"], named)


def _scaling(config: Config, place: _Place) -> Iterator[Statement]:
    if not _deploys(config) or config.deploy.endpoint.serverless:
        return
    describe = [
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
    ]
    yield Statement("LookAtScaling", describe, ["*"])
    if not config.deploy.endpoint.autoscaling:
        return
    change = ["DeregisterScalableTarget", "PutScalingPolicy", "RegisterScalableTarget"]
    yield Statement(
        "ScaleTheEndpoint",
        [f"application-autoscaling:{action}" for action in change],
        [place.arn("application-autoscaling", "scalable-target/*")],
        {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
    )
    role = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    service = "sagemaker.application-autoscaling.amazonaws.com"
    yield Statement(
        "LetAutoscalingHaveItsRole",
        ["iam:CreateServiceLinkedRole"],
        [f"arn:{place.partition}:iam::{place.account}:role/aws-service-role/{service}/{role}"],
        {"StringLike": {"iam:AWSServiceName": service}},
    )


def _starts(config: Config, place: _Place) -> Iterator[Statement]:
    if starts_by_events(config):
        names = place.sagemaker(f"pipeline/{config.pipeline.name}", f"pipeline/{config.pipeline.deploy_name}")
        yield Statement("LetEventsStartThePipelines", ["sagemaker:StartPipelineExecution"], names)


def bucket_of(uri: str) -> str:
    """Return the bucket of an S3 URI."""
    return uri.removeprefix("s3://").partition("/")[0]


def _document(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": found}
