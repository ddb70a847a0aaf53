from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple

import numpy as np
import pytest

from groundloop.detections.counting import count_errors, counts_per_image
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluation import CountErrors
from groundloop.detections.matching import pool_detections

MakeImage = Callable[..., ScoredImage]
HERE, THERE, NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)


@pytest.fixture
def images(make_image: MakeImage) -> list[ScoredImage]:
    return [
        make_image([(0, *HERE), (0, *THERE)], [(0, 0.9, *HERE), (0, 0.5, *THERE), (0, 0.49, *NOWHERE)]),
        make_image([(1, *HERE)], [(0, 0.9, *HERE), (1, 0.9, *HERE), (1, 0.9, *THERE)]),
        make_image([(0, *HERE), (1, *THERE)], [(0, 0.1, *HERE)]),
    ]


def test_true_and_detected_numbers_in_each_image(images: list[ScoredImage]) -> None:
    counts = counts_per_image(pool_detections(images, 2), np.array([0.5, 0.5]))
    assert counts.tolist() == [[[2, 2], [0, 0]], [[0, 1], [1, 2]], [[1, 0], [1, 0]]]


def test_each_class_counts_from_its_own_threshold_on(images: list[ScoredImage]) -> None:
    counts = counts_per_image(pool_detections(images, 2), np.array([0.1, 0.95]))
    assert counts[:, :, 1].tolist() == [[3, 0], [1, 0], [1, 0]]


def test_errors_overall_and_by_class(images: list[ScoredImage]) -> None:
    """Detected minus true is 0, +1, -1 for the first class and the second: 0, +2, -2 together."""
    overall, by_class = count_errors(counts_per_image(pool_detections(images, 2), np.array([0.5, 0.5])))
    assert astuple(overall) == pytest.approx((4 / 3, (8 / 3) ** 0.5, 0, 1 / 3))
    assert len(by_class) == 2
    for errors in by_class:
        assert astuple(errors) == pytest.approx((2 / 3, (2 / 3) ** 0.5, 0, 1 / 3))


def test_bias_is_positive_for_too_many() -> None:
    overall, (nut,) = count_errors(np.array([[[1, 4]], [[2, 1]]]))
    assert overall == nut
    assert (nut.mae, nut.rmse, nut.bias, nut.exact_share) == pytest.approx((2, 5**0.5, 1, 0))


def test_classes_that_cancel_out_are_not_exact() -> None:
    overall, by_class = count_errors(np.array([[[1, 0], [0, 1]]]))
    assert overall == CountErrors(mae=0, rmse=0, bias=0, exact_share=0)
    assert [errors.bias for errors in by_class] == [-1, 1]
