"""The metrics of a version, from its metadata."""

from __future__ import annotations

import pytest

from groundloop.models import registry


@pytest.mark.parametrize(
    ("metadata", "metrics"),
    [
        pytest.param({"map": "0.5", "map_50": "0.75"}, {"map": 0.5, "map_50": 0.75}, id="numbers"),
        pytest.param({"map": "0.5", "voc_map": "undefined"}, {"map": 0.5}, id="a metric without a value"),
        pytest.param({"map": "nan"}, {}, id="not a number"),
        pytest.param({"map": "undefined"}, {}, id="none at all"),
        pytest.param({}, {}, id="registered by somebody else"),
    ],
)
def test_a_metric_without_a_value_is_left_out(metadata: dict[str, str], metrics: dict[str, float]) -> None:
    assert registry._metrics("us-east-1", metadata) == metrics
