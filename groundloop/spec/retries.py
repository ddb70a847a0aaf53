"""Retry policies of steps: the failures that they name and the ranges of their members.

Source: "Retry Policy for Pipeline Steps" in the SageMaker developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Failures of a call of the API; the service retries these without a policy, too.
SERVICE_FAULT = "Step.SERVICE_FAULT"
THROTTLING = "Step.THROTTLING"
#: Failures of a job.
JOB_INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"
EXCEPTIONS = (SERVICE_FAULT, THROTTLING, JOB_INTERNAL_ERROR, CAPACITY_ERROR, RESOURCE_LIMIT)

#: The members that name the failures; both take a list.
EXCEPTION_KEYS = ("ExceptionType", "FailureReasonType")
#: Minimum and maximum of the numbers of a policy; None: no maximum.
RANGES: Mapping[str, tuple[int, int | None]] = MappingProxyType(
    {
        "MaxAttempts": (1, 20),
        "ExpireAfterMin": (1, 14400),
        "IntervalSeconds": (0, 43200),
        "BackoffRate": (0, None),
    }
)
KEYS = frozenset({*EXCEPTION_KEYS, *RANGES})


def has_one_limit(policy: Mapping[str, object]) -> bool:
    """Return whether a policy ends its retries by exactly one of MaxAttempts and ExpireAfterMin.

    Example:
        >>> has_one_limit({"MaxAttempts": 3}), has_one_limit({"MaxAttempts": 3, "ExpireAfterMin": 10})
        (True, False)
    """
    return (policy.get("MaxAttempts") is None) != (policy.get("ExpireAfterMin") is None)
