"""What decides on a cache hit, and how long a run is taken from the cache."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from groundloop.spec.caching import compared_arguments, is_enabled, parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P30D", timedelta(days=30)),
        ("p30d", timedelta(days=30)),
        ("P4DT12H", timedelta(days=4, hours=12)),
        ("T12H", timedelta(hours=12)),
        ("PT1M30S", timedelta(seconds=90)),
        ("PT0.5S", timedelta(seconds=0.5)),
        ("P1W", timedelta(days=7)),
        ("P1M", timedelta(days=30)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "P", "30D30", "P30", "PT", "1 day"])
def test_a_text_that_is_not_a_duration_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ISO 8601 duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("step_type", "compared"),
    [
        pytest.param("Training", {"HyperParameters": {}, "InputDataConfig": []}, id="training"),
        pytest.param("Processing", {"Environment": {}}, id="processing"),
        pytest.param("Transform", {"ModelName": "m", "Environment": {}}, id="transform"),
        pytest.param(
            "EndpointConfig",
            {
                "HyperParameters": {},
                "InputDataConfig": [],
                "Environment": {},
                "ModelName": "m",
                "ResourceConfig": {},
            },
            id="any other type compares all",
        ),
    ],
)
def test_the_arguments_that_are_compared(step_type: str, compared: dict[str, Any]) -> None:
    arguments = {
        "HyperParameters": {},
        "InputDataConfig": [],
        "Environment": {},
        "ModelName": "m",
        "ResourceConfig": {},
    }
    result = compared_arguments(step_type, arguments)
    assert compared.items() <= result.items()
    assert "ResourceConfig" not in result or step_type == "EndpointConfig"


def test_of_a_tuning_jobs_definition_a_part_is_compared() -> None:
    definition = {
        "StaticHyperParameters": {"epochs": "3"},
        "InputDataConfig": [],
        "RoleArn": "r",
        "OutputDataConfig": {},
    }
    arguments = {
        "HyperParameterTuningJobConfig": {"Strategy": "Random"},
        "TrainingJobDefinition": definition,
        "WarmStartConfig": {},
        "Tags": [],
    }
    assert compared_arguments("Tuning", arguments) == {
        "HyperParameterTuningJobConfig": {"Strategy": "Random"},
        "TrainingJobDefinition": {"InputDataConfig": [], "StaticHyperParameters": {"epochs": "3"}},
    }


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"Enabled": True}, True),
        ({"Enabled": True, "ExpireAfter": "P1D"}, True),
        ({"Enabled": False}, False),
        ({"Enabled": "true"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_when_caching_is_enabled(config: Any, expected: bool) -> None:
    assert is_enabled(config) is expected
