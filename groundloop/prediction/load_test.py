"""A test of an endpoint under load: whether its answers are valid, how long they take, how many a second it gives."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from groundloop.errors import UserError
from groundloop.s3 import error_code

if TYPE_CHECKING:
    from groundloop.detections.predictions import Detections

PERCENTILES = (50, 90, 99)
#: Error codes with which AWS slows a client down.
THROTTLING = frozenset({"ThrottlingException", "TooManyRequestsException", "Throttling", "RequestLimitExceeded"})
INVALID_ANSWER = "InvalidAnswer"


@dataclass(frozen=True)
class Level:
    """The requests at one concurrency.

    Attributes:
        concurrency: requests that are under way at a time.
        seconds: from the first request to the last answer.
        latencies: of the valid answers, in seconds.
        errors: number of failed requests by error code.
    """

    concurrency: int
    seconds: float
    latencies: tuple[float, ...]
    errors: Mapping[str, int]

    @property
    def requests(self) -> int:
        """Number of requests, failed ones included."""
        return len(self.latencies) + sum(self.errors.values())

    @property
    def throttled(self) -> int:
        """Number of requests that were throttled."""
        return sum(count for code, count in self.errors.items() if code in THROTTLING)

    @property
    def failed(self) -> int:
        """Number of requests that failed otherwise."""
        return sum(self.errors.values()) - self.throttled

    @property
    def throughput(self) -> float:
        """Valid answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float | None:
        """Return the latency, in seconds, that this share of valid answers stays under; None without an answer.

        Example:
            >>> Level(1, 3.0, (0.1, 0.2, 0.9), {}).percentile(50)
            0.2
        """
        return float(np.percentile(self.latencies, percent)) if self.latencies else None

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`, latencies in milliseconds."""
        latency = {f"p{percent}": milliseconds(self.percentile(percent)) for percent in PERCENTILES}
        return {
            "concurrency": self.concurrency,
            "requests": self.requests,
            "latency_ms": {**latency, "max": milliseconds(max(self.latencies, default=None))},
            "requests_per_second": round(self.throughput, 3),
            "throttled": self.throttled,
            "failed": self.failed,
            "errors": dict(self.errors),
        }


@dataclass(frozen=True)
class LoadTest:
    """The result of a test.

    Attributes:
        first_seconds: latency of the first request alone, with a cold start if the endpoint had one.
        detections: number of detections in its answer.
        levels: in the order in which they ran.
        invalid: why the first invalid answer is invalid; empty without one.
    """

    first_seconds: float
    detections: int
    levels: tuple[Level, ...]
    invalid: str = ""

    @property
    def failed(self) -> int:
        """Number of failed requests, other than throttled ones."""
        return sum(level.failed for level in self.levels)


def milliseconds(seconds: float | None) -> float | None:
    """Return a duration in milliseconds, to a tenth.

    Example:
        >>> milliseconds(0.01234)
        12.3
    """
    return None if seconds is None else round(seconds * 1000, 1)


def run_load_test(
    detect: Callable[[bytes], Detections],
    image: bytes,
    *,
    concurrency: Sequence[int],
    requests: int,
    done: Callable[[Level], None] = lambda level: None,
) -> LoadTest:
    """Send one image many times: once alone, then `requests` times at each concurrency.

    Args:
        detect: sends the image and decodes the answer; called from several threads.
        image: the encoded image.
        concurrency: requests under way at a time, one level after another.
        requests: number of requests at each level.
        done: called with each level.

    Raises:
        UserError: the answer to the first request is not a detector's.
        botocore.exceptions.ClientError: the first request failed.
    """
    start = time.perf_counter()
    detections = len(detect(image))
    first = time.perf_counter() - start
    levels = []
    invalid: list[str] = []
    for number in concurrency:
        levels.append(_level(detect, image, number, requests, invalid))
        done(levels[-1])
    return LoadTest(first, detections, tuple(levels), invalid[0] if invalid else "")


def _level(
    detect: Callable[[bytes], Detections], image: bytes, concurrency: int, requests: int, invalid: list[str]
) -> Level:
    from botocore.exceptions import BotoCoreError, ClientError

    errors: Counter[str] = Counter()

    def timed(_: int) -> float | None:
        start = time.perf_counter()
        try:
            detect(image)
        except UserError as error:
            invalid.append(str(error))
            errors[INVALID_ANSWER] += 1
        except ClientError as error:
            errors[error_code(error)] += 1
        except BotoCoreError as error:
            errors[type(error).__name__] += 1
        else:
            return time.perf_counter() - start
        return None

    pool = ThreadPoolExecutor(concurrency)
    start = time.perf_counter()
    try:
        latencies = [latency for latency in pool.map(timed, range(requests)) if latency is not None]
    finally:
        # After Ctrl-C only the requests that are under way are waited for.
        pool.shutdown(cancel_futures=True)
    return Level(concurrency, time.perf_counter() - start, tuple(latencies), dict(errors))
