"""The AWS that the environment points to: clients, and its errors in plain words."""

from __future__ import annotations

import difflib
import functools
import os
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config as ClientConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from groundloop.errors import ConfigError, UserError
from groundloop.s3 import error_code as error_code

_CREDENTIAL_CODES = {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
#: Connections of one client that reads images; at least the threads that read.
MAX_CONNECTIONS = 16
_NEXT = "log in (aws sso login, or AWS_PROFILE), or start the offline AWS with `groundloop local`"


def check_region(region: str) -> None:
    """Refuse a region that doesn't exist, with the nearest one that does.

    Raises:
        ConfigError: botocore knows no SageMaker in that region.
    """
    session = botocore.session.get_session()
    known = [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("sagemaker", partition)
    ]
    if region not in known:
        near = difflib.get_close_matches(region, known, n=2)
        raise ConfigError(
            f"aws.region is {region!r}, where there is no SageMaker"
            + (f"; did you mean {' or '.join(near)}?" if near else f"; regions: {', '.join(sorted(known))}")
        )


def offline_endpoint() -> str | None:
    """The address of the offline AWS when the environment points to one on this machine."""
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    return url if urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"} else None


@functools.cache
def client(service: str, region: str) -> Any:
    """A boto3 client; one per service and region."""
    # A job's own faults are retried by the pipeline; a call gets a few quick tries.
    return boto3.Session(region_name=region).client(service, config=ClientConfig(retries={"max_attempts": 4}))


def image_client(region: str | None) -> Any:
    """Return an S3 client for reading many images from several threads.

    Args:
        region: AWS region; None takes the region of the environment.

    Raises:
        UserError: there are no credentials, or no such region.
    """
    config = ClientConfig(
        max_pool_connections=MAX_CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 4},
        connect_timeout=10,
    )
    try:
        session = boto3.Session(region_name=region)
        if session.get_credentials() is None:
            raise NoCredentialsError
        return session.client("s3", config=config)
    except BotoCoreError as error:
        raise UserError(
            f"the images can't be read: {' '.join(str(error).split())}; give AWS credentials, or switch the check off "
            "(in Prepare with --check-images none)"
        ) from None


def explain(error: BotoCoreError | ClientError) -> str:
    """One line on what AWS, or the way to it, refused, and what to do."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError | TokenRetrievalError):
        return f"there are no AWS credentials: {_NEXT}"
    if isinstance(error, ProfileNotFound):
        return f"{error}; see ~/.aws/config, or unset AWS_PROFILE"
    if isinstance(error, NoRegionError):
        return "no AWS region: set aws.region in the configuration"
    if isinstance(error, EndpointConnectionError):
        offline = offline_endpoint()
        if offline:
            return f"nothing answers at {offline} (AWS_ENDPOINT_URL): start `groundloop local`, or unset the variable"
        return f"{error} Check the network and aws.region."
    if isinstance(error, ClientError):
        fault = error.response.get("Error", {})
        code, message = fault.get("Code", ""), fault.get("Message", "")
        if code in _CREDENTIAL_CODES:
            return f"the AWS credentials are refused ({code}): {_NEXT}"
        return f"AWS refused {error.operation_name}: {code}: {message}"
    return str(error)


def error_text(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))
