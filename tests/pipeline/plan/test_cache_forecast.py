"""Which steps the next execution takes from the cache, and why it runs the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.config import Config
from pipeline.plan.planning import make_plan

Configured = Callable[..., Config]


def steps(config: Config) -> dict[str, str]:
    """Why each step of the training pipeline runs again; empty for one from the cache."""
    return {forecast.step: forecast.reason for forecast in make_plan(config).pipelines[0].forecasts}


def test_without_a_change_what_can_be_cached_is(deployed: Any, configured: Configured) -> None:
    assert steps(configured()) == {
        "Prepare": "",
        "Train": "",
        "CreateModel": "a Model step is never cached",
        "Predict": "CreateModel makes a model of another name in each execution",
        "Evaluate": "its cache is off",
        "Register": "a RegisterModel step is never cached",
        "EndpointConfig": "its cache is off",
        "Endpoint": "its cache is off",
    }


@pytest.mark.parametrize(
    ("assignment", "prepare", "train"),
    [
        pytest.param("training.hyperparameters.epochs=80", "", "HyperParameters.epochs changed", id="a hyperparameter"),
        pytest.param("training.instance_type=ml.g5.xlarge", "", "", id="the instance type does not count"),
        pytest.param("training.max_runtime_minutes=10", "", "", id="nor is the stopping condition"),
        pytest.param(
            "prepare.split.seed=7",
            "--split-seed changed",
            "HyperParameters.num_classes comes from Prepare, which runs again",
            id="what Prepare does, Train reads",
        ),
        pytest.param(
            "labels.manifest=s3://groundloop-local/other.manifest",
            "--manifest-uri, ProcessingInputs.manifest.S3Input.S3Uri changed",
            "HyperParameters.num_classes comes from Prepare, which runs again",
            id="another manifest",
        ),
        pytest.param("execution.cache.enabled=false", "its cache is off", "its cache is off", id="no cache"),
        pytest.param("gate.thresholds.map=0.9", "", "", id="a threshold does not train again"),
    ],
)
def test_a_change_runs_what_it_concerns(
    deployed: Any, configured: Configured, assignment: str, prepare: str, train: str
) -> None:
    found = steps(configured(assignment))
    assert (found["Prepare"], found["Train"]) == (prepare, train)


def test_code_runs_its_step_and_what_follows(
    deployed: Any, configured: Configured, edit: Callable[[str], None]
) -> None:
    edit("prepare")
    found = steps(configured())
    assert found["Prepare"] == "its code changed"
    assert found["Train"] == "HyperParameters.num_classes comes from Prepare, which runs again"


def test_checkpoints_under_the_executions_own_prefix_are_never_cached() -> None:
    """Whether ours lie there is the Train step's matter: the plan says what follows from the definition."""
    from pipeline.plan.cache_forecast import forecast
    from pipeline.plan.flatten import read

    uri = {"Std:Join": {"On": "/", "Values": ["s3://b", {"Get": "Execution.PipelineExecutionId"}]}}
    arguments = {"CheckpointConfig": {"S3Uri": uri}, "OutputDataConfig": {"S3OutputPath": uri}}
    train = {"Name": "Train", "Type": "Training", "Arguments": arguments, "CacheConfig": {"Enabled": True}}
    definition = read(json.dumps({"Steps": [train]}))
    (found,) = forecast(definition, definition, executed=True)
    assert found.reason == "CheckpointConfig.S3Uri is another in each execution"


def test_before_the_first_execution_nothing_is_cached(aws: Any, configured: Configured) -> None:
    from pipeline.upsert import upsert_pipelines

    upsert_pipelines(configured())
    assert steps(configured())["Train"] == "there is no execution yet"


def test_a_cache_that_was_off_holds_nothing(deployed: Any, configured: Configured) -> None:
    from pipeline.upsert import upsert_pipelines

    upsert_pipelines(configured("execution.cache.enabled=false"))
    assert steps(configured())["Train"] == "its cache was off"
