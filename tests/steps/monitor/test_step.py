"""The monitor pipeline's definition, and which configurations have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from groundloop.check import check_definition
from groundloop.errors import ConfigError
from pipeline.config import load_config
from pipeline.desired import desired_pipelines, job_archives
from tests.fixtures.definitions import LOCAL, Definition

CAPTURES = "deploy.endpoint.data_capture_percent=100"
Define = Callable[..., Definition]


def step(definition: Definition, name: str) -> dict[str, Any]:
    (found,) = (step for step in definition["Steps"] if step["Name"] == name)
    return dict(found)


def arguments_of(definition: Definition) -> list[Any]:
    found: list[Any] = step(definition, "Monitor")["Arguments"]["AppSpecification"]["ContainerArguments"]
    return found


def after(arguments: list[Any], option: str) -> Any:
    return arguments[arguments.index(option) + 1]


def test_drift_ends_in_a_fail_step_with_the_reason(define: Define) -> None:
    definition = define(CAPTURES, monitor=True)
    assert [step["Name"] for step in definition["Steps"]] == ["Monitor", "DriftGate"]
    gate = step(definition, "DriftGate")["Arguments"]
    (failing,) = gate["ElseSteps"]
    assert (failing["Name"], failing["Type"], gate["IfSteps"]) == ("DriftFound", "Fail", [])
    assert "message" in str(failing["Arguments"]["ErrorMessage"])
    assert check_definition(definition) == []


def test_drift_may_be_only_reported(define: Define) -> None:
    definition = define(CAPTURES, "monitor.fail=never", monitor=True)
    assert [step["Name"] for step in definition["Steps"]] == ["Monitor"]


def test_settings_become_arguments(define: Define) -> None:
    given = (
        "monitor.limits={boxes: {min_mean: 1}, brightness: {min_mean: 60, max_mean: 200}}",
        "monitor.captures=s3://elsewhere/captures",
        "monitor.fail=any",
        "triggers.retrain_when={reviewed: 50}",
    )
    arguments = arguments_of(define(*given, monitor=True))
    assert [text for text in arguments if str(text).startswith("--limit")] == [
        "--limit=boxes.min_mean=1.0",
        "--limit=brightness.min_mean=60.0",
        "--limit=brightness.max_mean=200.0",
    ]
    assert after(arguments, "--captures") == "s3://elsewhere/captures"
    assert after(arguments, "--retrain-at") == "50"
    assert after(arguments, "--until") == {"Get": "Execution.StartDateTime"}
    assert "--fail-on-input" in arguments
    assert "--retrain-at" not in arguments_of(define(CAPTURES, monitor=True))


@pytest.mark.parametrize(
    ("assignments", "there"),
    [
        pytest.param((), False, id="no data capture"),
        pytest.param((CAPTURES,), True, id="data capture"),
        pytest.param((CAPTURES, "deploy.mode=never"), False, id="data capture that is never deployed"),
        pytest.param(("monitor.captures=s3://bucket/captures", "deploy.mode=never"), True, id="captures elsewhere"),
    ],
)
def test_the_pipeline_exists_where_requests_are_captured(assignments: tuple[str, ...], there: bool) -> None:
    config = load_config([LOCAL], assignments, environment={})
    names = [pipeline.name for pipeline in desired_pipelines(config)]
    assert ("groundloop-monitor" in names) is there
    assert ("monitor" in {archive.name for archive in job_archives(config)}) is there


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        pytest.param("monitor.min_images=2000", "min_images, 2000, is more than max_images, 1000", id="minimum"),
        pytest.param("monitor.review.mix.random=0.5", "have to sum up to 1", id="shares"),
        pytest.param("monitor.limits={boxes: {}}", "a limit needs min_mean, max_mean or both", id="no limit"),
        pytest.param(
            "monitor.limits={boxes: {min_mean: 3, max_mean: 2}}", "min_mean, 3, is higher than max_mean, 2", id="limits"
        ),
        pytest.param("monitor.limits={boxs: {min_mean: 3}}", "boxs", id="unknown statistic"),
        pytest.param("monitor.metrics_namespace=AWS/SageMaker", "which AWS keeps for itself", id="namespace"),
        pytest.param(
            "triggers.schedules={drift: {at: rate(1 hour), pipeline: monitor}}",
            "the monitor pipeline, which does not exist without captured requests",
            id="schedule without pipeline",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config([LOCAL], [assignment], environment={})
