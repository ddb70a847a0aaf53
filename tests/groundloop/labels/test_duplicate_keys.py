from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.labels.duplicate_keys import duplicate_key
from groundloop.labels.findings import LabelCode
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import LineStatus

ManifestLine = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        pytest.param('"source-ref": ', '"source-ref": "s3://b/x.jpg", "source-ref": ', "source-ref", id="image"),
        pytest.param('"bb": ', '"bb": {"annotations": []}, "bb": ', "bb", id="label"),
        pytest.param('"0": "nut"', '"0": "nut", "0": "bolt"', "0", id="class-map"),
        pytest.param('"left": 0', '"left": 0, "left": 0', "left", id="box, twice the same value"),
        pytest.param('"left": 0', '"left" : 0, "left"\t: 1', "left", id="space before the colon"),
        pytest.param('"top": 5', '"top" : 5, "left":0', "left", id="space before another key's colon"),
        pytest.param('"left": 0', '"left": 0, "l\\u0065ft": 1', "left", id="one of them escaped"),
        pytest.param('"top": 5', '"top": 5, "n": "\\u0022:", "left":0', "left", id="a quote written as its number"),
        pytest.param('"top": 5', '"top": 5, "n": "\\"\\u003A", "left":0', "left", id="a colon written as its number"),
        pytest.param('"source-ref"', '"n": [{"a": 1e999, "a": 2}], "source-ref"', "a", id="where nobody reads"),
    ],
)
def test_a_key_given_twice_rejects_the_line(manifest_line: ManifestLine, old: str, new: str, key: str) -> None:
    text = json.dumps(manifest_line())
    assert old in text
    read = ManifestReader("bb").read_line(1, text.replace(old, new, 1).encode())
    assert read.status is LineStatus.REJECTED
    assert [finding.code for finding in read.findings] == [LabelCode.DUPLICATE_KEY]
    assert repr(key) in read.findings[0].message


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"a": {"b": 1}, "c": {"b": 1}}', id="the same key in different objects"),
        pytest.param(b'{"a": "x\\":\\":", "b\\"": ":"}', id="quotes and colons inside strings"),
        pytest.param(b'{"a" : 1, "b":1e999}', id="spaces, and a number out of range"),
        pytest.param(b'{"a": 1, "A": 1}', id="case differs"),
        pytest.param(b"{broken", id="no JSON"),
    ],
)
def test_nothing_is_found_where_nothing_is(raw: bytes) -> None:
    assert duplicate_key(raw) is None


NESTED = st.recursive(
    st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(st.text('ab\\":', max_size=2), inner), max_size=3),
    max_leaves=10,
)


def _write(value: Any, colon: str) -> tuple[str, bool]:
    """JSON text of nested lists, lists of pairs as objects, and whether an object holds a key twice."""
    if not isinstance(value, list):
        return json.dumps(value), False
    if value and all(isinstance(item, tuple) for item in value):
        parts = [_write(item, colon) for _, item in value]
        twice = len({key for key, _ in value}) < len(value)
        # The first key's colon may differ from the others'.
        keys = [f"{json.dumps(key)}{':' if n else colon}" for n, (key, _) in enumerate(value)]
        inner = ",".join(key + text for key, (text, _) in zip(keys, parts, strict=True))
        return f"{{{inner}}}", twice or any(found for _, found in parts)
    parts = [_write(item, colon) for item in value]
    return f"[{','.join(text for text, _ in parts)}]", any(found for _, found in parts)


@settings(deadline=None)
@given(NESTED, st.sampled_from([":", ": ", " :", "\t:", "  : "]))
def test_it_agrees_with_a_slow_count(value: Any, colon: str) -> None:
    text, twice = _write(value, colon)
    assert (duplicate_key(text.encode()) is not None) == twice
