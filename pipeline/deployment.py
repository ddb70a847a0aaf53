"""The endpoint as it stands, and deployments: each is an execution of the deploy pipeline, whoever starts it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.errors import UserError
from groundloop.executions.control import start
from groundloop.models.autoscaling import Scaling
from groundloop.models.registry import version
from groundloop.models.version_selection import ServedVariant, approved_versions, champion, served_variants, version_of
from pipeline.config import Config


@dataclass(frozen=True)
class Variant:
    """One variant that serves; ``version`` None: its model is none of the group's."""

    name: str
    weight: float
    instances: int | None
    machine: str
    package: str | None
    version: int | None
    scaling: str


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as AWS describes it; ``traffic`` and ``alarms`` are those of its last update."""

    name: str
    status: str
    reason: str
    kind: str
    config: str
    modified: datetime
    traffic: str
    alarms: list[str]
    capture_percent: int
    variants: list[Variant]

    @property
    def version(self) -> int | None:
        """The version that the first variant serves."""
        return self.variants[0].version if self.variants else None

    def as_json(self) -> dict[str, Any]:
        """For ``--json``: plain values."""
        return {**asdict(self), "version": self.version, "modified": self.modified.isoformat()}


def describe_endpoint(config: Config, name: str | None = None) -> Endpoint | None:
    """The endpoint of the configuration, or of a name; None when there is none."""
    name = name or config.deploy.endpoint.name
    described = _described(config, name)
    if described is None:
        return None
    sagemaker = client("sagemaker", config.aws.region)
    asked = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    deployment = described.get("LastDeploymentConfig") or {}
    policy = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    capture = described.get("DataCaptureConfig") or {}
    return Endpoint(
        name=name,
        status=described["EndpointStatus"],
        reason=described.get("FailureReason") or "",
        kind=_kind(asked),
        config=described["EndpointConfigName"],
        modified=described["LastModifiedTime"],
        traffic=policy.get("Type", ""),
        alarms=[a["AlarmName"] for a in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])],
        capture_percent=capture.get("CurrentSamplingPercentage", 0) if capture.get("EnableCapture") else 0,
        variants=_variants(config, name, described, asked),
    )


def serving_versions(config: Config) -> list[int | None] | None:
    """The versions that the endpoint's variants serve, None for a model of another origin; None without endpoint."""
    described = _described(config, config.deploy.endpoint.name)
    if described is None:
        return None
    group = config.registry.group
    found = served_variants(client("sagemaker", config.aws.region), described["EndpointConfigName"], group)
    return [_version(item, group) for item in found]


def _described(config: Config, name: str) -> dict[str, Any] | None:
    try:
        described: dict[str, Any] = client("sagemaker", config.aws.region).describe_endpoint(EndpointName=name)
    except ClientError as error:
        if error_code(error) == "ValidationException":
            return None
        raise
    return described


def _kind(asked: dict[str, Any]) -> str:
    if asked.get("AsyncInferenceConfig"):
        return "asynchronous"
    return "serverless" if asked["ProductionVariants"][0].get("ServerlessConfig") else "real-time"


def _variants(config: Config, name: str, described: dict[str, Any], asked: dict[str, Any]) -> list[Variant]:
    region = config.aws.region
    versions = {
        item.variant: item
        for item in served_variants(client("sagemaker", region), described["EndpointConfigName"], config.registry.group)
    }
    machines = {variant["VariantName"]: variant for variant in asked["ProductionVariants"]}
    scaling = _scaling(region, name, list(versions))
    found = []
    for variant in described.get("ProductionVariants") or []:
        item, machine = versions[variant["VariantName"]], machines[variant["VariantName"]]
        serverless = machine.get("ServerlessConfig")
        memory = f"serverless, {serverless['MemorySizeInMB']} MB" if serverless else ""
        found.append(
            Variant(
                name=item.variant,
                weight=variant.get("CurrentWeight", item.weight),
                instances=variant.get("CurrentInstanceCount"),
                machine=memory or machine["InstanceType"],
                package=item.package,
                version=_version(item, config.registry.group),
                scaling=scaling.get(item.variant, ""),
            )
        )
    return found


def _version(item: ServedVariant, group: str) -> int | None:
    return version_of(item.package) if item.package and f"/{group}/" in item.package else None


def _scaling(region: str, name: str, variants: list[str]) -> dict[str, str]:
    """Variant to its bounds, of those that are registered for autoscaling."""
    found = Scaling(client("application-autoscaling", region), name).registered(variants)
    return {
        item.target["ResourceId"].rsplit("/", 1)[-1]: f"{item.target['MinCapacity']} to {item.target['MaxCapacity']}"
        for item in found
    }


def start_deployment(config: Config, number: int | None = None) -> str:
    """Start the deploy pipeline for a version, or the champion; the execution's ARN.

    Raises:
        UserError: no such version, it isn't approved, none is, or there is no deploy pipeline.
    """
    region, group = config.aws.region, config.registry.group
    if number is None:
        if champion(client("sagemaker", region), group) is None:
            raise UserError(f"no version of {group!r} is approved: groundloop models, then groundloop approve N")
        return start(region, config.pipeline.deploy_name, [])
    found = version(region, group, number)
    if found.status != "Approved":
        raise UserError(
            f"version {number} is {found.status}, not Approved, and is not deployed: "
            f"approve it first (groundloop approve {number} --reason ...)"
        )
    return start(region, config.pipeline.deploy_name, [f"ModelPackageArn={found.arn}"])


def previous_approved(config: Config) -> tuple[int, int]:
    """The version that the endpoint serves, and the approved one before it.

    Raises:
        UserError: there is no endpoint, it serves none of the group's versions, or there is none before it.
    """
    name, group = config.deploy.endpoint.name, config.registry.group
    standing = serving_versions(config)
    if standing is None:
        raise UserError(f"there is no endpoint {name!r} to roll back")
    if (current := standing[0]) is None:
        raise UserError(f"endpoint {name!r} serves no version of {group!r}, so there is none before it")
    candidates = [version_of(arn) for arn in approved_versions(client("sagemaker", config.aws.region), group)]
    earlier = [number for number in candidates if number < current]
    if not earlier:
        raise UserError(
            f"endpoint {name!r} serves version {current}, and no version before it is approved: "
            "groundloop models shows which there are"
        )
    return current, max(earlier)
