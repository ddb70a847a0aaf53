from __future__ import annotations

import json

import pytest

from groundloop.labels.attribute_limits import MAX_ATTRIBUTE_LENGTH, long_attributes
from groundloop.labels.findings import LabelCode


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param({"a": "x" * (MAX_ATTRIBUTE_LENGTH - 2)}, [], id="at the limit, with its quotes"),
        pytest.param({"a": "x" * (MAX_ATTRIBUTE_LENGTH - 1)}, ["a"], id="one more"),
        pytest.param({"a": "é" * (MAX_ATTRIBUTE_LENGTH - 2)}, [], id="characters, not bytes"),
        pytest.param({"a": "x" * 15_000, "b": "x" * 15_000}, [], id="a long line of shorter ones"),
        pytest.param({"a": list(range(9000)), "b": "x" * 30_000}, ["a", "b"], id="both"),
    ],
)
def test_each_long_attribute_is_told(fields: dict[str, object], found: list[str]) -> None:
    raw = json.dumps(fields, ensure_ascii=False).encode()
    findings = list(long_attributes(3, raw, "s3://b/a.jpg"))
    assert [finding.code for finding in findings] == [LabelCode.LONG_ATTRIBUTE] * len(found)
    assert all(f"{name!r} has" in finding.message for name, finding in zip(found, findings, strict=True))
    assert all(finding.line == 3 for finding in findings)
