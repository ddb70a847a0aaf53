"""Which images belong together, by a pattern in their URI or a key of their line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labels.errors import UserError
from labels.grouping import Grouping
from labels.records import Kind, Line, Record


def line(key: str = "clip-7/frame-001.jpg", **more: Any) -> Line:
    reference = f"s3://bucket/{key}"
    raw = json.dumps({"source-ref": reference, **more}).encode()
    return Line(1, raw, Kind.NEGATIVE, Record(reference, 10, 10, (), ()))


@pytest.mark.parametrize(
    ("grouping", "given", "group"),
    [
        pytest.param(Grouping(), line(), "s3://bucket/clip-7/frame-001.jpg", id="every image by itself"),
        pytest.param(Grouping(pattern=r"clip-(\d+)"), line(), "7", id="the pattern's group"),
        pytest.param(Grouping(pattern=r"clip-\d+"), line(), "clip-7", id="a pattern without group: the match"),
        pytest.param(Grouping(pattern=r"a(x)|clip-(\d)"), line(), "7", id="the group that took part"),
        pytest.param(Grouping(pattern=r"nowhere"), line(), "s3://bucket/clip-7/frame-001.jpg", id="no match: alone"),
        pytest.param(Grouping(key="patient"), line(patient="p-3"), "p-3", id="a key's text"),
        pytest.param(Grouping(key="patient"), line(patient=3), "3", id="a key's number, as it is written"),
        pytest.param(Grouping(key="patient"), line(), "s3://bucket/clip-7/frame-001.jpg", id="no such key: alone"),
    ],
)
def test_the_group_of_an_image(grouping: Grouping, given: Line, group: str) -> None:
    assert grouping(given) == group


@pytest.mark.parametrize(
    ("pattern", "key", "message"),
    [
        pytest.param("x", "y", "not by both", id="two ways"),
        pytest.param("(", None, "is no regular expression", id="a broken pattern"),
    ],
)
def test_what_is_no_grouping(pattern: str | None, key: str | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Grouping(pattern, key)
