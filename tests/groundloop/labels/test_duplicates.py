from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labels.duplicates import Duplicates, one_line_per_image
from groundloop.labels.findings import LabelCode
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Line, LineStatus

ManifestLine = Callable[..., dict[str, Any]]


def _read(*lines: dict[str, Any] | bytes, policy: Duplicates = Duplicates.LAST) -> list[Line]:
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(one_line_per_image(list(ManifestReader("bb").read(raw)), policy))


def test_the_last_label_of_an_image_wins_and_the_earlier_ones_are_rejected(manifest_line: ManifestLine) -> None:
    lines = _read(manifest_line(), manifest_line("b.jpg"), manifest_line(boxes=2), manifest_line(boxes=0))
    assert [line.status for line in lines] == [
        LineStatus.REJECTED,
        LineStatus.LABELLED,
        LineStatus.REJECTED,
        LineStatus.NEGATIVE,
    ]
    assert lines[0].findings[0].code is LabelCode.DUPLICATE_SOURCE_REF
    assert "line 4" in lines[0].findings[0].message
    assert lines[0].findings[0].source_ref == "s3://bucket/a.jpg"


def test_a_later_line_that_is_not_usable_replaces_nothing(manifest_line: ManifestLine) -> None:
    corrupted = manifest_line()
    corrupted["bb"]["annotations"][0]["width"] = 0
    lines = _read(manifest_line(), corrupted, {"source-ref": "s3://bucket/a.jpg"}, b"")
    assert [line.status for line in lines] == [
        LineStatus.LABELLED,
        LineStatus.REJECTED,
        LineStatus.UNLABELLED,
        LineStatus.BLANK,
    ]


def test_the_first_label_wins_when_that_is_asked(manifest_line: ManifestLine) -> None:
    corrupted = manifest_line()
    corrupted["bb"]["annotations"][0]["width"] = 0
    lines = _read(corrupted, manifest_line(), manifest_line(boxes=2), policy=Duplicates.FIRST)
    assert [line.status for line in lines] == [LineStatus.REJECTED, LineStatus.LABELLED, LineStatus.REJECTED]
    assert "line 2 labels the same image too, and the first one counts" in lines[2].findings[0].message


def test_an_image_labelled_twice_is_a_mistake_when_that_is_asked(manifest_line: ManifestLine) -> None:
    with pytest.raises(UserError, match=r"lines 1 and 3 both label s3://bucket/a\.jpg: remove one"):
        _read(manifest_line(), manifest_line("b.jpg"), manifest_line(), policy=Duplicates.REFUSE)
    assert len(_read(manifest_line(), manifest_line("b.jpg"), b"", policy=Duplicates.REFUSE)) == 3
