from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.detections.predictions import Detections
from groundloop.errors import UserError

CLASSES = ("nut", "bolt")
ROW = [1.0, 0.9, 0.1, 0.2, 0.3, 0.4]


def _answer(*rows: object) -> bytes:
    return json.dumps({"prediction": list(rows)}).encode()


def test_rows_become_arrays_with_class_names() -> None:
    found = Detections.from_sagemaker(_answer(ROW, [0, 0.25, 0, 0, 1, 1]), CLASSES, "a.out")
    assert found.names == ["bolt", "nut"]
    assert found.confidence.tolist() == [0.9, 0.25]
    assert found.xyxyn.tolist() == [[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]
    assert found.clipped == 0


def test_no_detection_is_an_answer_too() -> None:
    found = Detections.from_sagemaker(b'{"prediction": []}', CLASSES, "a.out")
    assert len(found) == 0
    assert found.count() == {"nut": 0, "bolt": 0}
    assert found.xyxyn.shape == (0, 4)


def test_coordinates_outside_the_image_are_clipped_and_counted() -> None:
    found = Detections.from_sagemaker(_answer([0, 0.5, -0.1, 0.5, 1.2, 0.9], ROW), CLASSES, "a.out")
    assert found.xyxyn[0].tolist() == [0, 0.5, 1, 0.9]
    assert found.clipped == 1


def test_a_threshold_keeps_equal_scores() -> None:
    found = Detections.from_sagemaker(
        _answer(ROW, [0, 0.5, 0, 0, 1, 1], [0, 0.49, 0, 0, 1, 1]), CLASSES, "a.out"
    ).filter(0.5)
    assert found.count() == {"nut": 1, "bolt": 1}


def test_boxes_in_pixels() -> None:
    assert Detections.from_sagemaker(_answer(ROW), CLASSES, "a.out").pixels(200, 100) == pytest.approx(
        np.array([[20, 20, 60, 40]])
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b" \n", "is empty", id="blank"),
        pytest.param(b"<html>", "not a detector's answer.*<html>", id="no JSON"),
        pytest.param(b"\xff\xfe", "not a detector's answer", id="binary"),
        pytest.param(b"[]", "not a detector's answer", id="a list"),
        pytest.param(b'{"error": "model crashed"}', "no prediction but.*model crashed", id="an error"),
        pytest.param(b'{"prediction": null}', "not a list of rows", id="null"),
        pytest.param(b'{"prediction": [1, 2]}', "not a list of rows", id="numbers without rows"),
        pytest.param(_answer([0, "0.9", 0, 0, 1, 1]), "not a list of rows", id="a score that is text"),
        pytest.param(b'{"prediction": [[0, NaN, 0, 0, 1, 1]]}', "NaN", id="NaN"),
        pytest.param(b'{"prediction": [[0, 1e999, 0, 0, 1, 1]]}', "out of range", id="a number beyond floats"),
        pytest.param(_answer(ROW, ROW[:5]), "detection 2 has 5 numbers", id="a number too few"),
        pytest.param(_answer([*ROW, 1]), "detection 1 has 7 numbers", id="a number too many"),
        pytest.param(
            _answer([2, *ROW[1:]]), r"has 2\.0; class ids go from 0 to 1 \(nut, bolt\)", id="unknown class id"
        ),
        pytest.param(_answer([-1, *ROW[1:]]), "class ids go from", id="negative class id"),
        pytest.param(_answer([0.5, *ROW[1:]]), "class ids go from", id="class id with a fraction"),
        pytest.param(_answer(ROW, [0, 1.5, 0, 0, 1, 1]), "detection 2 has 1.5; a score", id="score over 1"),
        pytest.param(_answer([0, 0.5, 0.9, 0, 0.1, 1]), "swapped", id="corners swapped"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_its_name(answer: bytes, message: str) -> None:
    with pytest.raises(UserError, match=rf"^folder/a\.jpg\.out.*{message}"):
        Detections.from_sagemaker(answer, CLASSES, "folder/a.jpg.out")


@settings(deadline=None)
@given(st.binary() | st.lists(st.lists(st.floats(-1, 2), min_size=6, max_size=6)).map(lambda rows: _answer(*rows)))
def test_any_bytes_give_sound_detections_or_a_users_error(answer: bytes) -> None:
    try:
        found = Detections.from_sagemaker(answer, CLASSES, "a.out")
    except UserError:
        return
    assert ((found.xyxyn >= 0) & (found.xyxyn <= 1)).all()
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    assert len(found.names) == len(found.confidence) == len(found.xyxyn)


def test_each_class_may_have_a_threshold_of_its_own() -> None:
    answer = b'{"prediction": [[0, 0.5, 0, 0, 1, 1], [1, 0.5, 0, 0, 1, 1], [1, 0.7, 0, 0, 1, 1]]}'
    detections = Detections.from_sagemaker(answer, ["bolt", "nut"], "here")
    assert detections.filter({"bolt": 0.4, "nut": 0.6}).count() == {"bolt": 1, "nut": 1}
    assert detections.filter(0.6).count() == {"bolt": 0, "nut": 1}
