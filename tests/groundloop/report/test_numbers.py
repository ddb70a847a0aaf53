"""Metrics are written the same way everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.detections.evaluation import Evaluation
from groundloop.report.chart import whole_ticks
from groundloop.report.numbers import display_name, interval, is_improvement, percent, ratio, signed
from groundloop.wording import quantity


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(ratio(0.71234), "0.712", id="a share"),
        pytest.param(ratio(None), "\u2013", id="undefined"),
        pytest.param(percent(0.125), "12 %", id="percent"),
        pytest.param(signed(0.05), "+0.050", id="more"),
        pytest.param(signed(-0.05), "\u22120.050", id="less, with a real minus"),
        pytest.param(signed(-0.00001), "0.000", id="next to nothing has no sign"),
        pytest.param(quantity(1, "image"), "1 image", id="one"),
        pytest.param(quantity(1200, "class", "classes"), "1,200 classes", id="many"),
        pytest.param(display_name("at_threshold.f1"), "F1", id="a metric at the threshold"),
        pytest.param(display_name("per_class.a.f1"), None, id="a metric of a class has no other name"),
    ],
)
def test_numbers_are_written(written: str | None, expected: str | None) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("metric", "difference", "improved"),
    [
        pytest.param("map_50", 0.1, True, id="more of a share is better"),
        pytest.param("per_class.mae.recall", -0.1, False, id="less of a share is worse, whatever the class is called"),
        pytest.param("count.mae", 0.1, False, id="more error is worse"),
        pytest.param("count.per_class.a.rmse", -0.1, True, id="less error is better"),
        pytest.param("count.bias", 0.1, None, id="a bias is neither"),
        pytest.param("map", 0.0, None, id="no difference is neither"),
    ],
)
def test_differences_are_better_or_worse(metric: str, difference: float, improved: bool | None) -> None:
    assert is_improvement(metric, difference) is improved


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (5, [0, 1, 2, 3, 4, 5]),
        (6, [0, 2, 4, 6]),
        (13, [0, 5, 10, 15]),
        (100, [0, 20, 40, 60, 80, 100]),
        (101, [0, 50, 100, 150]),
    ],
)
def test_axes_of_counts_have_few_whole_numbers(most: int, expected: list[int]) -> None:
    assert whole_ticks(most) == expected


@given(st.integers(0, 10**6))
def test_axes_of_counts_hold_all(most: int) -> None:
    found = whole_ticks(most)
    assert found[-1] >= most
    assert 2 <= len(found) <= 7


def test_intervals_are_found_with_and_without_the_prefix(make_evaluation: Callable[..., Evaluation]) -> None:
    evaluation = replace(make_evaluation(), intervals={"at_threshold.f1": (0.1, 0.2), "map": (0.3, 0.4)})
    assert interval(evaluation, "f1") == interval(evaluation, "at_threshold.f1") == (0.1, 0.2)
    assert interval(evaluation, "map") == (0.3, 0.4)
    assert interval(evaluation, "map_50") is None
