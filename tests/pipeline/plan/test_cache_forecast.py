"""Which steps the next execution takes from the cache, and why it runs the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.config import Config
from pipeline.plan.cache_forecast import forecast
from pipeline.plan.flatten import read
from pipeline.plan.planning import make_plan

Configured = Callable[..., Config]
Json = dict[str, Any]
IF_OTHER_DATA = "only if Prepare gives other results than before"


def steps(config: Config) -> dict[str, str]:
    """Why each step of the training pipeline runs again; empty for one from the cache."""
    return {forecast.step: forecast.reason for forecast in make_plan(config).pipelines[0].forecasts}


def test_without_a_change_what_can_be_cached_is(deployed: Any, configured: Configured) -> None:
    assert steps(configured()) == {
        "Prepare": "its cache is off",
        "Train": IF_OTHER_DATA,
        "CreateModel": "a Model step is never cached",
        "Predict": "CreateModel makes a model of another name in each execution",
        "Evaluate": "its cache is off",
        "Register": "a RegisterModel step is never cached",
        "EndpointConfig": "its cache is off",
        "Endpoint": "its cache is off",
    }


@pytest.mark.parametrize(
    ("assignment", "train"),
    [
        pytest.param("training.hyperparameters.epochs=80", "HyperParameters.epochs changed", id="a hyperparameter"),
        pytest.param("training.instance_type=ml.g5.xlarge", IF_OTHER_DATA, id="the instance type does not count"),
        pytest.param("training.max_runtime_minutes=10", IF_OTHER_DATA, id="nor does the stopping condition"),
        pytest.param("prepare.split.seed=7", IF_OTHER_DATA, id="what Prepare does"),
        pytest.param("labels.manifest=s3://groundloop-local/other.manifest", IF_OTHER_DATA, id="another manifest"),
        pytest.param("execution.cache.enabled=false", "its cache is off", id="no cache"),
        pytest.param("gate.thresholds.map=0.9", IF_OTHER_DATA, id="a threshold does not train again"),
    ],
)
def test_a_change_runs_what_it_concerns(define: Callable[..., Json], assignment: str, train: str) -> None:
    before, after = (read(json.dumps(define(*assignments))) for assignments in ((), (assignment,)))
    found = {step.step: step.reason for step in forecast(before, after, executed=True)}
    assert (found["Prepare"], found["Train"]) == ("its cache is off", train)


def test_only_the_step_that_depends_on_the_data_is_uncertain(deployed: Any, configured: Configured) -> None:
    forecasts = make_plan(configured()).pipelines[0].forecasts
    assert [forecast.step for forecast in forecasts if not forecast.certain] == ["Train"]


@pytest.mark.parametrize("job", ["prepare", "evaluate"])
def test_new_code_of_a_job_trains_again_only_if_the_data_differ(
    deployed: Any, configured: Configured, edit: Callable[[str], None], job: str
) -> None:
    edit(job)
    assert steps(configured())["Train"] == IF_OTHER_DATA


@pytest.mark.parametrize(
    ("value", "reason", "certain"),
    [
        pytest.param({"Get": "Steps.Prepare.ExitMessage"}, IF_OTHER_DATA, False, id="an ExitMessage"),
        pytest.param(
            {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.Summary"}, "Path": "a"}},
            IF_OTHER_DATA,
            False,
            id="a property file",
        ),
        pytest.param(
            {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['data'].S3Output.S3Uri"},
            "InputDataConfig.train.DataSource.S3DataSource.S3Uri comes from Prepare, which runs again",
            True,
            id="where an output lies",
        ),
    ],
)
def test_what_a_step_reads_of_another_decides(value: Any, reason: str, certain: bool) -> None:
    prepare = {"Name": "Prepare", "Type": "Processing", "Arguments": {}}
    uri = {"Std:Join": {"On": "/", "Values": ["s3://b", value]}}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": uri}}}
    train = {
        "Name": "Train",
        "Type": "Training",
        "Arguments": {"InputDataConfig": [channel]},
        "CacheConfig": {"Enabled": True},
    }
    definition = read(json.dumps({"Steps": [prepare, train]}))
    found = forecast(definition, definition, executed=True)[1]
    assert (found.reason, found.certain) == (reason, certain)


def test_checkpoints_under_the_executions_own_prefix_are_never_cached() -> None:
    """Whether ours lie there is the Train step's matter: the plan says what follows from the definition."""
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
