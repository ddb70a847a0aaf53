"""The model registry: versions of a model package group with their metrics, and approval decisions."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found
from groundloop.errors import UserError
from groundloop.models.packages import baseline_of
from groundloop.models.version_selection import champion, version_of
from groundloop.s3 import read_json

#: The metrics that versions are compared by, as evaluation.json names them.
METRICS = ("map", "map_50", "voc_map", "count_mae")

Decision = Literal["Approved", "Rejected"]


@dataclass(frozen=True)
class Version:
    """A version of a model package group.

    Attributes:
        number: the version number.
        arn: ARN of the model package.
        status: approval status.
        created: when it was registered, in UTC.
        reason: why it was approved or rejected; empty if nobody said.
        metrics: value by name, of `METRICS` those that its evaluation has.
        metadata: the customer metadata properties.
        baseline: S3 URI of the baseline that captured requests are compared with; None for a version without one.
    """

    number: int
    arn: str
    status: str
    created: datetime
    reason: str
    metrics: dict[str, float]
    metadata: dict[str, str]
    baseline: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the version as values that `json.dumps` takes."""
        return {**asdict(self), "created": self.created.isoformat()}


def versions(region: str, group: str, last: int = 20) -> list[Version]:
    """Return the newest versions of a group, highest first.

    Args:
        region: AWS region.
        group: name of the model package group.
        last: how many versions at most.

    Raises:
        UserError: there is no such group.
    """
    pages = client("sagemaker", region).get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending",
        PaginationConfig={"MaxItems": last},
    )  # fmt: skip
    try:
        arns = [package["ModelPackageArn"] for page in pages for package in page["ModelPackageSummaryList"]]
    except ClientError as error:
        raise _no_group(error, region, group) from None
    with ThreadPoolExecutor(8) as pool:
        newest = list(pool.map(lambda arn: _version(region, arn), arns))
    return sorted(newest, key=lambda version: version.number, reverse=True)


def version(region: str, group: str, number: int) -> Version:
    """Return one version of a group.

    Raises:
        UserError: it has no version of that number; the message lists the newest ones.
    """
    sagemaker = client("sagemaker", region)
    try:
        base = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    except ClientError as error:
        raise _no_group(error, region, group) from None
    try:
        return _version(region, f"{base.replace(':model-package-group/', ':model-package/')}/{number}")
    except ClientError as error:
        if not is_not_found(error):
            raise
    numbers = [str(version_of(package["ModelPackageArn"])) for package in _newest(sagemaker, group)]
    hint = f"the newest are {', '.join(numbers)}" if numbers else "it has none yet"
    raise UserError(f"group {group!r} has no version {number}; {hint}")


def ancestors(region: str, metadata: dict[str, str]) -> list[str]:
    """Return the models that a version's training started from, the nearest first.

    Args:
        region: AWS region.
        metadata: of the version.

    Returns:
        ARNs of model packages; the last one may be the S3 URI of a model.tar.gz, or a version that is deleted.
    """
    found: list[str] = []
    while (parent := metadata.get("started_from")) and parent not in found:
        found.append(parent)
        if not parent.startswith("arn:"):
            break
        try:
            described = client("sagemaker", region).describe_model_package(ModelPackageName=parent)
        except ClientError as error:
            if not is_not_found(error):
                raise
            break
        metadata = described.get("CustomerMetadataProperties") or {}
    return found


def champion_number(region: str, group: str) -> int | None:
    """Return the version number of a group's champion, its highest approved version; None if none is approved."""
    arn = champion(client("sagemaker", region), group)
    return None if arn is None else version_of(arn)


def decide(region: str, group: str, number: int, decision: Decision, reason: str) -> tuple[Version, bool]:
    """Approve or reject a version.

    A version that has the status already is not updated: that would start the deploy pipeline once more.

    Args:
        region: AWS region.
        group: name of the model package group.
        number: the version number.
        decision: the new approval status.
        reason: why; kept with the version.

    Returns:
        The version as it was before, and whether its status changed.

    Raises:
        UserError: there is no such version, or the reason is empty.
    """
    if not reason.strip():
        raise UserError("--reason is empty: say why; the reason is kept with the version")
    before = version(region, group, number)
    if before.status == decision:
        return before, False
    client("sagemaker", region).update_model_package(
        ModelPackageArn=before.arn, ModelApprovalStatus=decision, ApprovalDescription=reason.strip()[:1024]
    )
    return before, True


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
        metrics=_metrics(region, metadata),
        metadata=metadata,
        baseline=baseline_of(described),
    )


def _metrics(region: str, metadata: dict[str, str]) -> dict[str, float]:
    """Return the metrics in the metadata, else those of evaluation.json; none if that file is gone."""
    # Evaluate registers a metric without a value as a word ("undefined"): such a version has no such metric.
    metrics = {name: number for name in METRICS if (number := _number(metadata.get(name, ""))) is not None}
    if metrics or "evaluation" not in metadata:
        return metrics
    try:
        evaluation = read_json(client("s3", region), metadata["evaluation"])
    except UserError:
        return {}
    count = evaluation.get("count")
    evaluation["count_mae"] = count.get("mae") if isinstance(count, dict) else None
    return {name: number for name in METRICS if (number := _number(evaluation.get(name))) is not None}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _no_group(error: ClientError, region: str, group: str) -> Exception:
    if is_not_found(error):
        return UserError(f"there is no model package group {group!r} in {region}: run `groundloop upsert` first")
    return error
