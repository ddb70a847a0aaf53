from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.errors import UserError
from labels.findings import Code
from labels.records import Box, Kind
from labels.video import read_sequence

SAMPLE = Path(__file__).parents[3] / "shared/samples/manifests/aws__amazon-sagemaker-examples__SeqLabel.head20.json"


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
def test_each_frame_is_a_record(kind: str, number: type) -> None:
    data = sequence([item(number(0)), item(number(1), "Bus:1")], [], kind=kind, number=number)
    lines = list(read_sequence(data, "s3://b/video/", 64, 48))
    assert [(line.number, line.kind, line.findings) for line in lines] == [
        (1, Kind.LABELLED, ()),
        (2, Kind.NEGATIVE, ()),
    ]
    record = lines[0].record
    assert record is not None
    assert (record.source_ref, record.width, record.height) == ("s3://b/video/0.jpg", 64, 48)
    assert record.boxes == (Box("Car", 1, 2, 3, 4), Box("Bus", 1, 2, 3, 4))
    assert json.loads(lines[0].raw)["frame-no"] == number(0)


def test_the_class_map_names_the_classes_where_one_is_given() -> None:
    data = sequence([item("0", None)], [item("7", None)])
    first, second = read_sequence(data, "s3://b/video", 64, 48, {"0": "car"})
    assert first.record is not None
    assert first.record.boxes[0].class_name == "car"
    assert [finding.code for finding in second.findings] == [Code.MISSING_CLASS_MAP_ID]


def test_boxes_are_checked_like_those_of_images() -> None:
    data = sequence([item(left=-1)], [item(left=63)], [item(width=0)])
    codes = [line.findings[0].code for line in read_sequence(data, "s3://b/v", 64, 48)]
    assert codes == [Code.BOX_CLIPPED, Code.BOX_CLIPPED, Code.BOX_TOO_SMALL]


@pytest.mark.parametrize(
    ("data", "folder", "message"),
    [
        pytest.param(b"{", "s3://b/v", "not the SeqLabel.json", id="no JSON"),
        pytest.param(b"{}", "s3://b/v", "no detection-annotations", id="another file"),
        pytest.param(sequence([{"left": 1}]), "s3://b/v", r"annotations\[0\]", id="box without sides"),
        pytest.param(sequence([item("0", None)]), "s3://b/v", "class 0 of frame 0.jpg has no name", id="no name"),
        pytest.param(
            sequence([item("0", "Car:1"), item("0", "Bus:1")]), "s3://b/v", "'Car' and, in frame", id="two names"
        ),
        pytest.param(sequence([]), "frames/", "give its S3 URI", id="folder on disk"),
    ],
)
def test_what_cannot_be_read(data: bytes, folder: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        list(read_sequence(data, folder, 64, 48))


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
        lines = list(read_sequence(json.dumps({"detection-annotations": frames}).encode(), "s3://b/v", 64, 48, {}))
    except UserError:
        return
    assert len(lines) == len(frames)


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the folder of real samples is not beside the repository")
def test_a_real_tracking_job() -> None:
    lines = list(read_sequence(SAMPLE.read_bytes(), "s3://bucket/frames/", 1920, 1080))
    assert [line.kind for line in lines] == [Kind.LABELLED] * 20
    assert not any(line.findings for line in lines)
    records = [line.record for line in lines if line.record]
    assert records[0].source_ref == "s3://bucket/frames/000001.jpg"
    assert {box.class_name for record in records for box in record.boxes} == {"Vehicle"}
    assert len(records[0].boxes) == 2
