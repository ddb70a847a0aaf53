"""Which images belong together, by a pattern in their URI or a key of their line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labels.grouping import Grouping

REFERENCE = "s3://bucket/clip-7/frame-001.jpg"


@pytest.mark.parametrize(
    ("grouping", "more", "group"),
    [
        pytest.param(Grouping(), {}, REFERENCE, id="every image by itself"),
        pytest.param(Grouping(pattern=r"clip-(\d+)"), {}, "7", id="the pattern's group"),
        pytest.param(Grouping(pattern=r"clip-\d+"), {}, "clip-7", id="a pattern without group: the match"),
        pytest.param(Grouping(pattern=r"a(x)|clip-(\d)"), {}, "7", id="the group that took part"),
        pytest.param(Grouping(pattern=r"nowhere"), {}, REFERENCE, id="no match: alone"),
        pytest.param(Grouping(key="patient"), {"patient": "p-3"}, "p-3", id="a key's text"),
        pytest.param(Grouping(key="patient"), {"patient": 3}, "3", id="a key's number, as it is written"),
        pytest.param(Grouping(key="patient"), {}, REFERENCE, id="no such key: alone"),
    ],
)
def test_the_group_of_an_image(grouping: Grouping, more: dict[str, Any], group: str) -> None:
    assert grouping(REFERENCE, json.dumps({"source-ref": REFERENCE, **more}).encode()) == group


@pytest.mark.parametrize(
    ("pattern", "key", "message"),
    [
        pytest.param("x", "y", "not by both", id="two ways"),
        pytest.param("(", None, "is not a regular expression", id="a broken pattern"),
    ],
)
def test_what_is_no_grouping(pattern: str | None, key: str | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Grouping(pattern, key)
