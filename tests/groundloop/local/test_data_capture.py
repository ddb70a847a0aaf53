"""Which requests an offline endpoint captures, and when it writes them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.local import data_capture
from groundloop.local.data_capture import DataCapture, Invocation, _is_sampled
from groundloop.local.serving import Answer

CONFIG = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://bucket/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}
ANSWER = Answer(200, "application/json", b"{}")


@pytest.mark.parametrize("percentage", [0, 30, 100])
def test_the_sample_has_its_size_and_the_event_decides(percentage: int) -> None:
    ids = [uuid.UUID(int=number) for number in range(2000)]
    sample = [_is_sampled(one, percentage) for one in ids]
    assert sum(sample) == pytest.approx(20 * percentage, abs=60)
    assert sample == [_is_sampled(one, percentage) for one in ids]


class Clock:
    """A clock that the test sets, and the timers that were started by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Callable[[], None]] = []

    def monotonic(self) -> float:
        return self.now

    def go_on(self, seconds: float) -> None:
        """Let time pass, at whose end the timer goes off that was started last."""
        self.now += seconds
        self.timers.pop()()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    class Timer:
        daemon = False

        def __init__(self, interval: float, function: Callable[[], None]) -> None:
            self.function = function

        def start(self) -> None:
            clock.timers.append(self.function)

        def cancel(self) -> None:
            pass

    monkeypatch.setattr(data_capture, "monotonic", clock.monotonic)
    monkeypatch.setattr("groundloop.local.data_capture.threading.Timer", Timer)
    return clock


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records each file has that was written."""
    found: list[int] = []
    monkeypatch.setattr(DataCapture, "_put", lambda self, name, content: found.append(len(content().splitlines())))
    return found


@pytest.fixture
def capture() -> DataCapture:
    context: Any = None
    return DataCapture(context, "bolts", CONFIG, print)


def send(capture: DataCapture, variant: str = "v") -> None:
    capture.take(variant, Invocation(b"image"), ANSWER)


def test_nothing_is_written_while_requests_come(capture: DataCapture, clock: Clock, writes: list[int]) -> None:
    for _ in range(5):
        send(capture)
        clock.go_on(0.9)
    assert writes == []
    clock.go_on(0.2)
    assert writes == [5]
    assert clock.timers == [], "nothing is left to be written"


def test_long_traffic_is_written_in_between(capture: DataCapture, clock: Clock, writes: list[int]) -> None:
    for _ in range(70):
        send(capture)
        clock.go_on(0.9)
    assert writes == [67]  # the first after a minute, 60 s / 0.9 s


def test_a_flush_writes_at_once(capture: DataCapture, writes: list[int]) -> None:
    send(capture)
    send(capture, "w")
    capture.flush()
    assert writes == [1, 1]
