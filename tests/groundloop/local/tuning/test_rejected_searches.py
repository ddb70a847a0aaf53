"""Requests for tuning jobs that are rejected: by rules of AWS, in its words, and by name what is not offered here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Request = dict[str, Any]
Tuned = Callable[..., Request]


def rejected(sm: Any, request: Request) -> str:
    with pytest.raises(ClientError) as caught:
        sm.create_hyper_parameter_tuning_job(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return str(caught.value.response["Error"]["Message"])


@pytest.mark.parametrize(
    ("members", "message"),
    [
        pytest.param(
            {"MaxParallelTrainingJobs": 4},
            "MaxParallelTrainingJobs 4 is more than MaxNumberOfTrainingJobs 3 "
            "(HyperParameterTuningJobConfig.ResourceLimits.MaxParallelTrainingJobs).",
            id="a rule of the request",
        ),
        pytest.param(
            {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:map"}},
            "The objective metric for the hyperparameter tuning job, [validation:map], isn't valid for the "
            "algorithm. Choose a valid objective metric: validation:mAP.",
            id="another objective",
        ),
        pytest.param(
            {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:mAP"}},
            "The objective metric type, [Minimize], that you specified for objective metric, [validation:mAP], "
            "isn't valid for the algorithm. Choose a valid objective metric type.",
            id="the other direction",
        ),
        pytest.param(
            {"definition": {"CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints"}}},
            "CheckpointConfig of a tuning job is not offered by the offline AWS.",
            id="checkpoints",
        ),
        pytest.param(
            {"Autotune": {"Mode": "Enabled"}},
            "Autotune is not offered by the offline AWS: give the ranges.",
            id="Autotune",
        ),
        pytest.param(
            {"definition": {"StoppingCondition": {"MaxWaitTimeInSeconds": 60}}},
            "MaxWaitTimeInSeconds may only be given with EnableManagedSpotTraining.",
            id="a rule of its training jobs",
        ),
    ],
)
def test_a_request_is_rejected_as_a_whole(sm: Any, tuning: Tuned, members: dict[str, Any], message: str) -> None:
    assert rejected(sm, tuning("rejected", **members)) == message
    listed = sm.list_hyper_parameter_tuning_jobs(NameContains="rejected")
    assert listed["HyperParameterTuningJobSummaries"] == []


def test_metric_definitions_of_the_algorithm_can_not_be_replaced(sm: Any, tuning: Tuned) -> None:
    request = tuning("metrics")
    specification = request["TrainingJobDefinition"]["AlgorithmSpecification"]
    specification["MetricDefinitions"] = [{"Name": "validation:mAP", "Regex": "(.*)"}]
    assert rejected(sm, request).startswith("You can't override the metric definitions")
    specification["TrainingImage"] = "1.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    specification["MetricDefinitions"] = [{"Name": "other", "Regex": "(.*)"}]
    assert rejected(sm, request) == (
        "The objective metric [validation:mAP] is not defined by MetricDefinitions of AlgorithmSpecification."
    )


def test_a_search_without_optuna_is_rejected_at_once(sm: Any, tuning: Tuned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundloop.local.api.tuning.find_spec", lambda name: None)
    assert rejected(sm, tuning("bare")) == (
        "A tuning job offline needs Optuna, which is not installed; run: pip install 'groundloop[local]'."
    )


def test_the_shapes_are_checked_in_the_services_words(sm: Any, tuning: Tuned) -> None:
    message = rejected(sm, tuning("x" * 33))
    assert "at 'hyperParameterTuningJobName' failed to satisfy constraint: Member must have length" in message


def test_a_name_is_given_once(sm: Any, tuned: Tuned, tuning: Tuned) -> None:
    tuned("once", MaxNumberOfTrainingJobs=1)
    with pytest.raises(ClientError, match="a tuning job named once already exists") as caught:
        sm.create_hyper_parameter_tuning_job(**tuning("once"))
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"


def test_a_parent_has_to_exist(sm: Any, tuning: Tuned) -> None:
    parents = [{"HyperParameterTuningJobName": "nobody"}]
    warm = {"WarmStartType": "TransferLearning", "ParentHyperParameterTuningJobs": parents}
    with pytest.raises(ClientError, match="can't find a tuning job with the name nobody"):
        sm.create_hyper_parameter_tuning_job(**tuning("orphan", WarmStartConfig=warm))
