"""Model packages: what was registered, with the figures and the class list that it carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.errors import UserError
from groundloop.models.version_selection import served
from groundloop.s3 import read_json


@dataclass(frozen=True)
class Package:
    """A registered model and what its metadata points to."""

    arn: str
    version: int
    approval_status: str
    test_manifest_uri: str
    summary: dict[str, Any]
    evaluation: dict[str, Any]

    @property
    def classes(self) -> list[str]:
        """Class names in id order: the list that every prediction of this model is decoded with."""
        return list(self.summary["classes"])

    @property
    def threshold(self) -> float:
        """The operating threshold over all classes that evaluation chose on the validation split."""
        return float(self.evaluation["threshold"])

    @property
    def thresholds(self) -> dict[str, float]:
        """The score from which detections of each class count; all the same unless the rule was per class."""
        by_class = self.evaluation.get("class_thresholds", {})  # evaluations of earlier releases have none
        return {name: float(by_class.get(name, self.threshold)) for name in self.classes}


def package(region: str, arn: str) -> Package:
    """Read a package and the two files that its metadata names.

    Raises:
        UserError: it was not registered by this pipeline, or its files are gone.
    """
    described = client("sagemaker", region).describe_model_package(ModelPackageName=arn)
    metadata = described.get("CustomerMetadataProperties", {})
    if not {"summary", "evaluation", "test_manifest"} <= metadata.keys():
        raise UserError(f"{arn}: its metadata names no evaluation, so this pipeline didn't register it")
    return Package(
        arn=arn,
        version=described["ModelPackageVersion"],
        approval_status=described["ModelApprovalStatus"],
        test_manifest_uri=metadata["test_manifest"],
        summary=read_json(client("s3", region), metadata["summary"]),
        evaluation=read_json(client("s3", region), metadata["evaluation"]),
    )


def served_by(region: str, endpoint: str, group: str) -> Package:
    """The package whose model an endpoint's first variant serves.

    Raises:
        UserError: no such endpoint, or its model is none of the group's.
    """
    sagemaker = client("sagemaker", region)
    try:
        config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    except ClientError as error:
        if error_code(error) == "ValidationException":
            raise UserError(f"there is no endpoint {endpoint!r} in {region}") from None
        raise
    first = served(sagemaker, config, group)[0]
    if first.package is None:
        raise UserError(f"endpoint {endpoint!r} serves model {first.model}, which is no version of {group!r}")
    return package(region, first.package)
