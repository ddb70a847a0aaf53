"""The permutation test keeps its level whatever the statistics are like, and finds differences of every kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from groundloop.detections.arrays import Floats
from groundloop.detections.drift.permutation import permutation_test

NAN = float("nan")


def normal(seed: int, images: int, statistics: int = 8) -> Floats:
    return np.random.default_rng(seed).normal(size=(images, statistics))


def correlated(seed: int, images: int) -> Floats:
    return normal(seed, images, 1) + 0.3 * normal(seed + 5000, images)


def with_undefined(seed: int, images: int) -> Floats:
    values = normal(seed, images)
    values[np.random.default_rng(seed).random(images) < 0.6, 1:] = NAN
    return values


def counts(seed: int, images: int) -> Floats:
    return np.random.default_rng(seed).poisson(0.7, (images, 4)).astype(np.float64)


@pytest.mark.parametrize("draw", [normal, correlated, with_undefined, counts])
def test_the_level_is_kept(draw: Callable[[int, int], Floats]) -> None:
    """Of 100 pairs without any difference, 5 are expected at 5 %; 12 or more happen once in 230 times."""
    pairs = ((draw(seed, 60), draw(seed + 1000, 40)) for seed in range(100))
    alarms = sum(permutation_test(*pair, permutations=39, seed=n).p_value <= 0.05 for n, pair in enumerate(pairs))
    assert alarms < 12


def test_p_values_are_not_too_large_either() -> None:
    values = [permutation_test(normal(n, 40), normal(n + 1000, 40), 39, seed=n).p_value for n in range(60)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("shifted", lambda values: values + 1),
        ("wider", lambda values: values * 3),
        ("two groups", lambda values: values * 0.2 + np.where(np.arange(len(values)) % 2, 1.8, -1.8)),
    ],
)
def test_differences_of_one_statistic_are_found(name: str, change: Callable[[Floats], Floats]) -> None:
    for seed in range(3):
        current = normal(seed + 1000, 50)
        current[:, 3] = change(current[:, 3])
        found = permutation_test(normal(seed, 150), current)
        assert found.p_value <= 0.01, name
        assert found.p_values.argmin() == found.z_scores.argmax() == 3
        assert sorted(found.p_values)[1] > 0.01, "only one differs"


def test_equal_seeds_give_equal_results() -> None:
    one, other = (permutation_test(normal(1, 50), normal(2, 50), 99, seed=3) for _ in range(2))
    assert one.p_value == other.p_value
    assert (one.z_scores == other.z_scores).all()


@pytest.mark.parametrize("defined", [0, 4], ids=["never", "on four images"])
def test_a_statistic_that_is_hardly_defined_is_not_compared(defined: int) -> None:
    reference, current = normal(1, 50, 2), normal(2, 50, 2)
    current[:, 1] += 100
    current[defined:, 1] = NAN
    found = permutation_test(reference, current, 99)
    assert found.p_values[1] > 0.05
    assert np.isnan(found.distances[1])


def test_what_is_the_same_on_every_image_does_not_differ() -> None:
    found = permutation_test(np.ones((30, 2)), np.ones((20, 2)), 99)
    assert found.p_value == 1
    assert (found.distances == 0).all()


@pytest.mark.parametrize("sizes", [(40, 40), (400, 10), (10, 400)], ids=str)
def test_the_distance_of_a_shift_is_the_shift(sizes: tuple[int, int]) -> None:
    reference, current = (np.linspace(0, 1, size)[:, None] for size in sizes)
    for other, distance in ((current + 2, 2), (np.vstack([current - 3, [[NAN]]]), 3)):
        assert permutation_test(reference, other, 1).distances[0] == pytest.approx(distance, abs=0.05)
