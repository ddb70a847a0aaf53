"""Tuning jobs of a stand-in whose curves are known."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from groundloop.local import ImageStandIn, LocalAws
from groundloop.spec.training_log import METRIC_DEFINITIONS

TRAINER = Path(__file__).with_name("trainer.py")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/known-curves:1"

Request = dict[str, Any]


#: With the lines and the objective of the built-in algorithm.
STAND_INS = {
    r"/known-curves:": ImageStandIn(
        train=[sys.executable, "-I", "-S", str(TRAINER), "{opt_ml}"],
        metrics=METRIC_DEFINITIONS,
        objectives={"validation:mAP": "Maximize"},
        ignored=frozenset({"momentum"}),
    )
}


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.04)


@pytest.fixture(scope="session")
def image_stand_ins() -> Mapping[str, ImageStandIn]:
    """The stand-in whose curves are known."""
    return STAND_INS


def tuning_request(role: str, name: str, x: tuple[float, float] | list[str] = (0, 6), **members: Any) -> Request:
    """Return a CreateHyperParameterTuningJob request that searches x in a range, or in a list of values.

    Members of HyperParameterTuningJobConfig, of ResourceLimits and of the request are replaced by those given;
    `statics` are further static hyperparameters, `definition` further members of TrainingJobDefinition.
    """
    ranges: dict[str, Any]
    if isinstance(x, tuple):
        low, high = (str(float(bound)) for bound in x)
        ranges = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": low, "MaxValue": high}]}
    else:
        ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": x}]}
    limits = {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 1}
    limits.update({member: members.pop(member) for member in list(members) if member.startswith("Max")})
    request: Request = {key: members.pop(key) for key in ("WarmStartConfig", "Tags", "Autotune") if key in members}
    statics = {"epochs": "4", **members.pop("statics", {})}
    definition = {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": role,
        "StaticHyperParameters": statics,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.p3.2xlarge", "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **members.pop("definition", {}),
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:mAP"},
            "ResourceLimits": {key: value for key, value in limits.items() if value is not None},
            "ParameterRanges": ranges,
            "RandomSeed": 1,
            **members,
        },
        "TrainingJobDefinition": definition,
        **request,
    }


@pytest.fixture
def tuning(aws: LocalAws) -> Callable[..., Request]:
    """Make a request of `tuning_request`."""
    return partial(tuning_request, aws.role_arn)


@pytest.fixture
def described(sm: Any) -> Callable[[str], Request]:
    """Wait for a tuning job's end; return its description."""

    def described(name: str) -> Request:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            job: Request = sm.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
            if job["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped"):
                return job
            time.sleep(0.05)
        raise AssertionError(f"{name} did not end: {job}")

    return described


@pytest.fixture
def tuned(sm: Any, tuning: Callable[..., Request], described: Callable[[str], Request]) -> Callable[..., Request]:
    """Run a tuning job to its end; return its description."""

    def tuned(name: str, *x: Any, **members: Any) -> Request:
        sm.create_hyper_parameter_tuning_job(**tuning(name, *x, **members))
        return described(name)

    return tuned


@pytest.fixture
def trainings(sm: Any) -> Callable[..., list[Request]]:
    """The summaries of a tuning job's training jobs, in the order of their names."""

    def trainings(name: str, **members: Any) -> list[Request]:
        listed = sm.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **members)
        summaries: list[Request] = listed["TrainingJobSummaries"]
        return summaries

    return trainings
