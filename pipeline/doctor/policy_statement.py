"""The statements of an IAM policy, and the ARNs that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.config import Config

Condition = dict[str, dict[str, str | list[str]]]


@dataclass(frozen=True)
class Statement:
    """One statement of a policy; `sid` says what it is for, and names what fails without it."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    condition: Condition = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Return the statement as IAM takes it."""
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        return {**statement, "Condition": self.condition} if self.condition else statement


def policy_document(statements: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the policy document of some statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


@dataclass(frozen=True)
class ArnBuilder:
    """Builds the ARNs of resources in the role's account and the configuration's region."""

    partition: str
    region: str
    account: str

    @classmethod
    def of(cls, config: Config) -> ArnBuilder:
        """Return the builder for a configuration's role and region."""
        _, partition, _, _, account, _ = config.aws.role.split(":", 5)
        return cls(partition, config.aws.region, account)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a service's resource."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def sagemaker(self, *resources: str) -> list[str]:
        """Return the ARNs of SageMaker resources, as configured and in lower case.

        SageMaker writes names in lower case in its ARNs, and IAM compares them case-sensitively.
        """
        spellings = [spelling for resource in resources for spelling in (resource, resource.lower())]
        return [self.arn("sagemaker", resource) for resource in dict.fromkeys(spellings)]

    def bucket(self, name: str, keys: str = "") -> str:
        """Return the ARN of a bucket, or of its objects with `keys` such as `/*`."""
        return f"arn:{self.partition}:s3:::{name}{keys}"


def bucket_of(uri: str) -> str:
    """Return the bucket of an S3 URI.

    Example:
        >>> bucket_of("s3://bucket/folder/image.jpg")
        'bucket'
    """
    return uri.removeprefix("s3://").partition("/")[0]
