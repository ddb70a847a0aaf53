"""Imports the sagemaker SDK for building definitions without a region, credentials, network or log output.

Import this module before anything under `sagemaker`; it is slow to import, so only commands that build
a definition do.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import boto3
import boto3.session
from pydantic import BaseModel


class LazyClient:
    """A client of boto3 that is made once something asks it for an attribute, which takes a tenth of a second.

    The SDK makes a dozen and, to build a definition, uses none.
    """

    def __init__(self, make: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        self._make = functools.cache(functools.partial(make, *arguments, **options))

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the client."""
        return getattr(self._make(), name)


# A class body in the SDK makes boto3 clients when it is imported, and fails without any region.
os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", "us-east-1"))

_handlers, _level = list(logging.root.handlers), logging.root.level
# The import makes half a million objects, all to stay: looking through them again and again is a fourth of its time.
_collects = gc.isenabled()
gc.disable()
with (
    warnings.catch_warnings(),
    patch.object(boto3, "client", functools.partial(LazyClient, boto3.client)),
    # A thousand models, of which a definition needs a few: each builds its validator when it is first used.
    patch.dict(BaseModel.model_config, defer_build=True),
):
    warnings.simplefilter("ignore")
    import sagemaker.core.telemetry.telemetry_logging as telemetry
    import sagemaker.mlops.workflow.steps as sdk_steps
    from sagemaker.core.local.local_session import LocalSagemakerClient
    from sagemaker.core.workflow.pipeline_context import PipelineSession
gc.freeze()
if _collects:
    gc.enable()

# The import also turns on INFO logging for the whole program, credentials look-ups and all.
logging.root.handlers[:] = _handlers
logging.root.setLevel(_level)


class _LazySession(boto3.session.Session):
    """A boto3 session whose clients and resources are made when they are used."""

    def client(self, *arguments: Any, **options: Any) -> Any:
        return LazyClient(super().client, *arguments, **options)

    def resource(self, *arguments: Any, **options: Any) -> Any:
        return LazyClient(super().resource, *arguments, **options)


class OfflineSession(PipelineSession):
    """A session for building only: placeholder credentials, and a bucket that is never looked up."""

    def __init__(self, region: str, bucket: str) -> None:
        self._bucket_name = bucket
        super().__init__(
            boto_session=_LazySession(
                region_name=region,
                aws_access_key_id="building",
                aws_secret_access_key="building",  # noqa: S106
            ),
            default_bucket=bucket,
            sagemaker_config={},  # else the SDK reads the user's defaults, and the definition depends on the computer
        )

    def default_bucket(self) -> str:
        """Return the bucket, without looking it up."""
        return self._bucket_name


@functools.cache
def building_session(region: str, bucket: str) -> OfflineSession:
    """Return the session for building definitions; each reads the service endpoints anew, so it is kept."""
    return OfflineSession(region, bucket)


@contextlib.contextmanager
def offline_build() -> Iterator[None]:
    """Keep the SDK from sending telemetry, calling IAM and printing its usual warnings while the body runs.

    The SDK's telemetry reports each build to AWS, with the text of errors, and no environment variable disables it.
    """
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    # The region is for sessions that the SDK makes on the side; that of the definition is the configuration's.
    variables = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ, "SAGEMAKER_VALIDATE_ROLE": "false"}
    try:
        with (
            warnings.catch_warnings(),
            patch.dict(os.environ, variables),
            patch.object(telemetry, "_send_telemetry_request", lambda *args, **kwargs: None),
            # Each step makes one, and with it a boto3 session, only to ask for the name of a method.
            patch.object(sdk_steps, "LocalSagemakerClient", lambda: LocalSagemakerClient),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
