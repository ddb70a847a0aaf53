from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from groundloop.boxes import paired_iou
from groundloop.detections import matching
from groundloop.detections.arrays import Floats
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.matching import IOUS, Matches, match_detections, pool_detections

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]
CLASSES = 3


def _match(truth: Floats, detected: Floats, scores: Floats, rule: str, iou_threshold: float) -> list[int]:
    """Match the detections of one image and class in a loop: the index of each one's ground-truth box, or -1.

    COCO: the best of the ground-truth boxes that are free, of equal ones the last. VOC: the best of all, of equal ones
    the first, unless it is taken.
    """
    matched = [-1] * len(detected)
    overlaps = paired_iou(detected[:, None], truth[None])
    for index in np.argsort(-scores, kind="stable").tolist():
        candidates = range(len(truth))
        if rule == "COCO":
            candidates = reversed([true for true in candidates if true not in matched])  # type: ignore[assignment]
        best = max(candidates, key=lambda true, row=overlaps[index]: row[true], default=-1)  # type: ignore[misc]
        if best >= 0 and best not in matched and overlaps[index, best] >= iou_threshold:
            matched[index] = best
    return matched


def _one_by_one(images: list[ScoredImage], rule: str, iou_threshold: float) -> list[int]:
    """Match by a loop over images and classes: each detection's ground-truth box in the pool, or -1."""
    taken = []
    first = 0
    for image in images:
        of_image = np.full(len(image.scores), -1)
        for class_id in range(CLASSES):
            chosen, true = np.flatnonzero(image.class_ids == class_id), np.flatnonzero(image.true_ids == class_id)
            boxes = image.true_boxes[true], image.boxes[chosen], image.scores[chosen]
            result = np.array(_match(*boxes, rule, iou_threshold), dtype=np.int64)
            of_image[chosen[result >= 0]] = first + true[result[result >= 0]]
        taken += of_image.tolist()
        first += len(image.true_ids)
    return taken


def _matched(images: list[ScoredImage]) -> Matches:
    return match_detections(pool_detections(images, CLASSES))


@pytest.mark.parametrize("seed", range(5))
def test_all_images_at_once_match_as_one_by_one(seed: int, random_images: RandomImages) -> None:
    images = random_images(seed, images=20)
    matches = _matched(images)
    assert (matches.truth >= 0).any()
    for iou_threshold, truth in zip(IOUS, matches.truth, strict=True):
        assert truth.tolist() == _one_by_one(images, "COCO", iou_threshold)
    assert matches.voc.tolist() == [taken >= 0 for taken in _one_by_one(images, "VOC", 0.5)]


def test_the_better_score_takes_the_true_box(make_image: MakeImage) -> None:
    worse, better = (0, 0, 0, 10, 10), (0, 0, 0, 10, 9)
    image = make_image([(0, 0, 0, 10, 10)], [(0, 0.8, *worse[1:]), (0, 0.9, *better[1:])])
    matches = _matched([image])
    assert matches.truth[0].tolist() == [-1, 0]
    assert matches.voc.tolist() == [False, True]


@pytest.mark.parametrize(("height", "matched"), [(5, True), (4.9, False)])
def test_an_iou_of_exactly_the_threshold_matches(height: float, matched: bool, make_image: MakeImage) -> None:
    matches = _matched([make_image([(0, 0, 0, 10, 10)], [(0, 0.9, 0, 0, 10, height)])])
    assert (matches.truth[0] == 0).tolist() == matches.voc.tolist() == [matched]


def test_the_two_rules_differ_when_the_best_true_box_is_taken(make_image: MakeImage) -> None:
    truth = [(0, 0, 0, 10, 10), (0, 2, 0, 12, 10)]
    matches = _matched([make_image(truth, [(0, 0.9, 0, 0, 10, 10), (0, 0.8, 0.5, 0, 10.5, 10)])])
    assert matches.truth[0].tolist() == [0, 1]
    assert matches.voc.tolist() == [True, False]


def test_of_equally_near_true_boxes_coco_takes_the_last_and_voc_always_the_same(make_image: MakeImage) -> None:
    box = (0, 0, 10, 10)
    matches = _matched([make_image([(0, *box), (0, *box)], [(0, 0.9, *box), (0, 0.8, *box)])])
    assert matches.truth[0].tolist() == [1, 0]
    assert matches.voc.tolist() == [True, False]


def test_a_crowd_is_looked_at_in_chunks_with_the_same_result(
    random_images: RandomImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = random_images(3, images=20)
    at_once = _matched(images)
    monkeypatch.setattr(matching, "_MAX_PAIRS", 7)
    in_chunks = _matched(images)
    assert np.array_equal(at_once.truth, in_chunks.truth)
    assert np.array_equal(at_once.voc, in_chunks.voc)
    assert np.array_equal(at_once.pairs.nearest, in_chunks.pairs.nearest)


def test_nearest_is_the_best_iou_with_the_class_however_small(make_image: MakeImage) -> None:
    image = make_image(
        [(0, 0, 0, 10, 10), (0, 50, 0, 60, 10), (1, 80, 0, 90, 10)],
        [(0, 0.9, 5, 0, 15, 10), (0, 0.8, 80, 0, 90, 10), (2, 0.7, 0, 0, 10, 10)],
    )
    assert _matched([image]).pairs.nearest.tolist() == [pytest.approx(1 / 3), 0, 0]


def test_ranks_count_within_image_and_class(make_image: MakeImage) -> None:
    box = (0, 0, 1, 1)
    images = [
        make_image([], [(0, 0.2, *box), (1, 0.9, *box), (0, 0.5, *box), (0, 0.2, *box)]),
        make_image([], [(0, 0.1, *box)]),
    ]
    assert pool_detections(images, CLASSES).ranks.tolist() == [1, 0, 0, 2, 0]


def test_the_ranking_of_a_class_keeps_equal_scores_in_order(make_image: MakeImage) -> None:
    box = (0, 0, 1, 1)
    images = [
        make_image([], [(0, 0.5, *box), (1, 0.9, *box), (0, 0.7, *box)]),
        make_image([], [(0, 0.5, *box), (0, 0.7, *box), (0, 0.9, *box)]),
    ]
    assert pool_detections(images, CLASSES).ranking(0).tolist() == [5, 2, 4, 0, 3]


@pytest.mark.parametrize(
    "images",
    [
        pytest.param([], id="no image"),
        pytest.param([([], [])], id="an image with nothing"),
        pytest.param([([(0, 0, 0, 1, 1)], [])], id="nothing detected"),
        pytest.param([([], [(0, 0.5, 0, 0, 1, 1)])], id="nothing there"),
    ],
)
def test_nothing_to_match(images: list[tuple[list[tuple[float, ...]], ...]], make_image: MakeImage) -> None:
    matches = _matched([make_image(*rows) for rows in images])
    assert (matches.truth == -1).all()
    assert not matches.voc.any()
    assert matches.truth.shape == (10, len(matches.pool.scores))
