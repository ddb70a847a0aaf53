"""The pipeline parameter that takes the labels which people reviewed, and the manifest that it names by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundloop.executions.retraining import PARAMETER as PARAMETER
from groundloop.s3 import join_uri

if TYPE_CHECKING:
    from pipeline.config import Config

# A blank line and not an empty object: a Processing job's input needs something to download.
NO_LABELS = b"\n"


def no_labels_key(prefix: str) -> str:
    """Return the key of the manifest without labels, which `groundloop upsert` uploads."""
    return f"{prefix}/reviews/none.manifest"


def reviews_uri(config: Config) -> str:
    """Return the S3 prefix of the manifests of reviewed labels."""
    return f"s3://{config.aws.bucket}/{config.aws.prefix}/reviews"


def no_labels_uri(config: Config) -> str:
    """Return the parameter's default, so that an execution can start before anything was reviewed."""
    return join_uri(f"s3://{config.aws.bucket}", no_labels_key(config.aws.prefix))
