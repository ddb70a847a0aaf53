"""Starting an execution with values of its pipeline's parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.executions import control

LIMITS = {
    "MaxNumberOfTrainingJobs": {"Get": "Parameters.TuningJobs"},
    "MaxParallelTrainingJobs": {"Get": "Parameters.TuningParallelJobs"},
}


def definition(strategy: str = "Bayesian") -> dict[str, Any]:
    """A pipeline with a search of 12 jobs, of which 2 run at a time."""
    config = {"Strategy": strategy, "ResourceLimits": LIMITS, "ParameterRanges": {"AutoParameters": []}}
    tune = {"Name": "Tune", "Type": "Tuning", "Arguments": {"HyperParameterTuningJobConfig": config}}
    parameters = [
        {"Name": name, "Type": "Integer", "DefaultValue": value}
        for name, value in (("TuningJobs", 12), ("TuningParallelJobs", 2))
    ]
    return {"Version": "2020-12-01", "Parameters": parameters, "Steps": [tune]}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, str]]]:
    """Start an execution of a definition with these assignments; return the parameters that are sent."""

    def start(*assignments: str, **members: Any) -> list[dict[str, str]]:
        class SageMaker:
            def describe_pipeline(self, **_: Any) -> dict[str, str]:
                return {"PipelineDefinition": json.dumps(definition(**members))}

            def start_pipeline_execution(self, **request: Any) -> dict[str, str]:
                sent.extend(request["PipelineParameters"])
                return {"PipelineExecutionArn": "arn"}

        sent: list[dict[str, str]] = []
        monkeypatch.setattr(control, "client", lambda *_: SageMaker())
        control.start("us-east-1", "p", assignments)
        return sent

    return start


@pytest.mark.parametrize(
    "assignments",
    [
        pytest.param(["TuningJobs=1"], id="fewer jobs than run at a time by default"),
        pytest.param(["TuningJobs=3", "TuningParallelJobs=4"], id="both given"),
    ],
)
def test_a_search_that_could_not_start_is_rejected_before_anything_is_paid_for(
    start: Callable[..., Any], assignments: list[str]
) -> None:
    with pytest.raises(UserError, match=r"^Tune: MaxParallelTrainingJobs \d is more than MaxNumberOfTrainingJobs \d; "):
        start(*assignments)


def test_other_values_are_sent(start: Callable[..., Any]) -> None:
    assert start("TuningJobs=1", "TuningParallelJobs=1") == [
        {"Name": "TuningJobs", "Value": "1"},
        {"Name": "TuningParallelJobs", "Value": "1"},
    ]


def test_what_is_wrong_with_every_execution_is_left_to_check(start: Callable[..., Any]) -> None:
    """The deployed definition may be of another tool, and AWS's rules may have changed."""
    assert start("TuningJobs=20", strategy="Hyperband")
