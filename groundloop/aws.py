"""Clients of the AWS that the environment points to, and explanations of its errors.

boto3 and botocore take a quarter of a second to import, so they load with the first client and not with this module.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from groundloop.errors import ConfigError, UserError
from groundloop.s3 import error_code as error_code
from groundloop.suggestions import near_misses

if TYPE_CHECKING:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session

#: Error codes of a missing resource; most of SageMaker's operations answer a `ValidationException`.
NOT_FOUND_CODES = frozenset({"ResourceNotFound", "ResourceNotFoundException", "ValidationException"})
_CREDENTIAL_CODES = {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
#: Connections of one client that reads images; at least the threads that read.
MAX_CONNECTIONS = 16
#: Attempts at reading one image before it counts as unreadable.
MAX_ATTEMPTS = 4
_LOGIN_HINT = "log in (aws sso login, or AWS_PROFILE), or start the offline AWS with `groundloop local`"


def check_region(region: str) -> None:
    """Check that SageMaker is available in a region.

    Raises:
        ConfigError: botocore knows no SageMaker in that region; the message suggests the nearest names.
    """
    core = core_session(region)
    regions = [
        name
        for partition in core.get_available_partitions()
        for name in core.get_available_regions("sagemaker", partition)
    ]
    if region not in regions:
        near = near_misses(region, regions, count=2)
        raise ConfigError(
            f"aws.region is {region!r}, where there is no SageMaker"
            + (f"; did you mean {' or '.join(near)}?" if near else f"; regions: {', '.join(sorted(regions))}")
        )


def offline_endpoint() -> str | None:
    """Return the address of the offline AWS when the environment points to one on this machine."""
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    return url if urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"} else None


def poll_seconds(aws: float) -> float:
    """Return the pause between two polls, in seconds.

    Args:
        aws: the pause on AWS, which throttles and whose steps take minutes; the offline AWS takes seconds.
    """
    return 0.1 if offline_endpoint() else aws


def check_credentials(region: str) -> None:
    """Check that there are credentials, without asking AWS whether they are valid.

    Raises:
        UserError: there are none.
        BotoCoreError: the profile that the environment names does not exist, or can't be used.
    """
    if core_session(region).get_credentials() is None:
        raise UserError(f"there are no AWS credentials: {_LOGIN_HINT}")


@functools.cache
def client(service: str, region: str) -> Any:
    """Return the boto3 client of a service in a region; repeated calls return the same client."""
    from botocore.config import Config

    # A job's own faults are retried by the pipeline; a call gets a few quick tries.
    return session(region).client(service, config=Config(retries={"max_attempts": 4}))


def session(region: str | None) -> boto3.Session:
    """Return a boto3 session in a region, with the credentials of the environment as it is now.

    Args:
        region: AWS region; None takes the region of the environment.
    """
    import boto3

    return boto3.Session(botocore_session=core_session(None), region_name=region)


def core_session(region: str | None) -> Session:
    """Return a botocore session, which makes the same clients as boto3's but for their transfers of files.

    All sessions share the service models that they have read. Without boto3 a job's first client is there sooner.

    Args:
        region: AWS region; None takes the region of the environment.
    """
    import botocore.session

    from groundloop.service_models import service_models

    core = botocore.session.get_session()
    core.register_component("data_loader", service_models(core.get_config_variable("data_path")))
    if region:
        core.set_config_variable("region", region)
    return core


def image_client(region: str | None) -> Any:
    """Return an S3 client for reading many images from several threads.

    Args:
        region: AWS region; None takes the region of the environment.

    Raises:
        UserError: there are no credentials, or no such region.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoCredentialsError

    retries: Any = {"mode": "standard", "total_max_attempts": MAX_ATTEMPTS}
    config = Config(max_pool_connections=MAX_CONNECTIONS, retries=retries, connect_timeout=10)
    try:
        images = core_session(region)
        if images.get_credentials() is None:
            raise NoCredentialsError
        return images.create_client("s3", config=config)
    except BotoCoreError as error:
        raise UserError(
            f"S3 can't be read: {' '.join(str(error).split())}; give AWS credentials, or, where images are only "
            "checked, switch the check off (in Prepare with --check-images none)"
        ) from None


def explain(error: BotoCoreError | ClientError) -> str:
    """Return one line that says why a call to AWS failed and what to do."""
    from botocore import exceptions

    if isinstance(
        error,
        exceptions.NoCredentialsError | exceptions.PartialCredentialsError | exceptions.TokenRetrievalError,
    ):
        return f"there are no AWS credentials: {_LOGIN_HINT}"
    if isinstance(error, exceptions.ProfileNotFound):
        return f"{error}; see ~/.aws/config, or unset AWS_PROFILE"
    if isinstance(error, exceptions.NoRegionError):
        return "no AWS region: set aws.region in the configuration"
    if isinstance(error, exceptions.EndpointConnectionError):
        offline = offline_endpoint()
        if offline:
            return f"nothing answers at {offline} (AWS_ENDPOINT_URL): start `groundloop local`, or unset the variable"
        return f"{error} Check the network and aws.region."
    if isinstance(error, exceptions.ClientError):
        code, message = error_code(error), error_message(error)
        if code in _CREDENTIAL_CODES:
            return f"the AWS credentials are refused ({code}): {_LOGIN_HINT}"
        return f"AWS refused {error.operation_name}: {code}: {message}"
    return str(error)


def error_message(error: ClientError) -> str:
    """Return the service's own message of a `ClientError`."""
    return str(error.response.get("Error", {}).get("Message", ""))


def is_not_found(error: ClientError) -> bool:
    """Tell whether a `ClientError` of SageMaker, EventBridge or CloudWatch means that the resource does not exist."""
    return error_code(error) in NOT_FOUND_CODES
