"""The rule by which boxes of several workers become one set, on hand-worked examples."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.boxes import sized_iou
from groundloop.labels.formats.a2i.consolidation import MIN_IOU, consolidate
from groundloop.labels.records import Box

A = Box("nut", 0, 0, 100, 100)
# Shifts of a square of 100 by 20 and 40 pixels: IoU 80 / 120 = 0.67 and 60 / 140 = 0.43.
A20 = Box("nut", 20, 0, 100, 100)
A40 = Box("nut", 40, 0, 100, 100)
FAR = Box("nut", 500, 500, 100, 100)
BOLT = Box("bolt", 0, 0, 100, 100)


def iou(one: Box, other: Box) -> float:
    sides = (np.array([box.left, box.top, box.width, box.height], dtype=np.float64) for box in (one, other))
    return float(sized_iou(*sides))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(A, 1.0, id="the same"),
        pytest.param(A20, 8000 / 12000, id="shifted"),
        pytest.param(Box("nut", 0, 0, 50, 100), 0.5, id="half of it"),
        pytest.param(Box("nut", 100, 0, 100, 100), 0.0, id="touching"),
        pytest.param(FAR, 0.0, id="apart"),
    ],
)
def test_intersection_over_union(other: Box, expected: float) -> None:
    assert iou(A, other) == iou(other, A) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answers", "boxes", "dropped"),
    [
        pytest.param([[A, FAR, BOLT]], [A, FAR, BOLT], 0, id="one worker: as it is"),
        pytest.param([[]], [], 0, id="one worker, nothing"),
        pytest.param([[A], [A20]], [Box("nut", 10, 0, 100, 100)], 0, id="two: the mean"),
        pytest.param([[A, FAR], [A20]], [Box("nut", 10, 0, 100, 100)], 1, id="two: both must draw it"),
        pytest.param([[A], [BOLT]], None, 2, id="two: another class is no agreement"),
        pytest.param([[A], [A40]], None, 2, id="two: not similar enough"),
        pytest.param([[A], []], None, 1, id="two: one box or none is undecided"),
        pytest.param([[], []], [], 0, id="two, nothing"),
        pytest.param([[A], [A20], []], [Box("nut", 10, 0, 100, 100)], 0, id="three: two suffice"),
        pytest.param([[A], [], []], [], 1, id="three: two saw nothing"),
        pytest.param([[A], [FAR], [BOLT]], None, 3, id="three: each another"),
        pytest.param([[A], [FAR], []], None, 2, id="three: most drew something, but each another"),
        pytest.param([[A], [A20], [A40]], [Box("nut", 10, 0, 100, 100)], 1, id="three: no chain of similar boxes"),
        pytest.param([[FAR, A], [A, FAR]], [FAR, A], 0, id="in the order of the first worker"),
        pytest.param([[A, A20], [A]], [A], 1, id="one box of each worker, the most similar"),
        pytest.param([[A], [A], [], []], None, 2, id="four: half is no majority"),
    ],
)
def test_what_workers_agree_on(answers: list[list[Box]], boxes: list[Box] | None, dropped: int) -> None:
    found = consolidate(answers)
    assert found.boxes == (None if boxes is None else tuple(boxes))
    assert found.dropped == dropped


def test_means_are_not_rounded() -> None:
    found = consolidate([[Box("nut", 0, 0, 10, 10)], [Box("nut", 1, 0, 10, 11)], [Box("nut", 1, 1, 10, 11)]])
    assert found.boxes is not None
    (box,) = found.boxes
    assert box.class_name == "nut"
    assert (box.left, box.top, box.width, box.height) == pytest.approx((2 / 3, 1 / 3, 10, 32 / 3))


_BOXES = st.lists(
    st.builds(
        Box,
        st.sampled_from(["nut", "bolt"]),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 40),
        st.integers(1, 40),
    ),
    max_size=4,
)


@given(st.lists(_BOXES, min_size=1, max_size=4))
def test_no_box_is_lost_or_invented(answers: list[list[Box]]) -> None:
    found = consolidate(answers)
    drawn = [box for boxes in answers for box in boxes]
    assert found == consolidate(answers)
    assert 0 <= found.dropped <= len(drawn)
    majority = len(answers) // 2 + 1
    assert len(found.boxes or ()) * majority <= len(drawn) - found.dropped
    for box in found.boxes or ():
        assert sum(iou(box, one) > 0 and one.class_name == box.class_name for one in drawn) >= majority


@given(_BOXES)
def test_workers_who_all_agree_are_all_believed(boxes: list[Box]) -> None:
    apart = [box for n, box in enumerate(boxes) if all(iou(box, other) < MIN_IOU for other in boxes[:n])]
    for order in list(permutations(apart))[:6]:
        assert set(consolidate([apart, list(order), apart]).boxes or ()) == set(apart)
