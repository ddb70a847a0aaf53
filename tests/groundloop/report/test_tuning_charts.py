"""Charts of a search for hyperparameters."""

from __future__ import annotations

import pytest

from groundloop.report.tuning_charts import value_axis


@pytest.mark.parametrize(
    ("values", "label", "ticks"),
    [
        pytest.param(["4", "11", "9"], "x", ["4", "6", "8", "9", "11"], id="integers have whole ticks"),
        pytest.param(
            ["0.00001", "0.01"], "x, logarithmic", ["1e-05", "5.6e-05", "0.00032", "0.0018", "0.01"], id="log"
        ),
        pytest.param(["0.5"], "x", ["0.5"], id="one value"),
        pytest.param(["sgd", "adam", "sgd"], "x", ["adam", "sgd"], id="names"),
        pytest.param(["0", "0"], "x", ["0"], id="zero"),
    ],
)
def test_an_axis_suits_its_values(values: list[str], label: str, ticks: list[str]) -> None:
    axis = value_axis("x", values)
    assert axis.label == label
    assert [text for _, text in axis.ticks] == ticks
    assert all(axis.ends[0] < place < axis.ends[1] for place in axis.places.values())
    assert set(axis.places) == set(values)
