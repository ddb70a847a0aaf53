"""Repetition of calls to an endpoint that is busy or failing, within limits of its own.

botocore's retries are switched off for these calls: its adaptive mode slows all threads down for one, and its others
give up on a model that is still loading.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

_Result = TypeVar("_Result")

#: Attempts at one image, and the bounds of the pause between two of them, in seconds.
MAX_ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 20.0
#: Error codes on which AWS's documentation advises to try again.
_THROTTLING = frozenset(
    {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
)
_BUSY = frozenset({"ServiceUnavailable", "InternalFailure", "InternalDependencyException", "ModelNotReadyException"})
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


def with_retries(
    call: Callable[[], _Result],
    *,
    attempts: int = MAX_ATTEMPTS,
    sleep: Callable[[float], object] = time.sleep,
) -> _Result:
    """Call until it succeeds, with pauses that double and vary, as long as the error may pass.

    Args:
        call: the call.
        attempts: how often to try.
        sleep: waits between two attempts.

    Raises:
        Exception: the last error.
    """
    for attempt in range(attempts - 1):
        try:
            return call()
        except Exception as error:
            if not may_pass(error):
                raise
        longest = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
        sleep(longest * random.uniform(0.5, 1))  # noqa: S311 - not a secret
    return call()


def may_pass(error: Exception) -> bool:
    """Tell whether an error of a call to AWS may pass: throttling, a server error, a broken connection."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's name

    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        status = error.response.get("OriginalStatusCode")
        if details.get("Code") == "ModelError" and isinstance(status, int):
            return status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS
        http_status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return details.get("Code") in _THROTTLING | _BUSY or http_status >= _SERVER_ERROR
    return isinstance(error, ConnectionError | HTTPClientError)


def concerns_all(error: Exception) -> bool:
    """Tell whether an error of a call to AWS concerns every image: no access, no such endpoint, no connection."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        response: Any = error.response
        code, text = response.get("Error", {}).get("Code", ""), response.get("Error", {}).get("Message", "")
        if code == "ModelError":
            return False
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status in {401, 403} or "AccessDenied" in code or ("Validation" in code and "not found" in text.lower())
    return isinstance(error, BotoCoreError)
