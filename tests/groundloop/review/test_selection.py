"""Images are chosen where mistakes are expected, a share at random, and every task says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from groundloop.detections.calibration import Calibration, IsotonicCurve
from groundloop.detections.expected_mistakes import ImageDetections, doubt
from groundloop.errors import UserError
from groundloop.review.candidates import Candidate
from groundloop.review.conditions import parse_condition
from groundloop.review.diversity import NearCopies
from groundloop.review.queue import NewTask
from groundloop.review.selection import Selection, select
from groundloop.review.shown_boxes import pixel_box
from groundloop.review.wire import Shown

CLASSES = ("bolt", "nut")
THRESHOLDS = {"bolt": 0.5, "nut": 0.5}
IDENTITY = IsotonicCurve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([1.0, 1.0]))
CALIBRATION = Calibration(IDENTITY, {}, 100)


def detected(*scores: float, name: str = "bolt") -> ImageDetections:
    """Return detections of one class, apart from each other."""
    boxes = np.array([(20.0 * number, 0, 20 * number + 10, 10) for number in range(len(scores))]).reshape(-1, 4)
    return ImageDetections((name,) * len(scores), np.array(scores, dtype=np.float64), boxes)


def candidates(count: int = 100, **changes: Any) -> list[Candidate]:
    """Return images whose expected mistakes rise with their number."""
    return [
        Candidate(
            f"s3://b/{number:03}.jpg", 640, 480, detected(*[0.5] * (number // 10), 0.4 * number / count), **changes
        )
        for number in range(count)
    ]


def chosen(
    pool: list[Candidate],
    new: bool = True,
    frequency: Any = None,
    copies: NearCopies | None = None,
    **selection: Any,
) -> list[NewTask]:
    """Return the tasks of a selection."""
    options = Selection(**{"images": 20, "audit": 0, **selection})
    return select(pool, CALIBRATION, THRESHOLDS, CLASSES, options, new=new, frequency=frequency, copies=copies)


def test_the_most_expected_mistakes_come_first() -> None:
    tasks = chosen(candidates())
    assert [task.source_ref for task in tasks[:3]] == ["s3://b/099.jpg", "s3://b/098.jpg", "s3://b/097.jpg"]
    assert tasks[0].expected_mistakes == pytest.approx(9 * 0.5 + 0.396)
    assert tasks[0].why == ("about 4.9 mistakes expected", "most doubtful: bolt 0.50, threshold 0.50")
    assert len(tasks) == 20


def test_the_audit_share_is_drawn_at_random_and_always_the_same() -> None:
    tasks = chosen(candidates(), images=40, audit=0.25)
    audit = [task for task in tasks if task.selected_by == "audit"]
    assert len(tasks) == 40
    assert len(audit) == 10
    again = [
        task.source_ref for task in chosen(candidates()[::-1], images=40, audit=0.25) if task.selected_by == "audit"
    ]
    assert sorted(again) == sorted(task.source_ref for task in audit)
    assert np.mean([int(task.source_ref[7:10]) for task in audit]) < 75  # not the doubtful ones


def test_half_of_the_audit_share_is_shown_without_boxes() -> None:
    audit = [task for task in chosen(candidates(), images=40, audit=0.25) if task.selected_by == "audit"]
    blind = [task for task in audit if task.shown is Shown.NOTHING]
    assert len(blind) == 5
    assert not any(task.boxes for task in blind)
    assert {task.why for task in blind} == {("drawn at random", "shown without boxes")}


def test_the_audit_share_is_spread_over_the_queue() -> None:
    tasks = chosen(candidates(), images=40, audit=0.25)
    places = [place for place, task in enumerate(tasks) if task.selected_by == "audit"]
    assert max(np.diff([0, *places])) <= 5


def test_new_images_chosen_for_doubt_are_for_train_and_audit_images_for_any_split() -> None:
    tasks = chosen(candidates(), audit=0.5)
    assert {(task.selected_by, task.split) for task in tasks} == {("expected-mistakes", "train"), ("audit", None)}
    assert {task.split for task in chosen(candidates(), new=False)} == {None}


def test_at_most_so_many_images_of_a_group() -> None:
    tasks = chosen(candidates(group="video"), per_group=3)
    assert len(tasks) == 3
    assert len(chosen(candidates(), per_group=3)) == 20


def test_a_third_of_the_room_is_spread_over_classes_rare_ones_first() -> None:
    nuts = [Candidate(f"s3://b/nut{number}.jpg", 640, 480, detected(0.45, name="nut")) for number in range(20)]
    tasks = chosen([*candidates(), *nuts], images=30, frequency={"bolt": 10_000, "nut": 1})
    rare = [task for task in tasks if "nut" in task.source_ref]
    assert len(rare) == 10
    assert all("may show nut" in task.why for task in rare)


def test_near_copies_of_a_chosen_or_audited_image_are_left_out() -> None:
    def hash_of(source_ref: str) -> int | None:
        """Return one hash for each ten images; the last ten can't be compared."""
        number = int(source_ref[7:10])
        return None if number >= 90 else 0x1111111111111111 * (number // 10 + 1) ^ (number % 2)

    copies = NearCopies(hash_of)
    tasks = chosen(candidates(), images=40, audit=0.05, copies=copies)
    audited = {task.source_ref for task in tasks if task.selected_by == "audit"}
    tens = [int(task.source_ref[7:10]) // 10 for task in tasks if task.source_ref not in audited]
    assert tens.count(9) + sum("09" in name[7:9] for name in audited) == 10
    others = [ten for ten in tens if ten != 9]
    assert len(others) == len(set(others))
    assert not set(others) & {int(name[7:10]) // 10 for name in audited}
    assert len(copies.found) + len(tasks) == 100


def test_per_effort_images_with_fewer_objects_come_before_crowded_ones() -> None:
    crowded = Candidate("s3://b/crowded.jpg", 640, 480, detected(*[0.9] * 30))  # 3 mistakes on 27 objects
    plain = Candidate("s3://b/plain.jpg", 640, 480, detected(0.5, 0.5, 0.5, 0.5))  # 2 mistakes on 2 objects
    for per, first in (("image", crowded), ("effort", plain)):
        assert chosen([plain, crowded], per=per)[0].source_ref == first.source_ref


def test_conditions_choose_and_are_told() -> None:
    condition = parse_condition("count(bolt) >= 9", CLASSES)
    tasks = chosen(candidates(), by="condition", conditions=(condition,))
    assert sorted(task.source_ref for task in tasks) == [f"s3://b/{number:03}.jpg" for number in range(90, 100)]
    assert all("condition count(bolt) >= 9" in task.why for task in tasks)


def test_random_takes_no_notice_of_the_model() -> None:
    tasks = chosen(candidates(), by="random")
    assert len(tasks) == 20
    assert {task.split for task in tasks} == {None}


@pytest.mark.parametrize(
    "selection",
    [{"by": "entropy"}, {"per": "box"}, {"by": "condition"}, {"conditions": (parse_condition("count != 4", CLASSES),)}],
)
def test_a_selection_that_makes_no_sense_is_refused(selection: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="cho"):
        Selection(**selection)


@pytest.mark.parametrize(
    ("text", "scores", "holds"),
    [
        pytest.param("top_score < 0.5", (0.4, 0.2), True, id="no good detection"),
        pytest.param("top_score < 0.5", (0.6, 0.2), False, id="a good detection"),
        pytest.param("top_score < 0.5", (), False, id="an image without detections has no top score"),
        pytest.param("any 0.3 <= score < 0.6", (0.9, 0.3), True, id="on the low end"),
        pytest.param("any 0.3 <= score < 0.6", (0.6,), False, id="on the high end"),
        pytest.param("any(nut) 0.3 <= score < 0.6", (0.4,), False, id="of another class"),
        pytest.param("count(bolt) != 2", (0.6, 0.6, 0.4), False, id="detections that count"),
        pytest.param("count(nut) == 0", (0.6,), True, id="none of a class"),
        pytest.param("expected_mistakes >= 1", (0.5, 0.5), True, id="mistakes"),
    ],
)
def test_conditions_hold(text: str, scores: tuple[float, ...], holds: bool) -> None:
    detections = detected(*scores)
    assert parse_condition(text, CLASSES).holds(detections, doubt(detections, CALIBRATION, THRESHOLDS)) is holds


@pytest.mark.parametrize("text", ["", "score < 0.5", "top_score <> 0.5", "count(screw) != 4", "__import__('os')"])
def test_conditions_that_are_not_understood_are_explained(text: str) -> None:
    with pytest.raises(UserError, match="condition"):
        parse_condition(text, CLASSES)


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        pytest.param((1.4, 2.6, 10.5, 20.4), (1, 3, 9, 17), id="rounded"),
        pytest.param((-3, -3, 5, 5), (0, 0, 5, 5), id="clipped at the start"),
        pytest.param((90, 90, 120, 130), (90, 90, 10, 10), id="clipped at the end"),
        pytest.param((50.2, 50.2, 50.3, 50.3), (50, 50, 1, 1), id="at least a pixel"),
        pytest.param((100, 100, 100, 100), (99, 99, 1, 1), id="at the very end"),
    ],
)
def test_shown_boxes_lie_on_pixels_inside_the_image(
    corners: tuple[float, ...], expected: tuple[int, int, int, int]
) -> None:
    box = pixel_box(0, corners, 100, 100, score=None)
    assert (box.left, box.top, box.width, box.height) == expected
