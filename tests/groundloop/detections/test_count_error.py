"""The counting error that an evaluation lets one expect."""

from __future__ import annotations

from typing import Any

import pytest

from groundloop.detections.count_error import CountError


@pytest.mark.parametrize(
    ("evaluation", "error"),
    [
        pytest.param({"count": {"mae": 0.5, "bias": 0.1, "rmse": 0.7}}, CountError(0.5, 0.1, 0.7), id="all"),
        pytest.param({"count": {"mae": 0.5}}, CountError(0.5), id="the mean only"),
        pytest.param({"count": {"mae": None}}, None, id="of no images"),
        pytest.param({}, None, id="none"),
    ],
)
def test_it_is_read_from_the_evaluation(evaluation: dict[str, Any], error: CountError | None) -> None:
    assert CountError.of_evaluation(evaluation) == error


def test_of_a_total_the_bias_adds_up_and_the_rest_averages_out() -> None:
    assert CountError(0.5, bias=-0.1, rmse=0.1).of_total(50) == pytest.approx((-5, 0), abs=1e-6)
    assert CountError(0.5, bias=0, rmse=2).of_total(25) == pytest.approx((0, 10))
    assert CountError(0.5).of_total(25) is None
