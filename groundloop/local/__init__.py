"""A local AWS: an offline server that runs SageMaker pipelines, on the loopback address only.

`groundloop.local.aws.LocalAws` says what is a stand-in. Importing this package is cheap: moto and boto3 load with the
first use of a name below, since the programs of jobs (`python -m groundloop.local.detector`) pass through here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundloop.local.aws import LocalAws
    from groundloop.local.errors import LocalAwsError
    from groundloop.local.image_stand_ins import ImageStandIn

__all__ = ["ImageStandIn", "LocalAws", "LocalAwsError"]

_HOMES = {
    "LocalAws": "groundloop.local.aws",
    "LocalAwsError": "groundloop.local.errors",
    "ImageStandIn": "groundloop.local.image_stand_ins",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
