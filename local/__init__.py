"""AWS on one's own machine: an offline server that runs SageMaker pipelines for real, on the loopback address only.

What is a stand-in is said by :class:`local.aws.LocalAws`. Importing this package is cheap: moto and boto3 load with the
first use of a name below, since the programs of jobs (``python -m local.detector``) pass through here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.aws import LocalAws
    from local.errors import LocalAwsError
    from local.programs import Program

__all__ = ["LocalAws", "LocalAwsError", "Program"]

_HOMES = {"LocalAws": "local.aws", "LocalAwsError": "local.errors", "Program": "local.programs"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
