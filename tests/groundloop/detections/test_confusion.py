from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from groundloop.detections.arrays import Ints
from groundloop.detections.confusion import confusion
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.matching import match_detections, pool_detections

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]
HERE, THERE, NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)


def _confusion(images: list[ScoredImage], thresholds: list[float]) -> Ints:
    return confusion(match_detections(pool_detections(images, len(thresholds))), np.array(thresholds))


@pytest.mark.parametrize(
    ("truth", "found", "table"),
    [
        pytest.param([(0, *HERE)], [(0, 0.9, *HERE)], [[1, 0, 0], [0, 0, 0], [0, 0, 0]], id="right"),
        pytest.param([(0, *HERE)], [(1, 0.9, *HERE)], [[0, 1, 0], [0, 0, 0], [0, 0, 0]], id="taken for the other"),
        pytest.param([(0, *HERE)], [], [[0, 0, 1], [0, 0, 0], [0, 0, 0]], id="missed"),
        pytest.param([], [(1, 0.9, *HERE)], [[0, 0, 0], [0, 0, 0], [0, 1, 0]], id="a false positive"),
        pytest.param([(0, *HERE)], [(0, 0.4, *HERE)], [[0, 0, 1], [0, 0, 0], [0, 0, 0]], id="under the threshold"),
        pytest.param(
            [(0, *HERE)],
            [(1, 0.9, *HERE), (0, 0.6, *HERE)],
            [[1, 0, 0], [0, 0, 0], [0, 1, 0]],
            id="the right class goes first, whatever the scores; the other is a false positive",
        ),
        pytest.param(
            [(0, *HERE), (1, 0, 0, 10, 9)],
            [(0, 0.9, *HERE), (0, 0.8, *HERE)],
            [[1, 0, 0], [1, 0, 0], [0, 0, 0]],
            id="a duplicate may be the confusion of what lies beneath",
        ),
        pytest.param(
            [(0, *HERE)], [(1, 0.9, 0, 0, 10, 5.1), (1, 0.8, *HERE)], [[0, 1, 0], [0, 0, 0], [0, 1, 0]], id="greedily"
        ),
        pytest.param(
            [(0, *HERE), (1, *THERE)],
            [(1, 0.9, *HERE), (0, 0.9, *THERE), (0, 0.9, *NOWHERE)],
            [[0, 1, 0], [1, 0, 0], [1, 0, 0]],
            id="swapped, and a false positive",
        ),
    ],
)
def test_rows_are_true_columns_detected_the_last_background(
    truth: list[tuple[float, ...]],
    found: list[tuple[float, ...]],
    table: list[list[int]],
    make_image: MakeImage,
) -> None:
    assert _confusion([make_image(truth, found)], [0.5, 0.5]).tolist() == table


def test_nothing_is_confused_across_images(make_image: MakeImage) -> None:
    images = [make_image([(0, *HERE)], []), make_image([], [(1, 0.9, *HERE)])]
    assert _confusion(images, [0.5, 0.5]).tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("seed", range(10))
def test_rows_sum_to_true_boxes_columns_to_detections_and_the_diagonal_is_right(
    seed: int, random_images: RandomImages
) -> None:
    images = random_images(seed)
    thresholds = np.array([0.3, 0.6, 0.5])
    matches = match_detections(pool_detections(images, 3))
    table = confusion(matches, thresholds)
    kept = matches.pool.scores >= thresholds[matches.pool.class_ids]
    assert table[:-1].sum(axis=1).tolist() == matches.pool.truths_by_class().tolist()
    assert table[:, :-1].sum(axis=0).tolist() == np.bincount(matches.pool.class_ids[kept], minlength=3).tolist()
    assert np.trace(table) == (kept & (matches.truth[0] >= 0)).sum()
    assert table[-1, -1] == 0
