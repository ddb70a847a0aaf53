from __future__ import annotations

from collections.abc import Callable

import pytest

from detections.counting import CountErrors, Threshold, best_f1, count_errors
from detections.dataset import ScoredImage

MakeImage = Callable[..., ScoredImage]
HERE, THERE, NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)


def test_the_threshold_of_the_best_f1(make_image: MakeImage) -> None:
    image = make_image(
        [(0, *HERE), (1, *THERE)],
        [(0, 0.9, *HERE), (1, 0.6, *THERE), (0, 0.5, *NOWHERE), (1, 0.4, *NOWHERE)],
    )
    assert best_f1([image], 2) == Threshold(0.6, 1.0)


def test_a_threshold_lets_all_of_its_score_through(make_image: MakeImage) -> None:
    """At 0.5 the false one comes along: F1 is 2*2/(3+2); stopping after the first of the two is not possible."""
    image = make_image([(0, *HERE), (0, *THERE)], [(0, 0.9, *HERE), (0, 0.5, *THERE), (0, 0.5, *NOWHERE)])
    assert best_f1([image], 1) == Threshold(0.5, pytest.approx(0.8))


def test_of_equally_good_thresholds_the_highest(make_image: MakeImage) -> None:
    """F1 is 2*1/(1+2) = 2/3 after the first and 2*2/(4+2) = 2/3 after the fourth."""
    found = [(0, 0.9, *HERE), (0, 0.8, *NOWHERE), (0, 0.7, *NOWHERE), (0, 0.6, *THERE)]
    assert best_f1([make_image([(0, *HERE), (0, *THERE)], found)], 1) == Threshold(0.9, pytest.approx(2 / 3))


def test_missed_classes_count_as_misses(make_image: MakeImage) -> None:
    image = make_image([(0, *HERE), (1, *THERE)], [(0, 0.9, *HERE)])
    assert best_f1([image], 2) == Threshold(0.9, pytest.approx(2 / 3))


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([], id="nothing detected"),
        pytest.param([(0, 0.9, *NOWHERE)], id="nothing where something is"),
        pytest.param([(1, 0.9, *HERE)], id="only another class there"),
    ],
)
def test_without_any_match_no_threshold_is_chosen(make_image: MakeImage, found: list[tuple[float, ...]]) -> None:
    assert best_f1([make_image([(0, *HERE)], found)], 2) is None


def test_count_errors_at_a_threshold(make_image: MakeImage) -> None:
    images = [
        make_image([(0, *HERE), (0, *THERE)], [(0, 0.9, *HERE), (0, 0.5, *THERE), (0, 0.49, *NOWHERE)]),
        make_image([(1, *HERE)], [(0, 0.9, *HERE), (1, 0.9, *HERE), (1, 0.9, *THERE)]),
        make_image([(0, *HERE), (1, *THERE)], [(0, 0.1, *HERE)]),
    ]
    overall, by_class = count_errors(images, 2, 0.5)
    assert overall == CountErrors(mae=pytest.approx(4 / 3), bias=0, exact_share=pytest.approx(1 / 3))
    assert by_class[0] == CountErrors(mae=pytest.approx(2 / 3), bias=0, exact_share=pytest.approx(1 / 3))
    assert by_class[1] == CountErrors(mae=pytest.approx(2 / 3), bias=0, exact_share=pytest.approx(1 / 3))


def test_classes_that_cancel_out_are_not_exact(make_image: MakeImage) -> None:
    overall, _ = count_errors([make_image([(0, *HERE)], [(1, 0.9, *HERE)])], 2, 0.5)
    assert overall == CountErrors(mae=0, bias=0, exact_share=0)
