"""Of an endpoint's capture, only the folders of the hours in question are listed."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from groundloop.detections.captures.storage import storage

SINCE = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)
OLD = ["2025/12/31/23/a.jsonl", "2026/11/20/23/b.jsonl", "2026/11/21/08/c.jsonl"]
NEW = ["2026/11/21/09/d.jsonl", "2026/11/21/10/e.jsonl", "2027/01/01/00/f.jsonl"]


def listed(s3: Any, place: str, keys: list[str], since: datetime | None = SINCE) -> list[str]:
    for key in keys:
        s3.put_object(Bucket="bucket", Key=key, Body=b"")
    files = storage(f"s3://bucket/{place}", "us-east-1").files(since)
    return [file.name.removeprefix("s3://bucket/") for file in files]


def below(folder: str, names: list[str]) -> list[str]:
    return [f"{folder}/{name}" for name in names]


@pytest.mark.parametrize("place", ["capture/bolts/A", "capture/bolts"], ids=["variant", "endpoint"])
def test_hours_before_are_left_out(s3: Any, place: str) -> None:
    assert listed(s3, place, below("capture/bolts/A", OLD + NEW)) == below("capture/bolts/A", NEW)


def test_the_hours_of_every_variant_are_listed(s3: Any) -> None:
    keys = below("capture/bolts/A", OLD + NEW) + below("capture/bolts/B", OLD + NEW)
    assert listed(s3, "capture/bolts", keys) == below("capture/bolts/A", NEW) + below("capture/bolts/B", NEW)


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(["out/2025/1.jpg.out", "out/2026/01/2.jpg.out"], id="folders of years with other files"),
        pytest.param([*below("out", OLD), "out/a.jpg.out"], id="files beside them"),
        pytest.param([*below("out/A", OLD), "out/B/a.jpg.out"], id="a folder without hours"),
        pytest.param(["out/2025/12/31/23/more/a.jsonl"], id="folders within an hour"),
        pytest.param([], id="nothing"),
    ],
)
def test_a_place_with_other_files_is_listed_as_a_whole(s3: Any, keys: list[str]) -> None:
    assert listed(s3, "out", keys) == sorted(keys)


def test_without_a_time_all_is_listed(s3: Any) -> None:
    assert listed(s3, "capture/bolts/A", below("capture/bolts/A", OLD + NEW), None) == below(
        "capture/bolts/A", OLD + NEW
    )
