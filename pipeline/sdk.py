"""The one door to the sagemaker SDK for building: no region trap, no credentials, no network, no noise.

Import this module before anything under ``sagemaker``; it is slow to import, so only commands that build
a definition do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator

# A class body in the SDK makes a boto3 client when it is imported, and fails without any region.
os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", "us-east-1"))

_handlers, _level = list(logging.root.handlers), logging.root.level
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import boto3
    import sagemaker.core.telemetry.telemetry_logging as telemetry
    import sagemaker.mlops.workflow.pipeline  # noqa: F401 - warns when first imported, so it is here
    from sagemaker.core.workflow.pipeline_context import PipelineSession

# The import also turns on INFO logging for the whole program, credentials look-ups and all.
logging.root.handlers[:] = _handlers
logging.root.setLevel(_level)


class OfflineSession(PipelineSession):
    """A session for building only: made-up credentials, and a bucket that is named but never looked up."""

    def __init__(self, region: str, bucket: str) -> None:
        self._bucket_name = bucket
        super().__init__(
            boto_session=boto3.Session(
                region_name=region,
                aws_access_key_id="building",
                aws_secret_access_key="building",  # noqa: S106
            ),
            default_bucket=bucket,
            sagemaker_config={},  # else the SDK reads the user's defaults, and the bytes depend on the machine
        )

    def default_bucket(self) -> str:
        return self._bucket_name


@contextlib.contextmanager
def building() -> Iterator[None]:
    """While the body runs, the SDK sends no telemetry, asks IAM nothing and keeps its usual warnings to itself.

    The SDK's telemetry tells AWS of each build, with the text of errors, and no environment variable stops it.
    """
    send = telemetry._send_telemetry_request
    saved = {name: os.environ.get(name) for name in ("SAGEMAKER_VALIDATE_ROLE", "AWS_DEFAULT_REGION")}
    disabled = logging.root.manager.disable
    telemetry._send_telemetry_request = lambda *args, **kwargs: None
    os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
    # For sessions that the SDK makes on the side; the region of the definition is the configuration's.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        telemetry._send_telemetry_request = send
        logging.disable(disabled)
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
