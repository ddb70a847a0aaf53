"""The list of executions, and stopping one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import boto3

GROUNDLOOP = Callable[..., Any]
QUICK, SLOW = "print('done')", "import time; print('begun', flush=True); time.sleep(60)"
PARAMETERS = [
    {"Name": "Epochs", "Type": "Integer", "DefaultValue": 30},
    {"Name": "Rate", "Type": "Float", "DefaultValue": 0.001},
    {"Name": "Mode", "Type": "String", "DefaultValue": "plain"},
]


def test_runs_are_listed_with_what_differs_and_why_they_failed(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", "import sys; sys.exit('bad\\nluck')"), parameters=PARAMETERS)
    first = groundloop("start", "--name", name, "--watch", "-p", "Epochs=30", "-p", "Rate=1e-3", "-p", "Mode=fancy")
    assert first.code == 1
    groundloop("start", "--name", name, "--watch")
    newer, older = groundloop("runs", "--name", name, "--json").json["executions"]
    assert set(newer) == {"arn", "id", "started", "status", "seconds", "parameters", "failure"}
    assert newer["started"] > older["started"]
    assert newer["arn"].endswith(newer["id"])
    assert (newer["parameters"], older["parameters"]) == ({}, {"Mode": "fancy"}), "as numbers, 1e-3 is 0.001"
    assert older["status"] == "Failed"
    assert older["failure"].startswith("Prepare: AlgorithmError: ")
    assert "\n" not in older["failure"]
    shown = groundloop("runs", "--name", name).out
    assert f"{older['id']}  " in shown
    assert re.search(r"^ +Mode=fancy$", shown, re.MULTILINE)
    assert re.search(r"^ +Prepare: AlgorithmError: ", shown, re.MULTILINE)


def test_an_execution_that_went_on_after_a_failure_is_shown_as_one_with_failures(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    train = script("Train", "import sys; sys.exit('no luck')")
    name = make_pipeline(train, script("Notify", QUICK, after=[{"Step": "Train", "Trigger": "Failed"}]))
    watched = groundloop("start", "--name", name, "--watch")
    assert watched.code == 1
    assert "Train failed: AlgorithmError: no luck" in watched.err
    assert re.search(r"Notify +Succeeded", watched.out)
    (run,) = groundloop("runs", "--name", name, "--json").json["executions"]
    assert run["status"] == "CompletedWithFailures"
    assert run["failure"].startswith("Train: AlgorithmError: no luck")


def test_an_endpoint_name_that_the_role_does_not_allow_is_said_at_the_start(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    declared = [{"Name": "EndpointName", "Type": "String", "DefaultValue": "groundloop"}]
    name = make_pipeline(script("Prepare", QUICK), parameters=declared)
    own = ["start", "--set", f"pipeline.name={name}", "-p"]
    assert "warning: EndpointName=nuts: the role" in groundloop(*own, "EndpointName=nuts").err
    assert "warning" not in groundloop(*own, "EndpointName=groundloop-2").err
    assert "warning" not in groundloop("start", "--name", name, "-p", "EndpointName=nuts").err, "another's pipeline"


def test_what_a_search_offline_does_not_share_with_aws_is_said_at_the_start(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any], training: Callable[..., Any]
) -> None:
    job = training("s3://bucket/any.manifest")["Arguments"]
    values = [{"Name": "optimizer", "Values": ["sgd", "adam"]}]
    search = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:mAP"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"CategoricalParameterRanges": values},
        },
        "TrainingJobDefinition": {**job, "StaticHyperParameters": job.pop("HyperParameters")},
    }
    prepare = script("Prepare", "import sys; sys.exit('stop here')")
    name = make_pipeline(prepare, {"Name": "Tune", "Type": "Tuning", "Arguments": search, "DependsOn": ["Prepare"]})
    said = groundloop("start", "--name", name).err
    assert "warning: the search is Optuna's, a stand-in for Amazon's automatic model tuning" in said
    assert "warning: tuning optimizer changes nothing offline: the stand-in for the training image ignores it" in said


def test_only_the_newest_are_listed(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", QUICK))
    started = [groundloop("start", "--name", name, "--json").json["execution"] for _ in range(3)]
    listed = groundloop("runs", "--name", name, "--limit", "2", "--json").json
    assert listed["pipeline"] == name
    assert [run["arn"] for run in listed["executions"]] == [started[2], started[1]]
    assert groundloop("runs", "--name", name, "--limit", "0").code == 2


def test_nothing_to_list(groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]) -> None:
    name = make_pipeline(script("Prepare", QUICK))
    assert groundloop("runs", "--name", name, "--json").json == {"pipeline": name, "executions": []}
    hint = f"groundloop start --name {name} -c configs/local.yaml"
    assert groundloop("runs", "--name", name).out == f"pipeline {name} has no execution yet: run `{hint}`\n"
    assert f"run `groundloop start --name {name}`" in groundloop("watch", "--name", name).error
    assert "there is no pipeline 'nope'" in groundloop("runs", "--name", "nope").error


def test_the_deploy_pipeline_is_started_by_deploy(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", QUICK))
    ran = groundloop("runs", "--name", name, "-s", f"pipeline.deploy_name={name}")
    assert "has no execution yet: run `groundloop deploy -c configs/local.yaml" in ran.out


def test_the_one_that_runs_is_stopped_with_its_job(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", SLOW))
    arn = groundloop("start", "--name", name, "--json").json["execution"]
    ran = groundloop("stop", "--name", name, "--json")
    assert ran.code == 0, ran.error
    assert (ran.json["execution"], ran.json["status"]) == (arn, "Stopped")
    for step in ran.json["steps"]:
        assert (step["step"], step["status"]) == ("Prepare", "Stopped")
        job = boto3.client("sagemaker").describe_processing_job(ProcessingJobName=step["job"])
        assert job["ProcessingJobStatus"] == "Stopped"
    assert "no execution of pipeline" in groundloop("stop", "--name", name).error
    assert f"{arn} is not running: its status is Stopped" in groundloop("stop", "--name", name, arn).error


def test_of_several_one_has_to_be_named(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", SLOW))
    ids = [groundloop("start", "--name", name, "--json").json["execution"].rsplit("/", 1)[-1] for _ in range(2)]
    complaint = groundloop("stop", "--name", name).error
    assert "2 executions of pipeline" in complaint
    assert "nothing was stopped" in complaint
    assert all(id_ in complaint for id_ in ids)
    for id_ in ids:
        ran = groundloop("stop", "--name", name, id_)
        assert ran.code == 0, ran.error
        assert ran.out.splitlines()[0].endswith(f"{id_} ...")
        assert ran.out.splitlines()[-1] == "execution Stopped"


def test_on_a_terminal_stop_asks_first(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any], monkeypatch: Any
) -> None:
    name = make_pipeline(script("Prepare", SLOW))
    arn = groundloop("start", "--name", name, "--json").json["execution"]
    monkeypatch.setattr("pipeline.cli.stop.is_interactive", lambda: True)
    declined = groundloop("stop", "--name", name, stdin="n\n")
    assert declined.code == 0
    assert re.search(rf"Stop execution {arn.rsplit('/', 1)[-1]}, running for [\d.]+ s\? \[y/N\]", declined.out)
    assert declined.out.endswith("nothing was stopped\n"), "the answer's own line break is not echoed"
    assert groundloop("stop", "--name", name, stdin="y\n").out.endswith("execution Stopped\n")


def test_yes_stops_without_asking(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any], monkeypatch: Any
) -> None:
    name = make_pipeline(script("Prepare", SLOW))
    groundloop("start", "--name", name)
    monkeypatch.setattr("pipeline.cli.stop.is_interactive", lambda: True)
    ran = groundloop("stop", "--name", name, "--yes")
    assert "[y/N]" not in ran.out
    assert ran.out.splitlines()[-1] == "execution Stopped"
