"""Select the version of a model package group that an endpoint serves.

**The champion is the highest approved version**: of the versions whose approval status is `Approved`, the one with the
highest version number. It does not depend on the order of events: EventBridge may deliver several for one approval,
late and out of order, so an event only says *that* something changed, and the registry says what is right now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groundloop.aws import is_not_found
from groundloop.errors import UserError


@dataclass(frozen=True)
class ServedVariant:
    """A production variant of an endpoint config.

    Attributes:
        variant: name of the variant.
        model: name of its model.
        weight: share of the requests, relative to the other variants' weights.
        package: ARN of the model package that the model was created from; None if it is not in the group.
    """

    variant: str
    model: str
    weight: float
    package: str | None


@dataclass(frozen=True)
class VersionDecision:
    """The version that an endpoint should serve.

    Attributes:
        package: ARN of the version; None if the endpoint stays as it is.
        reason: why, in one line for the log.
    """

    package: str | None
    reason: str


def version_of(arn: str) -> int:
    """Return the version number at the end of a versioned model package's ARN.

    Example:
        >>> version_of("arn:aws:sagemaker:us-east-1:123456789012:model-package/detectors/7")
        7
    """
    return int(arn.rsplit("/", 1)[-1])


def approved_versions(sagemaker: Any, group: str) -> list[str]:
    """Return the ARNs of a group's approved versions, highest version first."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved"
    )
    arns = [package["ModelPackageArn"] for page in pages for package in page["ModelPackageSummaryList"]]
    return sorted(arns, key=version_of, reverse=True)


def champion(sagemaker: Any, group: str) -> str | None:
    """Return the ARN of a group's champion, its highest approved version; None if no version is approved."""
    return next(iter(approved_versions(sagemaker, group)), None)


def first_container(sagemaker: Any, model: str) -> dict[str, Any]:
    """Return the primary container of a model, or the first one of an inference pipeline."""
    response = sagemaker.describe_model(ModelName=model)
    container: dict[str, Any] = response.get("PrimaryContainer") or response["Containers"][0]
    return container


def served_variants(sagemaker: Any, config: str, group: str | None) -> list[ServedVariant]:
    """Return the production variants of an endpoint config.

    Args:
        sagemaker: a boto3 SageMaker client.
        config: name of the endpoint config.
        group: name of the model package group in which the variants' versions are looked up; None where only those
            that a model itself names are needed.
    """
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    return [
        ServedVariant(
            variant["VariantName"],
            variant["ModelName"],
            variant.get("InitialVariantWeight", 1.0),
            _package_of(sagemaker, variant["ModelName"], group),
        )
        for variant in variants
    ]


def _package_of(sagemaker: Any, model: str, group: str | None) -> str | None:
    """Return the ARN of the version that a model was created from.

    A model names its version, or (created directly by the training pipeline) has the same artifact as the version.
    """
    container = first_container(sagemaker, model)
    if name := container.get("ModelPackageName"):
        return str(name)
    if group is None:
        return None
    for arn in _newest_versions(sagemaker, group):
        specification = sagemaker.describe_model_package(ModelPackageName=arn).get("InferenceSpecification", {})
        artifacts = [item.get("ModelDataUrl") for item in specification.get("Containers", [])]
        if container.get("ModelDataUrl") in artifacts:
            return arn
    return None


def _newest_versions(sagemaker: Any, group: str) -> Iterator[str]:
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for package in page["ModelPackageSummaryList"]:
            yield package["ModelPackageArn"]


def requested_version(sagemaker: Any, arn: str, *, any_status: bool) -> VersionDecision:
    """Decide for a version that a user, or the pipeline that trained it, requested.

    Args:
        sagemaker: a boto3 SageMaker client.
        arn: the version.
        any_status: deploy it whatever its approval status.

    Raises:
        UserError: there is no such version, or it has to be approved and isn't.
    """
    status = approval_status(sagemaker, arn)
    if status != "Approved" and not any_status:
        raise UserError(
            f"version {version_of(arn)} is {status}, not Approved, and is not deployed: "
            f"approve it first (groundloop approve {version_of(arn)} --reason ...)"
        )
    return VersionDecision(arn, f"version {version_of(arn)} was requested")


def decide_on_champion(sagemaker: Any, group: str) -> VersionDecision:
    """Decide for the champion of a group.

    Raises:
        UserError: no version is approved.
    """
    arn = champion(sagemaker, group)
    if arn is None:
        raise UserError(f"no version of {group!r} is approved, so nothing is deployed and the endpoint stays as it is")
    return VersionDecision(arn, f"version {version_of(arn)} is the champion (the highest approved version)")


def decide_on_status_change(sagemaker: Any, group: str, changed: str, serving: list[ServedVariant]) -> VersionDecision:
    """Decide what an endpoint should serve now that a version's approval status has changed.

    Args:
        sagemaker: a boto3 SageMaker client.
        group: name of the model package group.
        changed: ARN of the version whose status changed.
        serving: what the endpoint serves now.

    Raises:
        UserError: the version that it serves was rejected, and no other is approved.
    """
    number, status = version_of(changed), approval_status(sagemaker, changed)
    if status == "Approved":
        return decide_on_champion(sagemaker, group)
    if changed not in [variant.package for variant in serving]:
        return VersionDecision(None, f"version {number} is {status} and not served: nothing to do")
    arn = champion(sagemaker, group)
    if arn is None:
        raise UserError(
            f"version {number} is {status} but still served: no other version of {group!r} is approved. "
            "Approve one, or delete the endpoint"
        )
    return VersionDecision(
        arn, f"version {number} is {status}; version {version_of(arn)} is the champion (the highest approved version)"
    )


def approval_status(sagemaker: Any, arn: str) -> str:
    """Return the approval status of a version.

    Raises:
        UserError: there is no such version.
    """
    from botocore.exceptions import ClientError  # Evaluate's comparison is optional, and so is boto3

    try:
        response = sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if is_not_found(error):
            raise UserError(f"there is no model package {arn}") from None
        raise
    return str(response["ModelApprovalStatus"])
