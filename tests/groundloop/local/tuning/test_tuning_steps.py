"""Tuning steps of pipelines: properties, caching, stop."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.local import LocalAws
from groundloop.local.executor.runner import tuning_job_name

Make = Callable[..., Any]


def step(tuning: Make, **members: Any) -> dict[str, Any]:
    request = tuning("unused", ["1", "3", "5"], Strategy="Grid", MaxNumberOfTrainingJobs=None, **members)
    del request["HyperParameterTuningJobName"]
    return {"Name": "Tune", "Type": "Tuning", "Arguments": request}


def told(*paths: str) -> dict[str, Any]:
    """A Fail step that says the values of properties of Tune."""
    values = [{"Get": f"Steps.Tune.{path}"} for path in paths]
    message = {"Std:Join": {"On": " ", "Values": values}}
    return {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def test_the_properties_are_the_description_and_the_best_training_jobs(
    sm: Any, tuning: Make, make_pipeline: Make, start: Make, ended: Make
) -> None:
    best = "BestTrainingJob.TunedHyperParameters['x']"
    listed = [f"TrainingJobSummaries[{index}].TrainingJobName" for index in range(3)]
    say = told(best, "BestTrainingJob.TrainingJobName", "TrainingJobStatusCounters.Completed", *listed)
    cached = {**step(tuning), "CacheConfig": {"Enabled": True, "ExpireAfter": "PT1H"}}
    pipeline = make_pipeline(cached, say)
    first, again = ended(start(pipeline)), ended(start(pipeline))
    arn = first["Steps"]["Tune"]["Metadata"]["TuningJob"]["Arn"]
    name = arn.rpartition("/")[2]
    execution = first["PipelineExecutionArn"].rpartition("/")[2]
    assert re.fullmatch(rf"{execution}-Tune-[0-9a-f]{{10}}", name)
    summaries = sm.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    by_x = {item["TunedHyperParameters"]["x"]: item["TrainingJobName"] for item in summaries["TrainingJobSummaries"]}
    x, winner, completed, *names = first["FailureReason"].split()
    assert (x, winner, completed) == ("3", by_x["3"], "3")
    assert names[0] == by_x["3"]
    assert sorted(names) == sorted(by_x.values())
    hit = again["Steps"]["Tune"]
    assert hit["CacheHitResult"] == {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
    assert hit["Metadata"] == {"TuningJob": {"Arn": arn}}
    assert again["FailureReason"] == first["FailureReason"]


def test_a_failed_search_fails_the_step_with_the_first_reason(
    tuning: Make, make_pipeline: Make, start: Make, ended: Make
) -> None:
    done = ended(start(make_pipeline(step(tuning, statics={"broken": "1,3,5"}))))
    reason = done["Steps"]["Tune"]["FailureReason"]
    assert reason.startswith("No training job succeeded after 3 attempts.")
    assert "AlgorithmError: x=" in reason


def test_a_stop_of_the_execution_stops_the_search_and_its_training_jobs(
    sm: Any, aws: LocalAws, tuning: Make, make_pipeline: Make, start: Make, ended: Make
) -> None:
    arn = start(make_pipeline(step(tuning, statics={"hangs": "1,3,5"}, MaxParallelTrainingJobs=2)))
    deadline = time.monotonic() + 10
    while sum("validation mAP" in log.read_text() for log in aws.home.glob("jobs/*-Tune-*-00?-*/log.txt")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    sm.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="t" * 32)
    done = ended(arn)
    assert done["PipelineExecutionStatus"] == done["Steps"]["Tune"]["StepStatus"] == "Stopped"
    name = done["Steps"]["Tune"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    described = sm.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert described["HyperParameterTuningJobStatus"] == "Stopped"
    assert described["TrainingJobStatusCounters"]["Stopped"] == 2


@pytest.mark.parametrize("name", ["Tune", "A_very-long_" * 5, "-_-"])
def test_names_fit_the_service(name: str) -> None:
    given = tuning_job_name("abcdefghijkl", name)
    assert given.startswith("abcdefghijkl-")
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", given)
    assert len(given) <= 32
    assert tuning_job_name("abcdefghijkl", name) != given
