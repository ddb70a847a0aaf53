"""AWS clients of the processing jobs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from groundloop.aws import core_session, session

if TYPE_CHECKING:
    from botocore.config import Config


def job_client(service: str) -> Any:
    """Return a client of a service in the job's region, which gives up after half a minute."""
    return core_session(_region()).create_client(service, config=_config())


def transfer_client(service: str) -> Any:
    """Return the same as a client of boto3, which downloads large objects in parts."""
    return session(_region()).client(service, config=_config())


def _region() -> str | None:
    # SageMaker gives a job AWS_REGION, which boto3 doesn't read.
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def _config() -> Config:
    from botocore.config import Config

    # A job without a way to the API would else wait for minutes.
    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    return Config(connect_timeout=10, read_timeout=30, retries=retries)
