from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from groundloop.detections import matching
from groundloop.detections.boxes import Rule, match
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.matching import IOUS, Matches, matched, pooled

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]
CLASSES = 3


def _one_by_one(images: list[ScoredImage], rule: Rule, iou_threshold: float) -> list[int]:
    """The same by a loop over images and classes: each detection's true box in the pool, or -1."""
    taken = []
    first = 0
    for image in images:
        of_image = np.full(len(image.scores), -1)
        for class_id in range(CLASSES):
            chosen, true = np.flatnonzero(image.class_ids == class_id), np.flatnonzero(image.true_ids == class_id)
            result = match(image.true_boxes[true], image.boxes[chosen], image.scores[chosen], rule, iou_threshold)
            of_image[chosen[result >= 0]] = first + true[result[result >= 0]]
        taken += of_image.tolist()
        first += len(image.true_ids)
    return taken


def _matched(images: list[ScoredImage]) -> Matches:
    return matched(pooled(images, CLASSES))


@pytest.mark.parametrize("seed", range(20))
def test_all_images_at_once_match_as_one_by_one(seed: int, random_images: RandomImages) -> None:
    images = random_images(seed, images=20)
    matches = _matched(images)
    assert (matches.truth >= 0).any()
    for iou_threshold, truth in zip(IOUS, matches.truth, strict=True):
        assert truth.tolist() == _one_by_one(images, Rule.BEST_FREE, iou_threshold)
    assert matches.voc.tolist() == [taken >= 0 for taken in _one_by_one(images, Rule.BEST, 0.5)]


def test_a_crowd_is_looked_at_in_portions_with_the_same_result(
    random_images: RandomImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = random_images(3, images=20)
    at_once = _matched(images)
    monkeypatch.setattr(matching, "_MOST_PAIRS", 7)
    in_portions = _matched(images)
    assert np.array_equal(at_once.truth, in_portions.truth)
    assert np.array_equal(at_once.voc, in_portions.voc)
    assert np.array_equal(at_once.nearest, in_portions.nearest)


def test_nearest_is_the_best_iou_with_the_class_however_small(make_image: MakeImage) -> None:
    image = make_image(
        [(0, 0, 0, 10, 10), (0, 50, 0, 60, 10), (1, 80, 0, 90, 10)],
        [(0, 0.9, 5, 0, 15, 10), (0, 0.8, 80, 0, 90, 10), (2, 0.7, 0, 0, 10, 10)],
    )
    assert _matched([image]).nearest.tolist() == [pytest.approx(1 / 3), 0, 0]


def test_ranks_count_within_image_and_class(make_image: MakeImage) -> None:
    box = (0, 0, 1, 1)
    images = [
        make_image([], [(0, 0.2, *box), (1, 0.9, *box), (0, 0.5, *box), (0, 0.2, *box)]),
        make_image([], [(0, 0.1, *box)]),
    ]
    assert pooled(images, CLASSES).ranks.tolist() == [1, 0, 0, 2, 0]


def test_the_ranking_of_a_class_keeps_equal_scores_in_order(make_image: MakeImage) -> None:
    box = (0, 0, 1, 1)
    images = [
        make_image([], [(0, 0.5, *box), (1, 0.9, *box), (0, 0.7, *box)]),
        make_image([], [(0, 0.5, *box), (0, 0.7, *box), (0, 0.9, *box)]),
    ]
    assert pooled(images, CLASSES).ranking(0).tolist() == [5, 2, 4, 0, 3]


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
