"""The deployed endpoint, and deployments: each is an execution of the deploy pipeline, whoever starts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.errors import UserError
from groundloop.executions.control import start
from groundloop.models.autoscaling import Scaling
from groundloop.models.registry import version
from groundloop.models.version_selection import ServedVariant, approved_versions, champion, served_variants, version_of
from groundloop.spec.payloads import MAX_REAL_TIME_BYTES, MAX_SERVERLESS_BYTES, MEGABYTE
from pipeline.config import Config


@dataclass(frozen=True)
class Variant:
    """One production variant; `version` is None if its model is not of the group."""

    name: str
    weight: float
    instance_count: int | None
    instance_type: str
    package: str | None
    version: int | None
    scaling: str


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as AWS describes it; `traffic` and `alarms` are those of its last update."""

    name: str
    status: str
    reason: str
    kind: str
    config: str
    modified: datetime
    traffic: str
    alarms: list[str]
    data_capture_percent: int
    variants: list[Variant]

    @property
    def version(self) -> int | None:
        """The version that the first variant serves."""
        return self.variants[0].version if self.variants else None

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return {**asdict(self), "version": self.version, "modified": self.modified.isoformat()}


def image_size_warning(config: Config) -> str | None:
    """Return a warning if Predict takes larger images than the endpoint will; None if not."""
    deploy, most = config.deploy, config.predict.max_payload_mb
    if deploy.mode == "never" or deploy.endpoint.async_inference is not None:
        return None
    kind = "serverless" if deploy.endpoint.serverless else "real-time"
    limit = (MAX_SERVERLESS_BYTES if deploy.endpoint.serverless else MAX_REAL_TIME_BYTES) // MEGABYTE
    if most <= limit:
        return None
    return (
        f"predict.max_payload_mb is {most}, but a {kind} endpoint takes images of at most {limit} MB: "
        f"set deploy.endpoint.async_inference for larger ones, or predict.max_payload_mb to {limit}"
    )


def describe_endpoint(config: Config, name: str | None = None) -> Endpoint | None:
    """Describe the configured endpoint, or the one of a name; None when it does not exist."""
    name = name or config.deploy.endpoint.name
    described = _described(config, name)
    if described is None:
        return None
    sagemaker = client("sagemaker", config.aws.region)
    endpoint_config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    deployment = described.get("LastDeploymentConfig") or {}
    policy = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    capture = described.get("DataCaptureConfig") or {}
    return Endpoint(
        name=name,
        status=described["EndpointStatus"],
        reason=described.get("FailureReason") or "",
        kind=_kind(endpoint_config),
        config=described["EndpointConfigName"],
        modified=described["LastModifiedTime"],
        traffic=policy.get("Type", ""),
        alarms=[a["AlarmName"] for a in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])],
        data_capture_percent=capture.get("CurrentSamplingPercentage", 0) if capture.get("EnableCapture") else 0,
        variants=_variants(config, name, described, endpoint_config),
    )


def serving_versions(config: Config) -> list[int | None] | None:
    """Return the versions that the endpoint's variants serve; None if there is no endpoint.

    A variant whose model is not of the group counts as None.
    """
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


def _kind(endpoint_config: dict[str, Any]) -> str:
    if endpoint_config.get("AsyncInferenceConfig"):
        return "asynchronous"
    return "serverless" if endpoint_config["ProductionVariants"][0].get("ServerlessConfig") else "real-time"


def _variants(config: Config, name: str, described: dict[str, Any], endpoint_config: dict[str, Any]) -> list[Variant]:
    region = config.aws.region
    versions = {
        item.variant: item
        for item in served_variants(client("sagemaker", region), described["EndpointConfigName"], config.registry.group)
    }
    by_name = {variant["VariantName"]: variant for variant in endpoint_config["ProductionVariants"]}
    scaling = _scaling(region, name, list(versions))
    found = []
    for variant in described.get("ProductionVariants") or []:
        item, production = versions[variant["VariantName"]], by_name[variant["VariantName"]]
        serverless = production.get("ServerlessConfig")
        memory = f"serverless, {serverless['MemorySizeInMB']} MB" if serverless else ""
        found.append(
            Variant(
                name=item.variant,
                weight=variant.get("CurrentWeight", item.weight),
                instance_count=variant.get("CurrentInstanceCount"),
                instance_type=memory or production["InstanceType"],
                package=item.package,
                version=_version(item, config.registry.group),
                scaling=scaling.get(item.variant, ""),
            )
        )
    return found


def _version(item: ServedVariant, group: str) -> int | None:
    return version_of(item.package) if item.package and f"/{group}/" in item.package else None


def _scaling(region: str, name: str, variants: list[str]) -> dict[str, str]:
    """Return the instance limits of the variants that are registered for autoscaling."""
    found = Scaling(client("application-autoscaling", region), client("cloudwatch", region), name).registered(variants)
    return {
        item.target["ResourceId"].rsplit("/", 1)[-1]: f"{item.target['MinCapacity']} to {item.target['MaxCapacity']}"
        for item in found
    }


def endpoint_name_warning(config: Config, assignments: Sequence[str]) -> str | None:
    """Return a sentence on a value of EndpointName that the role's policy doesn't allow; None if there is none.

    Args:
        config: The configuration, from which the policy is printed.
        assignments: `Name=Value` for pipeline parameters.
    """
    names = [value for name, _, value in (text.partition("=") for text in assignments) if name == "EndpointName"]
    allowed = config.deploy.endpoint.allowed_names
    # SageMaker writes names in lower case in its ARNs.
    if not names or any(fnmatchcase(names[-1].lower(), pattern.lower()) for pattern in allowed):
        return None
    return (
        f"EndpointName={names[-1]}: the role that `groundloop doctor --policy role` prints allows "
        f"{' and '.join(allowed)} only, so the deployment may be denied; "
        f"a policy for this name is printed with --set deploy.endpoint.name={names[-1]}"
    )


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
            f"version {number} is {found.status}, not Approved, so it was not deployed: "
            f"approve it first (groundloop approve {number} --reason ...)"
        )
    return start(region, config.pipeline.deploy_name, [f"ModelPackageArn={found.arn}"])


def previous_approved(config: Config) -> tuple[int, int]:
    """Return the version that the endpoint serves, and the previous approved one.

    Raises:
        UserError: there is no endpoint, it serves no version of the group, or no earlier version is approved.
    """
    name, group = config.deploy.endpoint.name, config.registry.group
    served = serving_versions(config)
    if served is None:
        raise UserError(f"there is no endpoint {name!r} to roll back")
    if (current := served[0]) is None:
        raise UserError(f"endpoint {name!r} serves no version of {group!r}, so there is none to go back to")
    candidates = [version_of(arn) for arn in approved_versions(client("sagemaker", config.aws.region), group)]
    earlier = [number for number in candidates if number < current]
    if not earlier:
        raise UserError(
            f"endpoint {name!r} serves version {current}, and no version before it is approved: "
            "`groundloop models` lists all versions"
        )
    return current, max(earlier)
