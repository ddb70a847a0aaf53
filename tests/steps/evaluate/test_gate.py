from __future__ import annotations

import pytest

from labels.errors import UserError
from steps.evaluate.gate import parse_gate, verdict

FIGURES = ("map", "map_50")


def test_settings_are_thresholds_by_figure() -> None:
    assert parse_gate(["map=0.3", "map_50=0"], FIGURES) == {"map": 0.3, "map_50": 0}
    assert parse_gate([], FIGURES) == {}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        pytest.param("map", "write NAME=VALUE", id="no value"),
        pytest.param("mAP=0.3", "no figure 'mAP'; the gate can ask for map, map_50", id="unknown figure"),
        pytest.param("map=high", "'high' is not a number", id="no number"),
        pytest.param("map=1.5", "the threshold is 1.5", id="over one"),
        pytest.param("map=-1", "the threshold is -1", id="negative"),
        pytest.param("map=nan", "the threshold is nan", id="not a number"),
    ],
)
def test_settings_that_ask_nothing_sensible_are_refused(setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_gate([setting], FIGURES)


def test_every_missed_figure_is_named_with_value_threshold_and_difference() -> None:
    told = verdict({"map": 0.25, "map_50": 0.412}, {"map": 0.3, "map_50": 0.6})
    assert told["missed"] == ["map", "map_50"]
    assert told["thresholds_missed"] == 2
    assert told["message"] == (
        "map is 0.250, 0.050 under its threshold 0.3; map_50 is 0.412, 0.188 under its threshold 0.6"
    )


def test_exactly_the_threshold_is_met() -> None:
    assert verdict({"map": 0.3}, {"map": 0.3})["missed"] == []


def test_a_narrow_miss_does_not_read_like_a_pass() -> None:
    assert "0.599990000, 0.000010000 under" in verdict({"map": 0.59999}, {"map": 0.6})["message"]


def test_zero_asks_nothing() -> None:
    told = verdict({"map": 0.0, "map_50": 0.7}, {"map": 0.0, "map_50": 0.6})
    assert (told["missed"], told["message"]) == ([], "all thresholds met: map_50 0.700 >= 0.6")
