"""Of a line without findings the fast reader says what the reader says of it; any other line it leaves to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.labels.fast_reader import FastLineReader, FastRecord
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.training_requirements import Overview

ManifestLine = Callable[..., dict[str, Any]]


def _read_fast(line: dict[str, Any] | bytes, classes: list[str] | None = None) -> FastRecord | None:
    raw = line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode()
    return FastLineReader("bb", classes, image_shape=300)(raw)


def test_a_flawless_line_is_told_whole(manifest_line: ManifestLine) -> None:
    line = manifest_line(boxes=3)
    line["bb"]["annotations"][1] |= {"class_id": 1, "height": 0.5}
    line["bb-metadata"]["human-annotated"] = "no"
    seen = _read_fast(line)
    assert seen is not None
    assert seen.source_ref == "s3://bucket/a.jpg"
    assert (seen.class_ids, seen.shown, seen.tiny) == ([0, 1, 0], frozenset({0, 1}), [1])
    assert seen.class_map.names == {0: "nut", 1: "bolt"}
    assert seen.auto_labelled


def test_a_negative_is_told_too(manifest_line: ManifestLine) -> None:
    seen = _read_fast(manifest_line(boxes=0, class_map={}))
    assert seen is not None
    assert seen.class_ids == []


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"color": "blue"}, id="a key of the user's"),
        pytest.param({"where": {"plant": 3, "line": [1, {"x": "a:b"}]}}, id="a nested one"),
        pytest.param({"note": 'he said "x": y'}, id="what looks like a key in a text"),
        pytest.param({"name": "螺母"}, id="text beyond ASCII"),
    ],
)
def test_what_else_a_line_holds_is_no_matter(manifest_line: ManifestLine, more: dict[str, Any]) -> None:
    assert _read_fast(manifest_line() | more) is not None


def _changed(change: str) -> Callable[[bytes], bytes]:
    before, _, after = change.partition(" -> ")
    return lambda raw: raw.replace(before.encode(), after.encode())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_changed('"left": 0 -> "left": -1'), id="outside on the left"),
        pytest.param(_changed('"left": 0 -> "left": 95'), id="outside on the right"),
        pytest.param(_changed('"top": 5 -> "top": 30.5'), id="outside below"),
        pytest.param(_changed('"width": 10, "height": 20 -> "width": 0, "height": 20'), id="no area"),
        pytest.param(_changed('"class_id": 0 -> "class_id": 7'), id="id not in the map"),
        pytest.param(_changed('"class_id": 0 -> "class_id": "0"'), id="id as text"),
        pytest.param(_changed('{"0": "nut" -> {"00": "nut"'), id="id written otherwise in the map"),
        pytest.param(_changed('{"0": "nut", "1" -> {"0": "nut", "0"'), id="key twice in the map"),
        pytest.param(_changed('"left": 0 -> "left": 0, "left": 1'), id="key twice in a box"),
        pytest.param(_changed('{"source-ref" -> {"a": 1, "a": 2, "source-ref"'), id="key twice at the top"),
        pytest.param(_changed('"s3://bucket/a.jpg" -> "s3://bucket/"'), id="no key in the URI"),
        pytest.param(_changed('"s3://bucket/a.jpg" -> "s3:///a.jpg"'), id="no bucket in the URI"),
        pytest.param(_changed("object-detection -> image-classification"), id="another kind of label"),
        pytest.param(_changed('"type" -> "failure-reason": "x", "type"'), id="a reason of failure"),
        pytest.param(_changed('"objects": [{"confidence": 0}] -> "objects": []'), id="no confidence"),
        pytest.param(_changed('"image_size": [{ -> "image_size": [{"width": 1, "height": 1}, {'), id="two sizes"),
        pytest.param(lambda raw: raw[:-1], id="cut off"),
        pytest.param(lambda raw: raw.replace(b"a.jpg", b"\xff.jpg"), id="not UTF-8"),
        pytest.param(lambda raw: raw.replace(b"a.jpg", b"a" * 100_000), id="too long to be sure"),
        pytest.param(lambda raw: b"", id="blank"),
    ],
)
def test_any_doubt_is_left_to_the_reader(manifest_line: ManifestLine, change: Callable[[bytes], bytes]) -> None:
    raw = json.dumps(manifest_line()).encode()
    assert change(raw) != raw
    assert _read_fast(raw) is not None
    assert _read_fast(change(raw)) is None


def test_a_class_that_is_not_configured_is_left_to_the_reader(manifest_line: ManifestLine) -> None:
    assert _read_fast(manifest_line(), ["nut"]) is not None
    assert _read_fast(manifest_line(), ["bolt"]) is None


def test_more_class_maps_than_can_be_remembered_are_left_to_the_reader(
    manifest_line: ManifestLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundloop.labels.fast_reader.MAX_CLASS_MAPS", 2)
    fast_reader = FastLineReader("bb", None, image_shape=300)
    lines = [json.dumps(manifest_line(class_map={"0": name})).encode() for name in "abca"]
    assert [fast_reader(line) is not None for line in lines] == [True, True, False, True]


_NUMBERS = st.sampled_from([-1, -0.5, 0, 0.004, 0.5, 1, 10, 33.3, 49, 50, 99.995, 100, 101, 1e6])
_BOXES = st.lists(
    st.fixed_dictionaries(
        {"class_id": st.sampled_from([0, 1, 2, "0", 1.0]), "left": _NUMBERS, "top": _NUMBERS}
        | {"width": _NUMBERS, "height": _NUMBERS},
        optional={"note": st.sampled_from(["x", "a:b", '"'])},
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=150)
@given(
    _BOXES,
    st.dictionaries(st.sampled_from(["0", "1", "2", "01"]), st.sampled_from(["a", "é:", ""]), max_size=3),
    st.dictionaries(st.sampled_from(["objects", "job-name", "type", "x"]), st.sampled_from([None, "a:b", []])),
    st.booleans(),
)
def test_it_agrees_with_the_reader(
    boxes: list[dict[str, Any]], class_map: dict[str, str], more: dict[str, Any], spaces: bool
) -> None:
    metadata = {"objects": [{"confidence": 0}] * len(boxes), "class-map": class_map}
    line = {
        "source-ref": "s3://b/a:b.jpg",
        "bb": {"image_size": [{"width": 100, "height": 50, "depth": 3}], "annotations": boxes},
        "bb-metadata": metadata | {"type": "groundtruth/object-detection"} | more,
    }
    raw = json.dumps(line, separators=None if spaces else (",", ":")).encode()
    seen, read = _read_fast(raw), ManifestReader("bb").read_line(1, raw)
    if seen is None:
        return
    assert not read.findings
    assert read.record is not None
    names = [seen.class_map.names[class_id] for class_id in seen.class_ids]
    assert names == [box.class_name for box in read.record.boxes]
    overview = Overview(300)
    overview.add([read.record])
    assert len(seen.tiny) == overview.tiny.total()
    assert sorted(set(seen.class_map.all_names)) == sorted(set(read.record.class_names))
