"""How long a cached run stays valid, and when a step is retried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from groundloop.local.executor.parameters import DefinitionError
from groundloop.spec.caching import is_enabled, parse_duration
from groundloop.spec.definition import Json
from groundloop.spec.retries import EXCEPTION_KEYS, SERVICE_FAULT, THROTTLING, has_one_limit


@dataclass(frozen=True)
class RetryPolicy:
    """When and how often a step is retried; either `attempts` or `minutes` is given."""

    exceptions: frozenset[str]
    interval: float
    backoff: float
    attempts: int | None
    minutes: float | None


#: What the service retries without being asked (the SDK's documentation of StepRetryPolicy); the numbers are ours.
DEFAULT_RETRY = RetryPolicy(frozenset({SERVICE_FAULT, THROTTLING}), 0.5, 2.0, 3, None)


def cache_expiry(config: Json | None) -> timedelta | None:
    """Return how old a run may be to be used again; None if the step is not cached.

    Raises:
        DefinitionError: ExpireAfter is not a duration.
    """
    if not is_enabled(config):
        return None
    # Without ExpireAfter a run never expires.
    expiry = (config or {}).get("ExpireAfter")
    if not expiry:
        return timedelta.max
    try:
        return parse_duration(expiry)
    except ValueError as error:
        raise DefinitionError(str(error)) from None


def retry_policy(policy: Json) -> RetryPolicy:
    """Parse one of a step's RetryPolicies."""
    exceptions = [name for key in EXCEPTION_KEYS for name in policy.get(key) or []]
    if not has_one_limit(policy):
        raise DefinitionError("a retry policy has either MaxAttempts or ExpireAfterMin")
    return RetryPolicy(
        frozenset(exceptions),
        float(policy.get("IntervalSeconds", 1)),
        float(policy.get("BackoffRate", 2.0)),
        policy.get("MaxAttempts"),
        policy.get("ExpireAfterMin"),
    )


def retry_policies(policies: Any) -> list[RetryPolicy]:
    """Return the RetryPolicies of a step; empty if it has none."""
    return [retry_policy(policy) for policy in policies or []]


def pause_before_next(policies: Sequence[RetryPolicy], kind: str, attempts: int, elapsed: float) -> float | None:
    """Return the seconds until the next attempt after a failure of this kind, or None if there is none.

    `attempts` have been made, in `elapsed` seconds. The first policy that names the kind decides.
    """
    for policy in (*policies, DEFAULT_RETRY):
        if kind not in policy.exceptions:
            continue
        pause = policy.interval * policy.backoff ** (attempts - 1)
        if policy.attempts is not None and attempts > policy.attempts:
            return None
        if policy.minutes is not None and elapsed + pause > policy.minutes * 60:
            return None
        return pause
    return None
