"""The endpoint config that a version is deployed with, and which changes of an endpoint SageMaker allows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from groundloop.models.version_selection import version_of

_MAX_NAME_LENGTH = 63


@dataclass(frozen=True)
class DesiredEndpoint:
    """The endpoint config that an endpoint should have.

    Attributes:
        name: its name, which ends with a digest of its content: deployments of the same content share one config, and
            the second finds its work done.
        package: ARN of the version that the first variant serves.
        variants: the production variants, each with the `Package` that its model is created from.
    """

    name: str
    package: str
    variants: list[dict[str, Any]]


def desired_endpoint(specification: dict[str, Any], endpoint: str, package: str, instance_type: str) -> DesiredEndpoint:
    """Return the endpoint config for a version.

    Args:
        specification: `variants`, `model` and `config` as the deploy step writes them.
        endpoint: name of the endpoint.
        package: ARN of the version.
        instance_type: for variants that set none.
    """
    main, *others = specification["variants"]
    instance = {} if "ServerlessConfig" in main else {"InstanceType": instance_type}
    variants = [{**instance, **variant} for variant in ({**main, "Package": package}, *others)]
    content = {"variants": variants, "model": specification["model"], "config": specification["config"]}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
    tail = f"-v{version_of(package)}-{digest}"
    # Models append their index.
    return DesiredEndpoint(f"{endpoint[: _MAX_NAME_LENGTH - len(tail) - 2].rstrip('-')}{tail}", package, variants)


def is_serverless(variant: dict[str, Any]) -> bool:
    """Tell whether a production variant, as configured or as DescribeEndpoint returns it, is serverless."""
    return bool(variant.get("ServerlessConfig") or variant.get("CurrentServerlessConfig"))


def conversion_message(endpoint: str) -> str:
    """Return the message for an instance-based endpoint that is configured as serverless.

    SageMaker rejects that update ("Deploy models with Amazon SageMaker Serverless Inference", developer guide).
    """
    return (
        f"endpoint {endpoint!r} is instance-based and can't become serverless: delete it "
        f"(aws sagemaker delete-endpoint --endpoint-name {endpoint}), or set deploy.endpoint.name to another name"
    )


def one_way_message(endpoint: str) -> str:
    """Return the message for a serverless endpoint that is configured with instances."""
    return (
        f"endpoint {endpoint!r} is serverless and becomes instance-based: SageMaker can't change it back, not even to "
        "roll back"
    )
