"""Model packages: what was registered, with the figures and the class list that it carries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labels.errors import UserError
from pipeline.aws import client, error_code
from pipeline.executions import steps
from steps.deploy.choice import served


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
        summary=read_json(region, metadata["summary"]),
        evaluation=read_json(region, metadata["evaluation"]),
    )


def registered_by(region: str, execution_arn: str) -> Package | None:
    """The package that an execution registered; None when it did not get that far."""
    for step in steps(region, execution_arn):
        arn = step.get("Metadata", {}).get("RegisterModel", {}).get("Arn")
        if arn:
            return package(region, arn)
    return None


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


def read_json(region: str, uri: str) -> dict[str, Any]:
    """A JSON object in S3."""
    content: dict[str, Any] = json.loads(read_bytes(region, uri))
    return content


def read_bytes(region: str, uri: str) -> bytes:
    """An object in S3.

    Raises:
        UserError: it is gone.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        body: bytes = client("s3", region).get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error_code(error) in {"NoSuchKey", "NoSuchBucket"}:
            raise UserError(f"{uri}: is not there") from None
        raise
    return body
