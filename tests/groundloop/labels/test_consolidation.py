"""The rule by which boxes of several workers become one set, on hand-worked examples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.boxes import sized_iou
from groundloop.labels.box_groups import MIN_IOU, WorkerBoxes
from groundloop.labels.consolidation import Consolidated, consolidated
from groundloop.labels.records import Box

A = Box("nut", 0, 0, 100, 100)
# Shifts of a square of 100 by 20 and 40 pixels: IoU 80 / 120 = 0.67 and 60 / 140 = 0.43.
A20 = Box("nut", 20, 0, 100, 100)
A40 = Box("nut", 40, 0, 100, 100)
FAR = Box("nut", 500, 500, 100, 100)
BOLT = Box("bolt", 0, 0, 100, 100)


def consolidate(answers: Sequence[Sequence[Box]]) -> Consolidated:
    """Consolidate answers of workers who are named by their position."""
    return consolidated([WorkerBoxes(str(number), tuple(boxes)) for number, boxes in enumerate(answers)])


def boxes_of(found: Consolidated) -> tuple[Box, ...]:
    """Return the boxes alone."""
    return tuple(one.box for one in found.boxes)


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
    ("answers", "boxes", "left_out"),
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
def test_what_workers_agree_on(answers: list[list[Box]], boxes: list[Box] | None, left_out: int) -> None:
    found = consolidate(answers)
    assert found.agreed == (boxes is not None)
    assert boxes_of(found) == tuple(boxes or ())
    assert found.left_out == left_out


def test_two_boxes_give_their_mean_unrounded() -> None:
    (box,) = boxes_of(consolidate([[Box("nut", 0, 0, 10, 10)], [Box("nut", 1, 0, 10, 11)]]))
    assert (box.left, box.top, box.width, box.height) == (0.5, 0, 10, 10.5)


def test_from_three_on_one_sloppy_edge_moves_nothing() -> None:
    sloppy = Box("nut", 0, 0, 100, 140)
    (box,) = boxes_of(consolidate([[A], [sloppy], [Box("nut", 2, 0, 100, 100)]]))
    assert (box.left, box.top, box.width, box.height) == (0, 0, 100, 100)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        pytest.param(["nut", "nut", "bolt"], "nut", id="two of three"),
        pytest.param(["bolt", "nut", "nut"], "nut", id="whoever comes first"),
        pytest.param(["nut", "bolt"], None, id="one each"),
        pytest.param(["nut", "nut", "bolt", "bolt"], None, id="half is no majority"),
        pytest.param(["nut", "bolt", "washer"], None, id="each another"),
    ],
)
def test_the_class_is_that_of_the_majority_in_one_place(classes: list[str], expected: str | None) -> None:
    found = consolidate([[Box(name, 0, 0, 100, 100)] for name in classes])
    assert [box.class_name for box in boxes_of(found)] == ([] if expected is None else [expected])
    assert len(found.without_class_majority) == (expected is None)
    assert found.decided == (expected is not None)


def test_objects_of_two_classes_in_one_place_are_kept_apart() -> None:
    near = Box("bolt", 10, 0, 100, 100)
    # The nut of the one is nearer to the bolt of the other than to its nut.
    found = consolidate([[A, near], [near, A20]])
    assert [box.class_name for box in boxes_of(found)] == ["nut", "bolt"]
    assert found.decided


@pytest.mark.parametrize(
    ("answers", "votes", "confidence"),
    [
        pytest.param([[A]], 1, 0.0, id="one worker: as Ground Truth writes it"),
        pytest.param([[A], [A]], 2, 1.0, id="all the same"),
        pytest.param([[A], [A], []], 2, 2 / 3, id="one missed it"),
        pytest.param([[A], [A], [BOLT]], 2, 2 / 3, id="one gave another class"),
        # The mean of A and A20 is shifted by 10 from both: 90 / 110.
        pytest.param([[A], [A20]], 2, 9 / 11, id="not quite the same place"),
    ],
)
def test_the_confidence_is_the_share_of_votes_by_the_mean_iou(
    answers: list[list[Box]], votes: int, confidence: float
) -> None:
    (box,) = consolidate(answers).boxes
    assert box.votes == votes
    assert box.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    ("answers", "decided"),
    [
        pytest.param([[A]], True, id="one worker"),
        pytest.param([[A], [A]], True, id="both"),
        pytest.param([[A, FAR], [A]], False, id="one of two drew another box"),
        pytest.param([[A, FAR], [A], [A]], True, id="two of three saw nothing there"),
        pytest.param([[A], [], []], True, id="two of three saw nothing at all"),
        pytest.param([[A], [FAR], []], False, id="a majority saw something, each another"),
        pytest.param([[A], [A], [], []], False, id="two against two"),
    ],
)
def test_one_more_worker_is_needed_where_no_majority_is_for_or_against(answers: list[list[Box]], decided: bool) -> None:
    assert consolidate(answers).decided == decided


def test_groups_without_a_quorum_say_who_drew_them() -> None:
    ((one,),) = consolidate([[A], [A, FAR], [A]]).without_quorum
    assert (one.answer, one.position, one.box) == (1, 1, FAR)


@pytest.mark.parametrize("names", [[], ["ann", "ann"]], ids=["nobody", "one twice"])
def test_one_answer_of_each_worker_is_needed(names: list[str]) -> None:
    with pytest.raises(ValueError, match="one answer of each worker"):
        consolidated([WorkerBoxes(name, (A,)) for name in names])


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
    assert 0 <= found.left_out <= len(drawn)
    majority = len(answers) // 2 + 1
    assert len(found.boxes) * majority <= len(drawn) - found.left_out
    for one in found.boxes:
        assert sum(iou(one.box, other) > 0 for other in drawn) >= majority
        assert sum(iou(one.box, other) > 0 and one.box.class_name == other.class_name for other in drawn) >= one.votes
        assert 0 <= one.confidence <= 1


@given(_BOXES)
def test_workers_who_all_agree_are_all_believed(boxes: list[Box]) -> None:
    apart = [box for n, box in enumerate(boxes) if all(iou(box, other) < MIN_IOU for other in boxes[:n])]
    for order in list(permutations(apart))[:6]:
        assert set(boxes_of(consolidate([apart, list(order), apart]))) == set(apart)
