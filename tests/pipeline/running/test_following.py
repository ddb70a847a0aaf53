"""Following an execution to its end, and what is said of a step that fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

GROUNDLOOP = Callable[..., Any]
BOX = {"class_id": 0, "left": 1, "top": 1, "width": 5, "height": 5}
# Long enough to be seen while they run.
SAYS = "import time; print('first'); time.sleep(0.8); print('second')"
COMPLAINS = "import sys, time; print('before', flush=True); time.sleep(0.8); sys.exit('it is broken')"


def test_each_line_names_the_step_its_status_and_the_time(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", SAYS))
    ran = groundloop("start", "--name", name, "--watch")
    assert ran.code == 0, ran.error
    started, executing, succeeded, end = ran.out.splitlines()
    assert started.startswith("started arn:aws:sagemaker:us-east-1:123456789012:pipeline/")
    assert executing.split()[1:] == ["Prepare", "Executing"]
    assert succeeded.split()[1:3] == ["Prepare", "Succeeded"]
    assert succeeded.endswith(" s")
    assert end.startswith("execution Succeeded in ")
    assert "https://" not in ran.out, "there is no console offline"


def test_json_has_a_line_for_each_change_and_one_for_the_end(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", COMPLAINS))
    ran = groundloop("start", "--name", name, "--watch", "--json")
    assert ran.code == 1
    start, *changes, end = ran.json_lines
    assert start == {"event": "start", "execution": end["execution"], "pipeline": name}
    assert [(change["step"], change["status"]) for change in changes] == [
        ("Prepare", "Executing"),
        ("Prepare", "Failed"),
    ]
    failed = changes[-1]
    assert set(failed) == {
        "event", "step", "status", "seconds", "from_cache", "attempt",
        "job", "log_group", "console", "reason", "warning", "labels",
    }  # fmt: skip
    assert failed["log_group"] == "/aws/sagemaker/ProcessingJobs"
    assert failed["console"] is None
    assert "it is broken" in failed["reason"]
    assert end["status"] == "Failed"
    (failure,) = end["failures"]
    assert set(failure) == {"step", "job", "log_group", "log", "known", "evidence"}
    assert [line["text"] for line in failure["log"]] == ["before", "it is broken"]
    assert failure["known"] == []


def test_watching_an_execution_that_ended_tells_it_all_again(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", SAYS))
    arn = groundloop("start", "--name", name, "--json").json["execution"]
    groundloop("watch", "--name", name, arn)
    by_id = groundloop("watch", "--name", name, arn.rsplit("/", 1)[-1])
    newest = groundloop("watch", "--name", name)
    assert by_id.code == newest.code == 0
    assert by_id.out.splitlines()[0] == newest.out.splitlines()[0] == f"watching {arn}"
    assert "Succeeded" in newest.out


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["watch"], id="watch"),
        pytest.param(["logs", "Train"], id="logs"),
        pytest.param(["report"], id="report"),
        pytest.param(["runs"], id="runs"),
        pytest.param(["start"], id="start"),
        pytest.param(["stop"], id="stop"),
    ],
)
def test_a_pipeline_that_there_is_not(groundloop: GROUNDLOOP, command: list[str]) -> None:
    ran = groundloop(*command, "--name", "nope")
    assert (ran.code, ran.error) == (1, "there is no pipeline 'nope' in us-east-1: run `groundloop upsert` first")


def test_an_execution_that_there_is_not(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", SAYS))
    assert "has no execution nope" in groundloop("watch", "--name", name, "nope").error
    assert "is not an execution" in groundloop("watch", "--name", name, "no such thing").error
    assert "has no execution yet" in groundloop("watch", "--name", name).error


def test_a_failed_step_shows_the_end_of_its_log(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", COMPLAINS, arguments=["--manifest-uri", "s3://b/m.manifest"]))
    ran = groundloop("start", "--name", name, "--watch")
    assert ran.code == 1
    assert "  | before\n  | it is broken\n" in ran.err
    assert "last lines of Prepare's log; the whole log: groundloop logs Prepare -e arn:" in ran.err
    assert "groundloop labels check s3://b/m.manifest --region us-east-1" in ran.err
    assert ran.error.startswith("Prepare failed: AlgorithmError: it is broken")
    (failed,) = [line for line in ran.out.splitlines() if " Failed " in line]
    assert "-Prepare-" in failed, "it names the job"


def test_too_many_boxes_name_the_lines_of_both_manifests(
    groundloop: GROUNDLOOP,
    make_pipeline: Callable[..., str],
    script: Callable[..., Any],
    training: Callable[..., Any],
    put: Callable[[str, bytes], str],
    image: str,
) -> None:
    """The line of the labelling job's own manifest is the one that can be corrected."""
    prepared = {
        "source-ref": image,
        "bounding-box": {"annotations": [BOX] * 3, "image_size": [{"width": 32, "height": 32}]},
    }
    train = put("few/train.manifest", json.dumps(prepared).encode())
    own = put(
        "few/output.manifest", b'{"source-ref": "s3://b/other.jpg"}\n' + json.dumps({"source-ref": image}).encode()
    )
    keeps_out = (
        "import os, pathlib; folder = pathlib.Path(os.environ['OPT_ML'], 'processing/output/report');"
        "folder.joinpath('rejected.jsonl').write_text('{}\\n{}\\n')"
    )
    name = make_pipeline(
        script("Prepare", keeps_out, arguments=["--manifest-uri", own]),
        training(train, after=["Prepare"], label_width="7"),
    )
    ran = groundloop("start", "--name", name, "--watch")
    assert ran.code == 1
    assert "what it means (label-width): label_width is too small" in ran.err
    assert f"train.manifest line 1: 3 boxes need label_width 17, it is 7 ({image}, line 2 of {own})" in ran.err
    assert "2 lines that Prepare rejected, each with its reason: s3://" in ran.err
    assert f"groundloop labels check {own} --region us-east-1" in ran.err


def test_what_cannot_be_looked_at_does_not_hide_the_failure(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], training: Callable[..., Any], aws: Any
) -> None:
    name = make_pipeline(training("s3://groundloop-local/nowhere/train.manifest"))
    ran = groundloop("start", "--name", name, "--watch")
    assert ran.code == 1
    assert ran.error.startswith("Train failed: ")
