"""How long a cached run stays good, and when a step is tried again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from groundloop.local.executor.parameters import DefinitionError, Json

_DURATION = re.compile(
    r"P?(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RetryPolicy:
    """When and how often a step is tried again. ``attempts`` and ``minutes``: one of them is given."""

    exceptions: frozenset[str]
    interval: float
    backoff: float
    attempts: int | None
    minutes: float | None


#: What the service retries without being asked (the SDK's documentation of StepRetryPolicy); the numbers are ours.
DEFAULT_RETRY = RetryPolicy(frozenset({"Step.SERVICE_FAULT", "Step.THROTTLING"}), 0.5, 2.0, 3, None)


def duration(text: str) -> timedelta:
    """An ISO 8601 duration, in the forms that the SDK documents (``P30D``, ``p30d``, ``P4DT12H``, ``T12H``).

    Raises:
        DefinitionError: none of these.
    """
    found = _DURATION.fullmatch(text)
    parts = {name: int(count) for name, count in found.groupdict().items() if count} if found else {}
    if not parts:
        raise DefinitionError(f"{text!r} is not an ISO 8601 duration (P30D, PT12H)")
    days = parts.pop("years", 0) * 365 + parts.pop("months", 0) * 30 + parts.pop("days", 0)
    return timedelta(days=days, **parts)


def cache_expiry(config: Json | None) -> timedelta | None:
    """How old a run may be to be used again; None if the step is not cached."""
    if not config or not config.get("Enabled"):
        return None
    # Without ExpireAfter a run stays good for ever.
    return duration(config["ExpireAfter"]) if config.get("ExpireAfter") else timedelta.max


def retry_policy(policy: Json) -> RetryPolicy:
    """One of a step's RetryPolicies."""
    exceptions = [*(policy.get("ExceptionType") or []), *(policy.get("FailureReasonType") or [])]
    attempts, minutes = policy.get("MaxAttempts"), policy.get("ExpireAfterMin")
    if (attempts is None) == (minutes is None):
        raise DefinitionError("a retry policy has either MaxAttempts or ExpireAfterMin")
    return RetryPolicy(
        frozenset(exceptions),
        float(policy.get("IntervalSeconds", 1)),
        float(policy.get("BackoffRate", 2.0)),
        attempts,
        minutes,
    )


def pause_before_next(policies: Sequence[RetryPolicy], kind: str, attempts: int, elapsed: float) -> float | None:
    """Seconds until the next attempt after a failure of this kind, or None if there is none.

    ``attempts`` have been made, in ``elapsed`` seconds. The first policy that names the kind decides.
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
