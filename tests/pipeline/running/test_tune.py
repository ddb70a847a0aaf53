"""Searches of a pipeline: shown, applied, stopped, followed, and gone on from."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from groundloop.errors import UserError
from groundloop.executions.control import start
from groundloop.executions.watching import watch
from groundloop.local import ImageStandIn, LocalAws
from groundloop.spec.training_log import METRIC_DEFINITIONS
from groundloop.spec.tuning_search import SearchedJob, TuningSearch
from pipeline.cli.tune.apply import overlay, schema_comment
from pipeline.config import Config
from pipeline.warm_start import resolve_warm_start
from tests.fixtures.cli import CommandResult, Groundloop

Json = dict[str, Any]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/known-curves:1"
REGION = "us-east-1"
# Two epochs: the mAP is the learning rate, 0.9 without `broken`; one that is broken fails.
PROGRAM = """
import json, pathlib, sys, time
given = json.loads(pathlib.Path(sys.argv[1], "input/config/hyperparameters.json").read_text())
rate = given["learning_rate"]
if rate == given.get("broken"):
    pathlib.Path(sys.argv[1], "output/failure").write_text("out of memory")
    sys.exit(1)
for epoch in range(2):
    line = f"#quality_metric: host=algo-1, epoch={epoch}, validation mAP <score>=({float(rate) * (epoch + 1) / 2})"
    print(line, flush=True)
if rate == given.get("hangs"):
    time.sleep(60)
pathlib.Path(sys.argv[1], "model/model.json").write_text("{}")
"""

# Stands in for the step that the data come from.
MET = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
PREPARE = {"Name": "Prepare", "Type": "Condition", "Arguments": {"Conditions": [MET], "IfSteps": [], "ElseSteps": []}}


@pytest.fixture(scope="session")
def image_stand_ins() -> dict[str, ImageStandIn]:
    """A trainer whose result is its learning rate."""
    train = [sys.executable, "-I", "-S", "-c", PROGRAM, "{opt_ml}"]
    objectives = {"validation:mAP": "Maximize"}
    return {r"/known-curves:": ImageStandIn(train=train, metrics=METRIC_DEFINITIONS, objectives=objectives)}


@pytest.fixture
def tune_step(aws: LocalAws) -> Callable[..., Json]:
    """A Tuning step that tries each of a list of learning rates, one after the other."""

    def tune_step(rates: list[str], **statics: str) -> Json:
        config = {
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:mAP"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "learning_rate", "Values": rates}]},
        }
        job = {
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": aws.role_arn,
            "StaticHyperParameters": {"epochs": "2", **statics},
            "OutputDataConfig": {"S3OutputPath": "s3://groundloop-local/models"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.g4dn.xlarge", "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        arguments = {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": job}
        return {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}

    return tune_step


@pytest.fixture(scope="module")
def searched() -> Json:
    """What the module's one search of three jobs said and where it is, filled in by the first test that needs it."""
    return {}


@pytest.fixture
def search(searched: Json, groundloop: Groundloop, make_pipeline: Any, tune_step: Any) -> tuple[str, CommandResult]:
    """The name of a pipeline whose search has ended, and what following it printed."""
    if not searched:
        name = make_pipeline(PREPARE, tune_step(["0.25", "0.75", "0.5"], broken="0.5"))
        searched["search"] = (name, groundloop("start", "--name", name, "--watch"))
    found: tuple[str, CommandResult] = searched["search"]
    return found


def test_following_says_each_training_job_that_has_ended(search: tuple[str, CommandResult]) -> None:
    ran = search[1]
    assert ran.code == 0, ran.err
    said = [line.split("  Tune ", 1)[1].strip() for line in ran.out.splitlines() if "  Tune " in line]
    told = [line for line in said if line.startswith("training job ") and "learning" in line]
    assert [line.split("  ")[0] for line in told] == [f"training job {number}/3" for number in (1, 2, 3)]
    jobs = sorted(line.split("  ", 1)[1] for line in told)
    assert [line.replace(" (best so far)", "").partition(" (log:")[0] for line in jobs] == [
        "learning_rate 0.5  Failed: AlgorithmError: out of memory, exit code: 1",
        "mAP 0.250  learning_rate 0.25  Completed: all epochs",
        "mAP 0.750  learning_rate 0.75  Completed: all epochs",
    ]
    assert said[-1].startswith("Succeeded")
    assert "validation mAP 0.750" in said[-1]


def test_the_jobs_are_listed_the_best_first(search: tuple[str, CommandResult], groundloop: Groundloop) -> None:
    name = search[0]
    shown = groundloop("tune", "show", "--name", name)
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[0].endswith("Completed, Grid, 3 of at most 3 training jobs have ended")
    assert lines[1].split() == ["training", "job", "learning_rate", "epochs", "mAP", "status", "ended", "because"]
    assert [line.split()[2:5] for line in lines[2:4]] == [["0.75", "2/2", "0.750"], ["0.25", "2/2", "0.250"]]
    assert re.fullmatch(r"\.\.\.-00[123]-[0-9a-f]{8}", lines[2].split()[1])
    assert "out of memory" in lines[4]
    found = groundloop("tune", "show", "--name", name, "--json").json
    assert [(job["values"], job["map"], job["status"]) for job in found["jobs"]] == [
        ({"learning_rate": "0.75"}, 0.75, "Completed"),
        ({"learning_rate": "0.25"}, 0.25, "Completed"),
        ({"learning_rate": "0.5"}, None, "Failed"),
    ]
    assert found["best"] == found["jobs"][0]["job"]
    table = groundloop("tune", "show", found["tuning_job"], "--csv").out.splitlines()
    assert table[0] == "job,learning_rate,epochs,map,status,ended_because,seconds"
    assert table[1].startswith(f"{found['best']},0.75,2,0.75,Completed,all epochs,")


def test_the_logs_of_a_search_are_those_of_its_jobs(search: tuple[str, CommandResult], groundloop: Groundloop) -> None:
    ran = groundloop("logs", "Tune", "--name", search[0])
    assert ran.code == 1
    assert ran.error == (
        "Tune is a search, whose training jobs have logs of their own in /aws/sagemaker/TrainingJobs; "
        "`groundloop tune show --json` has their names"
    )


def test_the_charts_show_every_job(search: tuple[str, CommandResult], groundloop: Groundloop, tmp_path: Path) -> None:
    assert groundloop("tune", "show", "--name", search[0], "--plot", str(tmp_path)).code == 0
    page = (tmp_path / "tuning.html").read_text(encoding="utf-8")
    assert page.count("<svg viewBox") >= 2
    assert "Progress of the search" in page
    assert page.count("<circle") == 4, "two jobs with a result, in each of two charts"
    assert "the best is 0.750" in page


def test_the_winners_values_become_an_overlay(
    search: tuple[str, CommandResult], groundloop: Groundloop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = tmp_path / "configs" / "tuned.yaml"
    ran = groundloop("tune", "apply", "--name", search[0], "-o", str(overlay))
    assert ran.code == 0, ran.err
    text = overlay.read_text(encoding="utf-8")
    assert yaml.safe_load(text) == {"training": {"hyperparameters": {"learning_rate": 0.75}}}
    assert "validation:mAP 0.7500" in text
    again = groundloop("tune", "apply", "--name", search[0], "-o", str(overlay))
    assert (again.code, again.error) == (1, f"{overlay} exists, and is not overwritten: name another file with -o")
    assert overlay.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param(["show", "--plot", "{file}"], "--plot {file}: can't be written: File exists", id="charts"),
        pytest.param(["apply", "-o", "{file}/x.yaml"], "--out {file}/x.yaml: can't be written: ", id="overlay"),
    ],
)
def test_a_place_that_can_not_be_written_is_named(
    search: tuple[str, CommandResult], groundloop: Groundloop, tmp_path: Path, arguments: list[str], error: str
) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    ran = groundloop("tune", *(item.format(file=file) for item in arguments), "--name", search[0])
    assert (ran.code, ran.out) == (1, "")
    assert ran.error.startswith(error.format(file=file))


@pytest.mark.parametrize(
    ("schema", "comment"),
    [
        pytest.param("configs/schema.json", "# yaml-language-server: $schema=schema.json\n", id="beside it"),
        pytest.param(
            "groundloop.schema.json", "# yaml-language-server: $schema=../groundloop.schema.json\n", id="of a project"
        ),
        pytest.param("another.json", "", id="none"),
    ],
)
def test_an_overlay_names_the_schema_that_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: str, comment: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / schema).parent.mkdir(exist_ok=True)
    (tmp_path / schema).touch()
    assert schema_comment(Path("configs")) == comment


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("8.072307884499753e-05", "0.00008072307884499753", id="small"),
        pytest.param("1E-7", "0.0000001", id="in capitals"),
        pytest.param("0.9", "0.9", id="as it is"),
    ],
)
def test_an_overlay_has_the_value_that_was_trained_with(text: str, written: str) -> None:
    best = SearchedJob("search-001", "Completed", {"learning_rate": text}, 0.5)
    search = TuningSearch(
        name="search",
        arn="",
        status="Completed",
        reason="",
        strategy="Bayesian",
        metric="validation:mAP",
        max_jobs=1,
        stops_early=True,
        tuned=("learning_rate",),
        epochs=16,
        ended=None,
        jobs=(best,),
        best_name=best.name,
        request={},
    )
    lines = overlay(search, best).splitlines()
    assert lines[-1].strip() == f"learning_rate: {written}"
    assert yaml.safe_load("\n".join(lines))["training"]["hyperparameters"]["learning_rate"] == float(text)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param(["show"], "has run no search yet", id="no search"),
        pytest.param(["show", "missing"], "there is no tuning job 'missing' in us-east-1", id="unknown name"),
        pytest.param(["apply", "-o", "x.yaml"], "has run no search yet", id="nothing to apply"),
    ],
)
def test_what_is_not_there_is_named(
    groundloop: Groundloop, make_pipeline: Any, arguments: list[str], error: str
) -> None:
    name = make_pipeline({"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}})
    ran = groundloop("tune", *arguments, "--name", name)
    assert ran.code == 1
    assert error in ran.error


def test_a_search_that_has_ended_is_not_stopped(search: tuple[str, CommandResult], groundloop: Groundloop) -> None:
    ran = groundloop("tune", "stop", "--name", search[0], "--yes")
    assert ran.code == 1
    assert "is Completed, not running: nothing was stopped" in ran.error


def test_a_running_search_is_stopped(groundloop: Groundloop, make_pipeline: Any, tune_step: Any) -> None:
    name = make_pipeline(tune_step(["0.5", "0.25"], hangs="0.5"))
    execution = start(REGION, name, [])

    def stop_once_it_runs(running: Any) -> None:
        if any(step.job for step in running) and not stopped:
            stopped.append(groundloop("tune", "stop", "--name", name, "--yes", "--json"))

    stopped: list[CommandResult] = []
    watch(REGION, execution, lambda _: None, stop_once_it_runs)
    assert stopped[0].json["status"] == "Stopping"
    shown = groundloop("tune", "show", stopped[0].json["tuning_job"], "--json").json
    assert shown["status"] == "Stopped"


@pytest.fixture
def tuned_config(config: Config, aws: LocalAws) -> Callable[..., Config]:
    def tuned_config(pipeline: str, *warm_start: str, data: str = "auto") -> Config:
        tuning = config.training.tuning.model_copy(
            update={"enabled": True, "warm_start": list(warm_start), "warm_start_data": data}
        )
        training = config.training.model_copy(update={"tuning": tuning})
        names = config.pipeline.model_copy(update={"name": pipeline})
        return config.model_copy(update={"pipeline": names, "training": training})

    return tuned_config


@pytest.mark.parametrize(
    ("changed", "data"),
    [
        pytest.param({}, "same", id="nothing else"),
        pytest.param({"broken": "0.6"}, "new", id="another static hyperparameter"),
        pytest.param({"Prepare": {**PREPARE, "Arguments": {"Conditions": [MET, MET]}}}, "new", id="other data"),
    ],
)
def test_last_is_the_pipelines_newest_search(
    search: tuple[str, CommandResult],
    tuned_config: Any,
    tune_step: Any,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
    data: str,
) -> None:
    prepare = changed.get("Prepare", PREPARE)
    steps = [prepare, tune_step(["0.1", "0.2"], broken=changed.get("broken", "0.5"))]
    definition = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": steps})
    monkeypatch.setattr("pipeline.warm_start.compiled_definition", lambda *_: definition)
    ended = boto3.client("sagemaker").list_hyper_parameter_tuning_jobs(StatusEquals="Completed")
    found = resolve_warm_start(tuned_config(search[0], "last")).training.tuning
    assert found.warm_start == [
        item["HyperParameterTuningJobName"] for item in ended["HyperParameterTuningJobSummaries"]
    ]
    assert found.warm_start_data == data
    assert resolve_warm_start(tuned_config(search[0], "last", data="same")).training.tuning.warm_start_data == "same"


def test_a_first_search_has_none_to_start_from(tuned_config: Any) -> None:
    with pytest.raises(UserError, match="is last, but pipeline 'none-yet' has run no search that has ended"):
        resolve_warm_start(tuned_config("none-yet", "last"))
    with pytest.raises(UserError, match="there is no tuning job 'missing'"):
        resolve_warm_start(tuned_config("none-yet", "missing"))


def test_without_a_warm_start_nothing_is_asked(tuned_config: Any) -> None:
    config = tuned_config("none-yet")
    assert resolve_warm_start(config) is config
    assert json.loads(config.model_dump_json())["training"]["tuning"]["warm_start"] == []
