"""Values of a key in the lines of a manifest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labels.slices import NO_VALUE, read_slices, slice_order

URI = "s3://bucket/{}.jpg"


def slices_of(*values: Any, key: str = "camera") -> list[str]:
    """The slice of each line; `...` leaves the key out."""
    lines = []
    for number, value in enumerate(values):
        fields = {"source-ref": URI.format(number)} | ({} if value is ... else {"camera": value})
        lines.append((URI.format(number), json.dumps(fields).encode()))
    return list(read_slices(lines, [key], "test.manifest")[key].values())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("A", "A", id="text"),
        pytest.param("null", "null", id="the text null"),
        pytest.param(7, "7", id="a number"),
        pytest.param("7", "7", id="the same number as text"),
        pytest.param(1.50, "1.5", id="a fraction"),
        pytest.param(True, "true", id="true"),
        pytest.param("  north \n wing ", "north wing", id="white space is made one blank"),
        pytest.param("工場", "工場", id="other scripts"),
        pytest.param(None, NO_VALUE, id="null"),
        pytest.param(" ", NO_VALUE, id="blank"),
        pytest.param(..., NO_VALUE, id="no such key"),
    ],
)
def test_a_line_is_in_the_slice_of_its_value(value: Any, expected: str) -> None:
    assert slices_of("B", value) == ["B", expected]


def test_a_key_with_dots_reaches_into_objects_unless_a_line_has_it_as_it_is() -> None:
    lines = [
        ("s3://b/1", b'{"capture": {"camera.name": "A"}}'),
        ("s3://b/2", b'{"capture.camera.name": "B", "capture": {"camera.name": "A"}}'),
        ("s3://b/3", b'{"capture": {"camera": {"name": "C"}}}'),
        ("s3://b/4", b'{"capture": "camera"}'),
    ]
    found = read_slices(lines, ["capture.camera.name"], "test.manifest")["capture.camera.name"]
    assert list(found.values()) == ["A", "B", "C", NO_VALUE]


def test_several_keys_are_read_at_once() -> None:
    lines = [("s3://b/1", b'{"camera": "A", "site": 1}'), ("s3://b/2", b'{"site": 2}')]
    assert read_slices(lines, ["site", "camera"], "test.manifest") == {
        "site": {"s3://b/1": "1", "s3://b/2": "2"},
        "camera": {"s3://b/1": "A", "s3://b/2": NO_VALUE},
    }


@pytest.mark.parametrize(
    ("values", "key", "message"),
    [
        pytest.param(
            ["A"],
            "camra",
            "test.manifest: no line has the key 'camra' to slice by; did you mean 'camera'",
            id="misspelt",
        ),
        pytest.param(["A"], "weather", "their keys are camera$", id="another key"),
        pytest.param(
            [{"name": "A"}], "camera", "camera of s3://bucket/0.jpg is an object: slices are made", id="object"
        ),
        pytest.param([["A"]], "camera", "is a list: slices are made by a text, a number", id="list"),
        pytest.param(["A" * 101], "camera", "has 101 characters, of which a slice's name holds 100", id="long"),
        pytest.param(range(2000), "camera", 'camera has more than 100 different values, such as "100"', id="too many"),
    ],
)
def test_what_cannot_be_sliced_by(values: list[Any], key: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        slices_of(*values, key=key)


def test_images_without_a_value_come_last() -> None:
    assert sorted(["b", NO_VALUE, "a"], key=slice_order) == ["a", "b", NO_VALUE]
