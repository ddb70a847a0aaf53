"""What a step waits for, and cycles."""

from __future__ import annotations

import pytest

from groundloop.spec.definition import Step
from groundloop.spec.graph import find_cycle, references


@pytest.mark.parametrize(
    ("graph", "cycle"),
    [
        pytest.param({}, [], id="no step"),
        pytest.param({"A": [], "B": ["A"], "C": ["A", "B"]}, [], id="no cycle"),
        pytest.param({"A": ["A"]}, ["A"], id="a step that waits for itself"),
        pytest.param({"A": ["B"], "B": ["A"]}, ["A", "B"], id="two steps"),
        pytest.param({"X": [], "A": ["C"], "B": ["A"], "C": ["B", "X"]}, ["A", "C", "B"], id="three steps"),
    ],
)
def test_each_step_of_a_cycle_is_followed_by_one_that_it_waits_for(
    graph: dict[str, list[str]], cycle: list[str]
) -> None:
    assert find_cycle(graph) == cycle


def test_a_step_refers_to_others_by_name_property_and_property_file() -> None:
    json_get = {"PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.Summary"}, "Path": "a"}
    raw = {
        "DependsOn": ["First"],
        "Arguments": {"Image": {"Get": "Steps.Train.Image"}, "Count": {"Std:JsonGet": json_get}},
    }
    assert references(Step("Last", "Model", raw)) == {
        "First": "DependsOn[0]",
        "Train": "Arguments.Image",
        "Prepare": "Arguments.Count",
    }
