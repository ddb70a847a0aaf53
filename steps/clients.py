"""boto3 clients of the processing jobs."""

from __future__ import annotations

import os
from typing import Any


def job_client(service: str) -> Any:
    """Return a boto3 client of a service in the job's region, which gives up after half a minute."""
    import boto3
    from botocore.config import Config

    # A job without a way to the API would else wait for minutes.
    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    # SageMaker gives a job AWS_REGION, which boto3 doesn't read.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"))
    return session.client(service, config=Config(connect_timeout=10, read_timeout=30, retries=retries))
