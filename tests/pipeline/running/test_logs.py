"""The log of a step's job."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from groundloop.executions import jobs as step_jobs
from groundloop.executions.control import transition
from groundloop.executions.logs import JobLog

GROUNDLOOP = Callable[..., Any]
COUNTS = "for number in range(5): print('line', number)"
SLOWLY = "import time\nfor number in range(3): print('line', number, flush=True); time.sleep(0.7)"


@pytest.fixture(scope="module")
def made() -> list[str]:
    """The pipeline that the tests of this module share, once there is one."""
    return []


@pytest.fixture
def counted(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any], made: list[str]
) -> str:
    """A pipeline whose newest execution has printed five lines."""
    if made:
        return made[0]
    gate = {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 2}],
            "IfSteps": [script("Evaluate", COUNTS)],
            "ElseSteps": [],
        },
        "DependsOn": ["Prepare"],
    }
    name = make_pipeline(script("Prepare", COUNTS), gate)
    assert groundloop("start", "--name", name, "--watch").code == 0
    made.append(name)
    return name


def test_the_whole_log(groundloop: GROUNDLOOP, counted: str) -> None:
    assert groundloop("logs", "Prepare", "--name", counted).out.splitlines() == [f"line {n}" for n in range(5)]


def test_its_end(groundloop: GROUNDLOOP, counted: str) -> None:
    assert groundloop("logs", "Prepare", "--name", counted, "--tail", "2").out == "line 3\nline 4\n"


def test_as_json(groundloop: GROUNDLOOP, counted: str) -> None:
    (last,) = groundloop("logs", "Prepare", "--name", counted, "--tail", "1", "--json").json_lines
    assert set(last) == {"time", "stream", "text"}
    assert last["text"] == "line 4"
    assert last["stream"].startswith("algo-1-")


def test_following_ends_with_the_job(
    groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", SLOWLY))
    groundloop("start", "--name", name)
    ran = groundloop("logs", "Prepare", "--name", name, "--follow")
    assert ran.code == 0, ran.error
    assert ran.out.splitlines() == ["line 0", "line 1", "line 2"]


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        pytest.param("Prepar", "there is no step 'Prepar'; did you mean Prepare? Steps with a log: ", id="misspelt"),
        pytest.param("prepare", "did you mean Prepare?", id="in lower case"),
        pytest.param("xyz", "there is no step 'xyz'; Steps with a log: Prepare, Evaluate", id="like none"),
        pytest.param("Gate", "Gate is a Condition step and runs no job", id="without a job"),
        pytest.param("Evaluate", "Evaluate did not run in this execution", id="of a branch that was not taken"),
    ],
)
def test_a_step_without_a_log(groundloop: GROUNDLOOP, counted: str, step: str, complaint: str) -> None:
    ran = groundloop("logs", step, "--name", counted)
    assert ran.code == 1
    assert complaint in ran.error


def test_a_step_that_was_tried_again_has_the_logs_of_all_attempts(
    groundloop: GROUNDLOOP,
    make_pipeline: Callable[..., str],
    script: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An execution names the last job only; the earlier ones are found by their names."""
    name = make_pipeline(script("Prepare", "print('the second')"))
    arn = groundloop("start", "--name", name, "--json").json["execution"]
    groundloop("watch", "--name", name)
    earlier = f"pipelines-{arn.rsplit('/', 1)[-1]}-Prepare-0000000000"
    request = script("Prepare", "print('the first')")["Arguments"]
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_processing_job(**request, ProcessingJobName=earlier)
    while sagemaker.describe_processing_job(ProcessingJobName=earlier)["ProcessingJobStatus"] == "InProgress":
        time.sleep(0.1)
    monkeypatch.setattr(step_jobs, "transition", lambda step: transition({**step, "AttemptCount": 2}))
    ran = groundloop("logs", "Prepare", "--name", name)
    assert ran.out == "the first\nthe second\n"
    assert ran.err == f"attempt 1, {earlier}:\nattempt 2:\n"
    assert groundloop("logs", "Prepare", "--name", name, "--tail", "9").out == "the second\n"


def test_a_silent_job(groundloop: GROUNDLOOP, make_pipeline: Callable[..., str], script: Callable[..., Any]) -> None:
    name = make_pipeline(script("Prepare", "pass"))
    groundloop("start", "--name", name, "--watch")
    ran = groundloop("logs", "Prepare", "--name", name)
    assert (ran.code, ran.out) == (0, "")
    assert "is empty so far" in ran.err


@pytest.mark.usefixtures("aws")
def test_the_streams_of_several_instances_are_one_log_in_order_of_time() -> None:
    logs, group = boto3.client("logs"), "/aws/sagemaker/TransformJobs"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        logs.create_log_group(logGroupName=group)
    now = 1_795_000_000_000
    for instance, times in (("i-1", (0, 2)), ("i-2", (1, 3)), ("i-1/data-log", (4,))):
        stream = f"job-a/{instance}"
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": now + time, "message": f"{instance} at {time}"} for time in times]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    logs.create_log_stream(logGroupName=group, logStreamName="job-ab/i-1")
    log = JobLog("us-east-1", group, "job-a")
    assert [(event.stream, event.text) for event in log.tail(2)] == [
        ("i-2", "i-2 at 3"),
        ("i-1/data-log", "i-1/data-log at 4"),
    ]
    assert list(log.more()) == []
    whole = JobLog("us-east-1", group, "job-a").more()
    assert [event.text.split()[-1] for event in whole] == ["0", "1", "2", "3", "4"]
    assert log.contains("at 3") == "i-2 at 3"
    assert log.contains("at 9") is None


@pytest.mark.usefixtures("aws")
def test_a_group_that_is_not_there_yet_is_an_empty_log() -> None:
    log = JobLog("us-east-1", "/aws/sagemaker/Nothing", "job")
    assert log.tail(3) == list(log.more()) == []
    assert log.contains("x") is None
