"""Counts of a labelled data set, by hand-worked examples."""

from __future__ import annotations

import pytest

from groundloop.labels.records import Box, Record
from groundloop.labels.statistics import Statistics, quantile


def record(*boxes: tuple[str, float, float, float, float], size: tuple[int, int] = (100, 50)) -> Record:
    return Record("s3://b/k.jpg", *size, tuple(Box(*box) for box in boxes), ())


CAT, DOG = ("cat", 0, 0, 10, 20), ("dog", 50, 10, 50, 40)


def test_nothing_counts_as_nothing() -> None:
    assert Statistics.of([]) == Statistics()


def test_images_negatives_and_boxes() -> None:
    statistics = Statistics.of([record(CAT, CAT, DOG), record(), record(DOG)])
    assert (statistics.images, statistics.negatives) == (3, 1)
    assert statistics.boxes == {"cat": 2, "dog": 2}
    assert statistics.images_with == {"cat": 1, "dog": 2}
    assert statistics.boxes_per_image == {3: 1, 0: 1, 1: 1}
    assert statistics.classes == ["cat", "dog"]


def test_what_occurs_together_is_counted_once_per_image() -> None:
    statistics = Statistics.of([record(DOG, CAT, CAT), record(CAT, DOG), record(CAT)])
    assert statistics.together == {("cat", "dog"): 2}


def test_sizes_in_pixels_and_places_in_fractions() -> None:
    statistics = Statistics.of([record(DOG)])
    assert statistics.sizes == {"dog": [(50, 40)]}
    assert statistics.places == {"dog": [(0.75, 0.6)]}


def test_image_sizes() -> None:
    statistics = Statistics.of([record(), record(), record(size=(8, 9))])
    assert statistics.image_sizes == {(100, 50): 2, (8, 9): 1}


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(0, 1, id="least"),
        pytest.param(0.25, 1, id="first of four"),
        pytest.param(0.5, 2, id="median of four"),
        pytest.param(0.51, 3, id="just above"),
        pytest.param(1, 4, id="greatest"),
    ],
)
def test_quantiles(share: float, expected: float) -> None:
    assert quantile([4, 2, 1, 3], share) == expected


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.5)])
def test_a_quantile_that_is_not_defined(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="not defined"):
        quantile(values, share)
