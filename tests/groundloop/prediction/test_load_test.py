"""Endpoints of each kind under load: valid answers, latencies, and what failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.detections import Detections
from groundloop.errors import UserError
from groundloop.prediction.endpoints import endpoint_client
from groundloop.prediction.load_test import INVALID_ANSWER, Level, run_load_test

PREFIX = "s3://groundloop-local/groundloop/predict"
VALID = Detections.from_sagemaker(b'{"prediction": [[0, 0.9, 0.1, 0.1, 0.5, 0.5]]}', ["nut"])


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        pytest.param("real-time", {}, id="real-time"),
        pytest.param(
            "serverless",
            {"variant": {"ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 1}}},
            id="serverless",
        ),
        pytest.param(
            "asynchronous",
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://groundloop-local/groundloop/async"}}},
            id="asynchronous",
        ),
    ],
)
def test_each_kind_of_endpoint_is_measured(
    deploy: Callable[..., str], jpeg: bytes, kind: str, members: dict[str, Any]
) -> None:
    name = deploy(f"load-{kind}", **members)
    caller = endpoint_client("us-east-1", name, ["nut", "bolt"], upload_prefix=PREFIX, workers=3)[0]
    seen: list[Level] = []
    result = run_load_test(caller.detect, jpeg, concurrency=[1, 3], requests=3, done=seen.append)
    assert (result.detections, result.failed, tuple(seen)) == (2, 0, result.levels)
    assert result.first_seconds > 0
    for level, concurrency in zip(result.levels, (1, 3), strict=True):
        shown = level.as_json()
        assert (level.concurrency, level.requests, shown["errors"]) == (concurrency, 3, {})
        assert 0 < shown["latency_ms"]["p50"] <= shown["latency_ms"]["p99"] <= shown["latency_ms"]["max"]
        assert level.throughput == pytest.approx(3 / level.seconds)


def test_another_class_list_is_an_invalid_answer(deploy: Callable[..., str], jpeg: bytes) -> None:
    caller = endpoint_client("us-east-1", deploy("load-1"), ["nut"])[0]
    with pytest.raises(UserError, match="class ids go from 0 to 0"):
        run_load_test(caller.detect, jpeg, concurrency=[1], requests=1)


def test_failed_requests_are_counted_by_their_code() -> None:
    numbers = iter(range(100))
    lock = threading.Lock()

    def detect(_: bytes) -> Detections:
        with lock:
            number = next(numbers)
        if number % 5 == 1:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slowly"}}, "InvokeEndpoint")
        if number % 5 == 2:
            raise ClientError({"Error": {"Code": "ModelError", "Message": "500"}}, "InvokeEndpoint")
        if number == 3:
            raise UserError("the answer is no detector's")
        return VALID

    result = run_load_test(detect, b"", concurrency=[4], requests=10)
    (level,) = result.levels
    assert level.errors == {"ThrottlingException": 2, "ModelError": 2, INVALID_ANSWER: 1}
    assert (level.requests, level.throttled, level.failed, len(level.latencies)) == (10, 2, 3, 5)
    assert (result.invalid, result.failed) == ("the answer is no detector's", 3)


def test_requests_run_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=5)
    started = []

    def detect(_: bytes) -> Detections:
        started.append(time.perf_counter())
        if len(started) > 1:
            together.wait()
        return VALID

    assert run_load_test(detect, b"", concurrency=[4], requests=8).levels[0].errors == {}


def test_without_a_valid_answer_there_is_no_latency() -> None:
    level = Level(1, 2.0, (), {"ModelError": 3})
    assert level.as_json()["latency_ms"] == {"p50": None, "p90": None, "p99": None, "max": None}
    assert (level.throughput, level.failed) == (0, 3)
