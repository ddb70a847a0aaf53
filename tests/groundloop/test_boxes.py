"""Intersection over union: hand-worked pairs, shapes, and pycocotools as the oracle."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from groundloop.boxes import iou_matrix, paired_iou, sized_iou


def _boxes(*rows: tuple[float, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


@pytest.mark.parametrize(
    ("first", "second", "iou"),
    [
        pytest.param((0, 0, 10, 10), (0, 0, 10, 10), 1, id="the same box"),
        pytest.param((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3, id="half over"),
        pytest.param((0, 0, 10, 10), (0, 0, 5, 5), 0.25, id="one inside the other"),
        pytest.param((0, 0, 10, 10), (10, 0, 20, 10), 0, id="touching shares no area"),
        pytest.param((0, 0, 10, 10), (50, 50, 60, 60), 0, id="apart"),
        pytest.param((0, 0, 10, 10), (5, 5, 5, 5), 0, id="one without area"),
        pytest.param((5, 5, 5, 5), (5, 5, 5, 5), 0, id="no area at all"),
    ],
)
def test_iou(first: tuple[float, ...], second: tuple[float, ...], iou: float) -> None:
    assert iou_matrix(_boxes(first), _boxes(second))[0, 0] == pytest.approx(iou)


def test_iou_of_every_pair() -> None:
    assert iou_matrix(_boxes((0, 0, 1, 1), (0, 0, 2, 2)), _boxes((0, 0, 1, 1))).shape == (2, 1)
    assert iou_matrix(_boxes(), _boxes((0, 0, 1, 1))).shape == (0, 1)


def test_iou_of_corresponding_boxes() -> None:
    first, second = _boxes((0, 0, 1, 1), (0, 0, 2, 2)), _boxes((0, 0, 1, 1), (0, 0, 2, 1))
    assert paired_iou(first, second).tolist() == [1, 0.5]
    assert paired_iou(first[1], second).tolist() == [0.25, 0.5]


def test_iou_of_boxes_given_by_their_sizes() -> None:
    assert sized_iou(_boxes((10, 10, 4, 4)), _boxes((12, 10, 4, 4))).tolist() == pytest.approx([1 / 3])


def test_the_iou_is_to_the_last_bit_what_pycocotools_computes() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pycocotools.mask import iou
    random = np.random.default_rng(0)
    low = random.uniform(0, 20, (2, 300, 2))
    first, second = np.concatenate([low, low + random.uniform(0, 20, low.shape)], axis=2)
    with_sizes = [np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]) for boxes in (first, second)]
    assert np.array_equal(iou_matrix(first, second), iou(*with_sizes, [0] * len(second)))
    assert np.array_equal(sized_iou(with_sizes[0][:, None], with_sizes[1][None]), iou(*with_sizes, [0] * len(second)))
