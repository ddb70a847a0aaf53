"""The model registry: versions of the group with their figures, and the decisions on them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.errors import UserError
from groundloop.models.version_selection import approved, version_of
from groundloop.s3 import read_json

#: The figures that versions are compared by, as evaluation.json names them.
FIGURES = ("map", "map_50", "voc_map", "count_mae")

Decision = Literal["Approved", "Rejected"]


@dataclass(frozen=True)
class Version:
    """One version of the group. ``figures``: name to value, without those that its evaluation does not have."""

    number: int
    arn: str
    status: str
    created: datetime
    reason: str
    figures: dict[str, float]
    metadata: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``: plain values, figures under their names."""
        return {**asdict(self), "created": self.created.isoformat()}


def versions(region: str, group: str, last: int = 20) -> list[Version]:
    """The newest versions of a group, highest first.

    Raises:
        UserError: there is no such group.
    """
    pages = client("sagemaker", region).get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending",
        PaginationConfig={"MaxItems": last},
    )  # fmt: skip
    try:
        found = [package["ModelPackageArn"] for page in pages for package in page["ModelPackageSummaryList"]]
    except ClientError as error:
        raise _no_group(error, region, group) from None
    with ThreadPoolExecutor(8) as pool:
        described = list(pool.map(lambda arn: _version(region, arn), found))
    return sorted(described, key=lambda version: version.number, reverse=True)


def version(region: str, group: str, number: int) -> Version:
    """One version of a group.

    Raises:
        UserError: there is none of that number; the text lists those there are.
    """
    sagemaker = client("sagemaker", region)
    try:
        base = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    except ClientError as error:
        raise _no_group(error, region, group) from None
    try:
        return _version(region, f"{base.replace(':model-package-group/', ':model-package/')}/{number}")
    except ClientError as error:
        if error_code(error) not in {"ValidationException", "ResourceNotFound"}:
            raise
    there = [str(version_of(package["ModelPackageArn"])) for package in _newest(sagemaker, group)]
    known = f"the newest are {', '.join(there)}" if there else "it has none yet"
    raise UserError(f"group {group!r} has no version {number}; {known}")


def champion(region: str, group: str) -> int | None:
    """The highest approved version, which is what is deployed unless another is asked for."""
    found = approved(client("sagemaker", region), group)
    return version_of(found[0]) if found else None


def decide(region: str, group: str, number: int, decision: Decision, reason: str) -> tuple[Version, bool]:
    """Approve or reject a version; the version as it was, and whether the decision changes anything.

    A decision that stands already is not taken again: it would start the deploy pipeline once more.

    Raises:
        UserError: no such version, or no reason.
    """
    if not reason.strip():
        raise UserError("--reason is empty: say why, it is kept with the version")
    found = version(region, group, number)
    if found.status == decision:
        return found, False
    client("sagemaker", region).update_model_package(
        ModelPackageArn=found.arn, ModelApprovalStatus=decision, ApprovalDescription=reason.strip()[:1024]
    )
    return found, True


def _newest(sagemaker: Any, group: str) -> list[dict[str, Any]]:
    answer = sagemaker.list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=10
    )
    packages: list[dict[str, Any]] = answer["ModelPackageSummaryList"]
    return packages


def _version(region: str, arn: str) -> Version:
    described = client("sagemaker", region).describe_model_package(ModelPackageName=arn)
    metadata = described.get("CustomerMetadataProperties") or {}
    return Version(
        number=described["ModelPackageVersion"],
        arn=described["ModelPackageArn"],
        status=described["ModelApprovalStatus"],
        created=described["CreationTime"],
        reason=described.get("ApprovalDescription") or "",
        figures=_figures(region, metadata),
        metadata=metadata,
    )


def _figures(region: str, metadata: dict[str, str]) -> dict[str, float]:
    """From the metadata where it has them, else from evaluation.json; none when that is gone too."""
    told = {name: float(metadata[name]) for name in FIGURES if name in metadata}
    if told or "evaluation" not in metadata:
        return told
    try:
        evaluation = read_json(client("s3", region), metadata["evaluation"])
    except UserError:
        return {}
    evaluation["count_mae"] = evaluation.get("count", {}).get("mae")
    return {name: float(evaluation[name]) for name in FIGURES if evaluation.get(name) is not None}


def _no_group(error: ClientError, region: str, group: str) -> Exception:
    if error_code(error) in {"ValidationException", "ResourceNotFound"}:
        return UserError(f"there is no model package group {group!r} in {region}: run `groundloop upsert` first")
    return error
