"""Model packages: what was registered, with the metrics and the class list that its metadata points to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found
from groundloop.errors import UserError
from groundloop.models.version_selection import approved_versions, served_variants
from groundloop.result_files import read_summary, read_thresholds

#: Entry of a version's metadata that names the manifest of reviewed labels of its execution.
REVIEWED_MANIFEST = "reviewed_manifest"


@dataclass(frozen=True)
class Package:
    """A model package that this pipeline registered.

    Attributes:
        arn: ARN of the model package.
        version: its version number.
        approval_status: `Approved`, `Rejected` or `PendingManualApproval`.
        test_manifest_uri: S3 URI of the test split that it was evaluated on.
        summary: content of summary.json, which Prepare wrote.
        evaluation: content of evaluation.json, which Evaluate wrote.
        evaluation_uri: its S3 URI.
        baseline_uri: S3 URI of the baseline that captured requests are compared with; None for a version without one.
    """

    arn: str
    version: int
    approval_status: str
    test_manifest_uri: str
    summary: dict[str, Any]
    evaluation: dict[str, Any]
    evaluation_uri: str = ""
    baseline_uri: str | None = None

    @property
    def classes(self) -> list[str]:
        """Class names in the order of their ids, with which every prediction of this model is decoded."""
        return list(self.summary["classes"])

    @property
    def threshold(self) -> float:
        """Operating threshold over all classes, chosen on the validation split."""
        return float(self.evaluation["threshold"])

    @property
    def thresholds(self) -> dict[str, float]:
        """Operating threshold by class; all the same unless evaluation chose one per class."""
        by_class = self.evaluation.get("class_thresholds", {})  # evaluations of earlier releases have none
        return {name: float(by_class.get(name, self.threshold)) for name in self.classes}


def package(region: str, arn: str) -> Package:
    """Read a model package and the two files that its metadata points to.

    Raises:
        UserError: this pipeline did not register it, or one of the files does not exist any more or is damaged.
    """
    response = client("sagemaker", region).describe_model_package(ModelPackageName=arn)
    metadata = response.get("CustomerMetadataProperties", {})
    if not {"summary", "evaluation", "test_manifest"} <= metadata.keys():
        raise UserError(
            f"{arn}: its metadata has no summary, evaluation and test_manifest, so this pipeline did not register it"
        )
    return Package(
        arn=arn,
        version=response["ModelPackageVersion"],
        approval_status=response["ModelApprovalStatus"],
        test_manifest_uri=metadata["test_manifest"],
        summary=read_summary(client("s3", region), metadata["summary"]),
        evaluation=read_thresholds(client("s3", region), metadata["evaluation"]),
        evaluation_uri=metadata["evaluation"],
        baseline_uri=baseline_of(response),
    )


def baseline_of(described: Mapping[str, Any]) -> str | None:
    """Return the S3 URI of a version's baseline for drift checks; None where it has none.

    Args:
        described: the response of DescribeModelPackage.
    """
    quality = described.get("DriftCheckBaselines", {}).get("ModelDataQuality", {})
    uri = quality.get("Statistics", {}).get("S3Uri")
    return str(uri) if uri else None


def reviewed_manifests(region: str, group: str) -> list[str]:
    """Return the S3 URIs of the manifests of reviewed labels that a group's approved versions were trained on."""
    sagemaker = client("sagemaker", region)
    try:
        arns = approved_versions(sagemaker, group)
    except ClientError as error:
        if is_not_found(error):  # the group is made with the first version
            return []
        raise
    described = (sagemaker.describe_model_package(ModelPackageName=arn) for arn in arns)
    found = (item.get("CustomerMetadataProperties", {}).get(REVIEWED_MANIFEST) for item in described)
    return sorted({uri for uri in found if uri})


def served_by(region: str, endpoint: str, group: str | None) -> Package:
    """Return the model package whose model an endpoint's first variant serves.

    Raises:
        UserError: there is no such endpoint, or its model is not a version of the group.
    """
    sagemaker = client("sagemaker", region)
    try:
        config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    except ClientError as error:
        if is_not_found(error):
            raise UserError(f"there is no endpoint {endpoint!r} in {region}") from None
        raise
    first = served_variants(sagemaker, config, group)[0]
    if first.package is None:
        where = f"which is not a version of {group!r}" if group else "which names no version: give its group"
        raise UserError(f"endpoint {endpoint!r} serves model {first.model}, {where}")
    return package(region, first.package)
