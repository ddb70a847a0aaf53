"""The lines of a manifest that a failure may come from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.executions.failure_evidence import channel_faults, find_evidence, read_lines
from groundloop.executions.known_failures import EvidenceSource

ATTRIBUTES = ["source-ref", "bounding-box"]
BOX = {"class_id": 0, "left": 1, "top": 1, "width": 5, "height": 5}


def line(boxes: int = 1, image: str = "s3://b/a.jpg", **more: Any) -> bytes:
    return json.dumps({"source-ref": image, "bounding-box": {"annotations": [BOX] * boxes}, **more}).encode()


def evidence(source: EvidenceSource, *lines: bytes, channel: str = "train", **hyperparameters: str) -> list[str]:
    read = list(read_lines(lines, ATTRIBUTES))
    return [item.text for item in find_evidence(source, channel, "train.manifest", read, hyperparameters)]


def test_the_lines_with_most_boxes_come_first() -> None:
    assert evidence(EvidenceSource.BOXES, line(2), line(84), line(70), line(3), label_width="350") == [
        "train.manifest line 2: 84 boxes need label_width 422, it is 350",
        "train.manifest line 3: 70 boxes need label_width 352, it is 350",
    ]


def test_only_some_lines_are_named() -> None:
    found = evidence(EvidenceSource.BOXES, *[line(3)] * 9, label_width="7")
    assert len(found) == 6
    assert found[-1] == "train.manifest: 4 more lines need more than 7"


def test_a_manifest_that_fits_is_said_to() -> None:
    assert evidence(EvidenceSource.BOXES, line(2), line(5), label_width="350") == [
        "train.manifest: no line needs more than 350; most boxes: line 2, 5"
    ]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param(b"  ", "the line is blank", id="a blank line"),
        pytest.param(b"{", "not JSON: Input data was truncated", id="not JSON"),
        pytest.param(b'{"a":' * 100_000, "nested too deeply to be a manifest line", id="nested without end"),
        pytest.param(b"[]", "not a manifest line: Expected `object`, got `array`", id="not an object"),
        pytest.param(
            b'{"source-ref": "s3://b/a.jpg"}',
            "not labelled: the line has no label attribute 'bounding-box'",
            id="no label",
        ),
        pytest.param(
            b'{"bounding-box": {"annotations": []}}',
            "the line names no image: it needs a source-ref such as s3://bucket/key.jpg",
            id="no image",
        ),
        pytest.param(
            b'{"source-ref": "s3://b/a.jpg", "bounding-box": 3}',
            "the label is not a list of boxes: Expected `object`, got `int` - at `$.bounding-box`",
            id="a label of another kind",
        ),
        pytest.param(
            b'{"source-ref": "s3://b/a.jpg", "bounding-box": {"annotations": [{"class_id": 0}]}}',
            "a box has a missing or wrong number: "
            "Object missing required field `left` - at `$.bounding-box.annotations[0]`",
            id="a box with a number missing",
        ),
        pytest.param(
            b'{"source-ref": "s3://b/a.jpg", "bounding-box": {"annotations": '
            b'[{"class_id": "0", "left": 1, "top": 1, "width": 5, "height": 5}]}}',
            "a class_id is text, not a whole number",
            id="a class id that is text",
        ),
        pytest.param(
            line(image="a.jpg"), "source-ref 'a.jpg' is not of the form s3://bucket/key", id="an image elsewhere"
        ),
        pytest.param(line(0), "the image has no box", id="no box"),
    ],
)
def test_what_is_wrong_with_a_line(raw: bytes, problem: str) -> None:
    assert evidence(EvidenceSource.LINES, line(), raw) == [f"train.manifest line 2: {problem}"]


def test_images_without_objects_belong_in_validation() -> None:
    assert evidence(EvidenceSource.LINES, line(0), channel="validation") == []


def test_counts_stand_beside_what_they_are_compared_with() -> None:
    assert evidence(EvidenceSource.COUNT, line(), b"", line(), num_training_samples="3", mini_batch_size="32") == [
        "train.manifest: 2 usable lines of 3, num_training_samples is 3, mini_batch_size is 32",
        "train.manifest: mini_batch_size can be 2 at most",
        "train.manifest line 2: the line is blank",
    ]


def channel(**members: Any) -> dict[str, Any]:
    names = members.pop("names", ATTRIBUTES)
    return {
        "ChannelName": "train",
        "ContentType": "application/x-recordio",
        "RecordWrapperType": "RecordIO",
        "InputMode": "Pipe",
        "DataSource": {"S3DataSource": {"AttributeNames": names}},
        **members,
    }


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        pytest.param({}, None, id="our own channel"),
        pytest.param(
            {"RecordWrapperType": None}, "RecordWrapperType is not set, it has to be RecordIO", id="unwrapped"
        ),
        pytest.param(
            {"ContentType": "image/jpeg"}, "ContentType is image/jpeg, it has to be application/x-recordio", id="images"
        ),
        pytest.param({"names": ATTRIBUTES[::-1]}, "AttributeNames is", id="label before image"),
        pytest.param({"names": ["source-ref"]}, "AttributeNames is", id="no label"),
    ],
)
def test_a_channel_that_the_algorithm_cannot_read(members: dict[str, Any], fault: str | None) -> None:
    found = [item.text for item in channel_faults(channel(**members))]
    assert len(found) == (fault is not None)
    assert all(text.startswith(f"channel train: {fault}") for text in found)


@given(st.lists(st.binary(max_size=60) | st.builds(line, st.integers(0, 3)), max_size=8))
def test_no_line_upsets_the_search(lines: list[bytes]) -> None:
    for source in EvidenceSource:
        evidence(source, *lines, label_width="7")
