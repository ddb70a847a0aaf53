"""The SeqLabel.json of one video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.errors import UserError
from groundloop.labels.records import Box
from groundloop.labels.video import Frame, read_sequence

SAMPLE = Path(__file__).parents[4] / "shared/samples/manifests/aws__amazon-sagemaker-examples__SeqLabel.head20.json"


def item(class_id: Any = "0", name: str | None = "Car:1", **sides: float) -> dict[str, Any]:
    named = {} if name is None else {"object-id": "5e0c", "object-name": name, "label-category-attributes": {"x": "y"}}
    return {"class-id": class_id, "left": 1, "top": 2, "width": 3, "height": 4, **sides, **named}


def sequence(*frames: list[dict[str, Any]], kind: str = "tracking", number: type = str) -> bytes:
    return json.dumps(
        {
            f"{kind}-annotations": [
                {"annotations": items, "frame-no": number(n), "frame": f"{n}.jpg"} for n, items in enumerate(frames)
            ]
        }
    ).encode()


@pytest.mark.parametrize("kind", ["tracking", "detection"])
@pytest.mark.parametrize("number", [str, int])
def test_each_frame_has_its_boxes(kind: str, number: type) -> None:
    data = sequence([item(number(0)), item(number(1), "Bus:1")], [], kind=kind, number=number)
    found = read_sequence(data)
    assert found.frames == (Frame("0.jpg", (Box("Car", 1, 2, 3, 4), Box("Bus", 1, 2, 3, 4))), Frame("1.jpg", ()))
    assert found.class_map == {"0": "Car", "1": "Bus"}


def test_the_class_map_names_the_classes_where_one_is_given() -> None:
    data = sequence([item("0", None)])
    assert read_sequence(data, {"0": "car"}).frames[0].boxes[0].class_name == "car"


@pytest.mark.parametrize(
    ("data", "class_map", "message"),
    [
        pytest.param(b"{", None, "not the SeqLabel.json", id="no JSON"),
        pytest.param(b"{}", None, "no detection-annotations, no tracking-annotations", id="another file"),
        pytest.param(sequence([{"left": 1}]), None, r"annotations\[0\]", id="box without sides"),
        pytest.param(sequence([item("0", None)]), None, "class 0 of frame 0.jpg has no name", id="no name"),
        pytest.param(sequence([item("0", "Car:1"), item("0", "Bus:1")]), None, "'Car' and, in frame", id="two names"),
        pytest.param(sequence([item("7")]), {"0": "Car"}, r"not in the class-map \(0\)", id="not in the map"),
        pytest.param(
            b'{"tracking-annotations":[{"frame":"a","annotations":[{"class-id":" 0","left":1,"top":1,"width":1,'
            b'"height":1,"object-name":"nut:1"}]}]}',
            None,
            "class-id ' 0' of frame a is not a whole number",
            id="an id that is none",
        ),
    ],
)
def test_what_cannot_be_read(data: bytes, class_map: dict[str, str] | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_sequence(data, class_map)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
ITEM = st.fixed_dictionaries(
    {"class-id": st.integers() | st.text(), "left": st.floats(), "top": st.integers()},
    optional={"width": st.integers(), "height": st.integers(), "object-name": st.text()},
)


@settings(deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"frame": st.text(), "annotations": st.lists(ITEM)}, optional={"frame-no": JSON}))
)
def test_whatever_is_in_the_file_is_read_or_refused(frames: list[Any]) -> None:
    try:
        found = read_sequence(json.dumps({"detection-annotations": frames}).encode())
    except UserError:
        return
    assert [(frame.name, len(frame.boxes)) for frame in found.frames] == [
        (frame["frame"], len(frame["annotations"])) for frame in frames
    ]


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the folder of real samples is not beside the repository")
def test_a_real_tracking_job() -> None:
    found = read_sequence(SAMPLE.read_bytes())
    assert len(found.frames) == 20
    assert found.frames[0].name == "000001.jpg"
    assert {box.class_name for frame in found.frames for box in frame.boxes} == {"Vehicle"}
    assert len(found.frames[0].boxes) == 2
