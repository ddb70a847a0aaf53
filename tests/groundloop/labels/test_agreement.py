"""How far workers agree: hand-worked boxes, and the examples that Krippendorff published for alpha."""

from __future__ import annotations

import pytest

from groundloop.labels.agreement import BoxAgreement, box_agreement, box_alpha, nominal_alpha, pairwise_agreement
from groundloop.labels.box_groups import WorkerBoxes
from groundloop.labels.records import Box

A = Box("nut", 0, 0, 100, 100)
A20 = Box("nut", 20, 0, 100, 100)  # IoU with A: 80 / 120
A10 = Box("nut", 10, 0, 100, 100)  # IoU with A: 90 / 110
FAR = Box("nut", 500, 500, 100, 100)
BOLT = Box("bolt", 0, 0, 100, 100)


def image(**boxes: list[Box]) -> list[WorkerBoxes]:
    """Return the answers of workers to one image."""
    return [WorkerBoxes(worker, tuple(drawn)) for worker, drawn in boxes.items()]


@pytest.mark.parametrize(
    ("observers", "alpha"),
    [
        # K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), sections A, B and C.
        pytest.param(["0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"], 0.095, id="A: binary data, two observers"),
        pytest.param(["a a b b d c c c e d d a", "b a b b b c c c e d d d"], 0.692, id="B: nominal data"),
        pytest.param(
            [
                "1 2 3 3 2 1 4 1 2 . . .",
                "1 2 3 3 2 2 4 1 2 5 . 3",
                ". 3 3 3 2 3 4 2 2 5 1 .",
                "1 2 3 3 2 4 4 1 2 5 1 .",
            ],
            0.743,
            id="C: four observers, missing data",
        ),
        # The example with three coders of "Krippendorff's alpha" (Wikipedia).
        pytest.param(
            [
                ". . . . . 3 4 1 2 1 1 3 3 . 3",
                "1 . 2 1 3 3 4 3 . . . . . . .",
                ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
            ],
            0.691,
            id="three coders, most values missing",
        ),
    ],
)
def test_alpha_equals_published_examples(observers: list[str], alpha: float) -> None:
    units = zip(*(observer.split() for observer in observers), strict=True)
    assert nominal_alpha([value for value in unit if value != "."] for unit in units) == pytest.approx(alpha, abs=5e-4)


@pytest.mark.parametrize("units", [[], [("a",)], [("a", "a"), ("a", "a")]], ids=["nothing", "one value", "one class"])
def test_alpha_is_not_defined_without_two_values(units: list[tuple[str, ...]]) -> None:
    assert nominal_alpha(units) is None


def test_a_worker_who_has_no_box_where_others_have_one_disagrees() -> None:
    images = [image(ann=[A, FAR], bob=[A20]), image(ann=[BOLT], bob=[BOLT])]
    # Units: (nut, nut), (nut, none), (bolt, bolt); by hand from the coincidences 2, 0 and 2 of n = 6.
    assert box_alpha(images) == pytest.approx((5 * 4 - (3 * 2 + 2 * 1)) / (6 * 5 - (3 * 2 + 2 * 1)))


def test_a_worker_who_did_not_answer_the_image_does_not_disagree() -> None:
    images = [image(ann=[A], bob=[A]), image(ann=[BOLT], bob=[BOLT])]
    assert box_alpha([*images, image(ann=[FAR])]) == 1.0
    assert box_alpha([*images, image(ann=[FAR], bob=[])]) < 1.0  # type: ignore[operator]


def test_two_classes_in_one_place_are_one_unit() -> None:
    images = [image(ann=[A], bob=[BOLT]), image(ann=[FAR], bob=[FAR])]
    assert box_alpha(images) == nominal_alpha([("nut", "bolt"), ("nut", "nut")])


def test_at_a_higher_iou_sloppy_edges_are_a_disagreement() -> None:
    images = [image(ann=[A], bob=[A20]), image(ann=[BOLT], bob=[BOLT])]
    assert box_alpha(images) == 1.0
    # Units: (nut, none), (none, nut), (bolt, bolt).
    assert box_alpha(images, 0.75) == nominal_alpha([("nut", None), (None, "nut"), ("bolt", "bolt")])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([A], [A20], {"nut": BoxAgreement(2, 1, 2 / 3)}, id="near"),
        pytest.param([A], [FAR], {"nut": BoxAgreement(2, 0, 0.0)}, id="apart"),
        pytest.param([A], [BOLT], {"nut": BoxAgreement(1), "bolt": BoxAgreement(1)}, id="another class"),
        pytest.param([A, A10], [A20], {"nut": BoxAgreement(3, 1, 9 / 11)}, id="the most similar of two"),
        pytest.param([], [A], {"nut": BoxAgreement(1)}, id="missed"),
        pytest.param([], [], {}, id="nothing"),
    ],
)
def test_boxes_of_two_match_one_to_one(first: list[Box], second: list[Box], expected: dict[str, BoxAgreement]) -> None:
    for found in (box_agreement(first, second), box_agreement(second, first)):
        assert set(found) == set(expected)
        for name, one in expected.items():
            assert (found[name].boxes, found[name].matched) == (one.boxes, one.matched)
            assert found[name].iou_sum == pytest.approx(one.iou_sum)


def test_agreement_without_boxes_is_not_defined() -> None:
    assert (BoxAgreement().f1, BoxAgreement().mean_iou) == (None, None)
    assert (BoxAgreement(3, 0).f1, BoxAgreement(3, 0).mean_iou) == (0.0, None)


def test_pairs_of_workers_are_compared_where_both_answered() -> None:
    images = [image(ann=[A, BOLT], bob=[A20], cid=[]), image(bob=[FAR], ann=[FAR]), image(ann=[A])]
    found = pairwise_agreement(images)
    assert found.images == 2
    assert {pair: (one.boxes, one.matched) for pair, one in found.by_pair.items()} == {
        ("ann", "bob"): (5, 2),
        ("ann", "cid"): (2, 0),
        ("bob", "cid"): (1, 0),
    }
    assert {name: one.f1 for name, one in found.by_class.items()} == {"bolt": 0.0, "nut": pytest.approx(4 / 6)}
    assert found.overall.f1 == pytest.approx(4 / 8)
    assert found.by_pair["ann", "bob"].mean_iou == pytest.approx((2 / 3 + 1) / 2)
