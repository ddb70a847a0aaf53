"""Ranges of hyperparameters: scales, and values as the API has them."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest

from groundloop.local.search.ranges import ParameterRange, ranges_of
from groundloop.local.search.search import Search, SearchPlan


def range_of(kind: str, low: str, high: str, scale: str | None = None) -> ParameterRange:
    item: dict[str, Any] = {"Name": "p", "MinValue": low, "MaxValue": high}
    if scale:
        item["ScalingType"] = scale
    lists = {f"{kind.capitalize()}ParameterRanges": [item]}
    (found,) = ranges_of({"HyperParameterTuningJobConfig": {"ParameterRanges": lists}})
    return found


def sample(one: ParameterRange, count: int = 200) -> list[float]:
    search = Search(SearchPlan("Random", (one,), count, seed=1))
    asked = [search.ask() for _ in range(count)]
    return [float(item[1]["p"]) for item in asked if item is not None]


@pytest.mark.parametrize(
    ("given", "middle", "deviation"),
    [
        pytest.param(range_of("continuous", "0", "1"), 0.5, 0.08, id="auto, narrow: linear"),
        pytest.param(range_of("continuous", "1e-5", "1e-1"), 1e-3, 1.5e-3, id="auto, wide: logarithmic"),
        pytest.param(range_of("continuous", "1e-5", "1e-1", "Linear"), 0.05, 0.01, id="linear"),
        pytest.param(range_of("continuous", "1", "100", "Logarithmic"), 10, 4, id="logarithmic"),
        pytest.param(
            range_of("continuous", "0", "0.9999", "ReverseLogarithmic"), 0.99, 0.006, id="reverse logarithmic"
        ),
        pytest.param(range_of("integer", "1", "10000", "Logarithmic"), 100, 60, id="whole numbers, logarithmic"),
        pytest.param(range_of("integer", "8", "64"), 36, 5, id="whole numbers"),
    ],
)
def test_values_are_spread_over_their_scale(given: ParameterRange, middle: float, deviation: float) -> None:
    values = sample(given)
    assert given.low <= min(values)
    assert max(values) <= given.high
    assert median(values) == pytest.approx(middle, abs=deviation)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        pytest.param(range_of("continuous", "1e-5", "1e-1"), "0.001", id="logarithmic"),
        pytest.param(range_of("continuous", "0", "0.999", "ReverseLogarithmic"), "0.9", id="reverse logarithmic"),
        pytest.param(range_of("integer", "8", "64"), "16", id="whole number"),
        pytest.param(ParameterRange("p", "categorical", values=("sgd", "adam")), "adam", id="categorical"),
    ],
)
def test_a_value_of_an_earlier_search_is_the_same_again(given: ParameterRange, text: str) -> None:
    assert given.text(given.sampled(text)) == text


def test_a_range_of_one_value() -> None:
    assert set(sample(range_of("continuous", "0.5", "0.5"), 3)) == {0.5}
