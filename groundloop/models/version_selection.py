"""Which versions of a package group are approved, which an endpoint serves, and which it should.

The highest approved version is the champion, whatever order events come in: AWS may send several for one approval, late
and out of order, so an event says *that* something changed, and the registry says what is right now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.errors import UserError


@dataclass(frozen=True)
class Served:
    """One variant of an endpoint config: its model, and the version that the model was made from, if of the group."""

    variant: str
    model: str
    weight: float
    package: str | None


@dataclass(frozen=True)
class VersionDecision:
    """What an endpoint should serve; ``package`` None: it stays as it is. ``why`` is for the log."""

    package: str | None
    why: str


def version_of(arn: str) -> int:
    """The version number at the end of a versioned package's ARN."""
    return int(arn.rsplit("/", 1)[-1])


def approved(sagemaker: Any, group: str) -> list[str]:
    """ARNs of the approved versions of a group, highest first."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved"
    )
    found = [package["ModelPackageArn"] for page in pages for package in page["ModelPackageSummaryList"]]
    return sorted(found, key=version_of, reverse=True)


def container_of(sagemaker: Any, model: str) -> dict[str, Any]:
    """The (first) container of a model."""
    described = sagemaker.describe_model(ModelName=model)
    container: dict[str, Any] = described.get("PrimaryContainer") or described["Containers"][0]
    return container


def served(sagemaker: Any, config: str, group: str) -> list[Served]:
    """What the variants of an endpoint config serve."""
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    return [
        Served(
            variant["VariantName"],
            variant["ModelName"],
            variant.get("InitialVariantWeight", 1.0),
            _package_of(sagemaker, variant["ModelName"], group),
        )
        for variant in variants
    ]


def _package_of(sagemaker: Any, model: str, group: str) -> str | None:
    """A model's version: it names it, or (made at once by the main pipeline) has the artifact in common with it."""
    container = container_of(sagemaker, model)
    if name := container.get("ModelPackageName"):
        return str(name)
    for arn in _versions(sagemaker, group):
        specification = sagemaker.describe_model_package(ModelPackageName=arn).get("InferenceSpecification", {})
        data = [known.get("ModelDataUrl") for known in specification.get("Containers", [])]
        if container.get("ModelDataUrl") in data:
            return arn
    return None


def _versions(sagemaker: Any, group: str) -> Iterator[str]:
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for package in page["ModelPackageSummaryList"]:
            yield package["ModelPackageArn"]


def wanted(sagemaker: Any, arn: str, *, any_status: bool) -> VersionDecision:
    """A version that a person, or the pipeline that trained it, named.

    Raises:
        UserError: there is no such version, or it isn't approved and has to be.
    """
    status = status_of(sagemaker, arn)
    if status != "Approved" and not any_status:
        raise UserError(
            f"version {version_of(arn)} is {status}, not Approved, and is not deployed: "
            f"approve it first (groundloop approve {version_of(arn)} --reason ...)"
        )
    return VersionDecision(arn, f"version {version_of(arn)} was asked for")


def champion(sagemaker: Any, group: str) -> VersionDecision:
    """The highest approved version.

    Raises:
        UserError: none is.
    """
    found = approved(sagemaker, group)
    if not found:
        raise UserError(f"no version of {group!r} is approved, so nothing is deployed and the endpoint stays as it is")
    return VersionDecision(found[0], f"version {version_of(found[0])} is the highest approved one")


def decide_on_status_change(sagemaker: Any, group: str, changed: str, serving: list[Served]) -> VersionDecision:
    """What an endpoint should serve now that a version's approval status has changed.

    Raises:
        UserError: the version it serves was rejected, and there is no approved one to go back to.
    """
    number, status = version_of(changed), status_of(sagemaker, changed)
    if status == "Approved":
        return champion(sagemaker, group)
    if changed not in [variant.package for variant in serving]:
        return VersionDecision(None, f"version {number} is {status} and isn't served: nothing to do")
    found = approved(sagemaker, group)
    if not found:
        raise UserError(
            f"version {number} is {status} but still served: no other version of {group!r} is approved. "
            "Approve one, or delete the endpoint"
        )
    return VersionDecision(
        found[0],
        f"version {number} is {status}; version {version_of(found[0])} is the highest approved one",
    )


def status_of(sagemaker: Any, arn: str) -> str:
    """Approval status of a version.

    Raises:
        UserError: there is no such version.
    """
    try:
        described = sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ValidationException", "ResourceNotFound"}:
            raise UserError(f"there is no model package {arn}") from None
        raise
    return str(described["ModelApprovalStatus"])
