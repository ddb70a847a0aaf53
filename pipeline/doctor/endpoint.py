"""Check that the deployed endpoint can become what is configured."""

from __future__ import annotations

from botocore.exceptions import ClientError

from groundloop.aws import is_not_found
from groundloop.models.desired_endpoint import conversion_message, is_serverless, one_way_message
from pipeline.config import Config
from pipeline.deployment import image_size_warning
from pipeline.doctor.findings import AccountFinding, error, ok, warning
from pipeline.doctor.session import Aws

ENDPOINT = "endpoint"


def endpoint(config: Config, aws: Aws) -> list[AccountFinding]:
    """Check that the endpoint takes Predict's images, and that an update won't change its kind, which AWS rejects."""
    if config.deploy.mode == "never":
        return [ok(ENDPOINT, "deploy.mode is never: nothing is deployed")]
    message, _, remedy = (image_size_warning(config) or "").partition(": ")
    return [*([warning(ENDPOINT, message, remedy)] if message else []), *_update(config, aws)]


def _update(config: Config, aws: Aws) -> list[AccountFinding]:
    name, deploy = config.deploy.endpoint.name, config.deploy
    try:
        description = aws.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as failure:
        if is_not_found(failure):
            return [ok(ENDPOINT, f"{name} does not exist yet; the first deployment creates it")]
        raise
    serves_serverless = any(map(is_serverless, description.get("ProductionVariants") or []))
    if deploy.endpoint.serverless and not serves_serverless:
        message, _, remedy = conversion_message(name).partition(": ")
        return [error(ENDPOINT, message, remedy)]
    if serves_serverless and not deploy.endpoint.serverless:
        return [warning(ENDPOINT, one_way_message(name), "set deploy.endpoint.name to another name to keep this one")]
    return [ok(ENDPOINT, f"{name} is {description['EndpointStatus']} and can be updated")]
