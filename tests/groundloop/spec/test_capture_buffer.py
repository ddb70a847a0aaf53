"""Records are collected into files of one variant and one hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from groundloop.spec import capture_buffer
from groundloop.spec.capture_buffer import CaptureBuffer
from groundloop.spec.data_capture import CaptureData, CaptureRecord, EventMetadata, hour_of, parse_record, source_of

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


def record(minutes: int) -> CaptureRecord:
    """Return a record of so many minutes after noon."""
    return CaptureRecord(CaptureData(), EventMetadata("e", (NOON + timedelta(minutes=minutes)).isoformat()))


def add(buffer: CaptureBuffer, variant: str, minutes: int) -> None:
    """Add a record of ten bytes."""
    one = record(minutes)
    buffer.add(variant, one.time, 10, one.line)


@pytest.fixture
def written() -> dict[str, list[int]]:
    """By the name of each file, the minutes of its records."""
    return {}


@pytest.fixture
def buffer(written: dict[str, list[int]]) -> CaptureBuffer:
    def put(name: str, content: Callable[[], bytes]) -> None:
        lines = content().splitlines()
        written[name] = [int((parse_record(line).time - NOON).total_seconds() // 60) for line in lines]

    return CaptureBuffer("bolts", put)


def test_records_wait_until_they_are_asked_for(buffer: CaptureBuffer, written: dict[str, list[int]]) -> None:
    for variant, minutes in (("a", 1), ("b", 2), ("a", 3)):
        add(buffer, variant, minutes)
    assert written == {}
    buffer.flush()
    buffer.flush()
    assert {source_of(name): minutes for name, minutes in written.items()} == {
        ("bolts", "a"): [1, 3],
        ("bolts", "b"): [2],
    }


def test_a_file_is_of_one_hour_so_that_readers_find_it_by_its_folders(
    buffer: CaptureBuffer, written: dict[str, list[int]]
) -> None:
    for minutes in (58, 59, 61):
        add(buffer, "a", minutes)
    buffer.flush()
    hours = {hour_of(name): minutes for name, minutes in written.items()}
    assert hours == {NOON: [58, 59], NOON + timedelta(hours=1): [61]}


def test_a_full_file_is_written_at_once(
    buffer: CaptureBuffer, written: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_buffer, "MAX_FILE_BYTES", 15)
    for minutes in (1, 2, 3):
        add(buffer, "a", minutes)
    assert list(written.values()) == [[1, 2]]
