"""Steps that run on an outcome of another step: DependsOn with a trigger."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.groundloop.local.executor.conftest import Make, fail, statuses


def work(name: str, *after: str | dict[str, str], broken: bool = False) -> dict[str, Any]:
    """A step that runs no process; the request of a broken one is rejected."""
    container = {} if broken else {"Image": "image"}
    arguments = {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/role", "PrimaryContainer": container}
    return {"Name": name, "Type": "Model", "Arguments": arguments, "DependsOn": list(after)}


def on(step: str, trigger: str) -> dict[str, str]:
    return {"Step": step, "Trigger": trigger}


@pytest.mark.parametrize(
    ("trigger", "broken", "expected", "status"),
    [
        pytest.param("Failed", True, {"Train": "Failed", "Notify": "Succeeded"}, "CompletedWithFailures", id="failed"),
        pytest.param("Failed", False, {"Train": "Succeeded", "Predict": "Succeeded"}, "Succeeded", id="not failed"),
        pytest.param(
            "Any", True, {"Train": "Failed", "Notify": "Succeeded"}, "CompletedWithFailures", id="any, failed"
        ),
        pytest.param(
            "Any",
            False,
            {"Train": "Succeeded", "Predict": "Succeeded", "Notify": "Succeeded"},
            "Succeeded",
            id="any, succeeded",
        ),
        pytest.param("Completed", True, {"Train": "Failed"}, "Failed", id="completed, failed"),
    ],
)
def test_a_step_runs_on_the_outcome_that_it_waits_for(
    make_pipeline: Make,
    start: Make,
    ended: Make,
    trigger: str,
    broken: bool,
    expected: dict[str, str],
    status: str,
) -> None:
    steps = [
        work("Train", broken=broken),
        work("Predict", "Train"),
        work("Notify", on("Train", trigger)),
    ]
    done = ended(start(make_pipeline(*steps)))
    assert (statuses(done), done["PipelineExecutionStatus"]) == (expected, status)


def test_after_a_failure_that_a_step_handles_the_others_go_on(
    process: Make, make_pipeline: Make, start: Make, ended: Make
) -> None:
    steps = [
        work("Train", broken=True),
        work("Notify", on("Train", "Failed")),
        work("Tidy", "Notify"),
        work("Predict", "Train"),
        work("Report", "Predict"),
        process("Slow", "import time; time.sleep(0.3)"),
        work("Independent", "Slow"),
    ]
    done = ended(start(make_pipeline(*steps)))
    assert statuses(done) == {
        "Train": "Failed",
        "Slow": "Succeeded",
        "Notify": "Succeeded",
        "Tidy": "Succeeded",
        "Independent": "Succeeded",
    }
    assert done["PipelineExecutionStatus"] == "CompletedWithFailures"


def test_a_failure_that_no_step_handles_ends_the_execution(
    process: Make, make_pipeline: Make, start: Make, ended: Make
) -> None:
    slow_and_broken = "import sys, time; time.sleep(0.3); sys.exit(1)"
    steps = [
        work("Prepare", broken=True),
        process("Train", slow_and_broken),
        work("Notify", on("Train", "Failed")),
        work("Tidy", "Notify"),
    ]
    done = ended(start(make_pipeline(*steps)))
    assert statuses(done) == {"Prepare": "Failed", "Train": "Failed", "Notify": "Succeeded"}
    assert done["PipelineExecutionStatus"] == "Failed"


def test_a_handler_that_fails_fails_the_execution(process: Make, make_pipeline: Make, start: Make, ended: Make) -> None:
    steps = [work("Train", broken=True), work("Notify", on("Train", "Failed"), broken=True)]
    assert ended(start(make_pipeline(*steps)))["PipelineExecutionStatus"] == "Failed"


def test_a_fail_step_can_say_what_failed(make_pipeline: Make, start: Make, ended: Make) -> None:
    steps = [work("Train", broken=True), {**fail("Say", "the training failed"), "DependsOn": [on("Train", "Failed")]}]
    done = ended(start(make_pipeline(*steps)))
    assert (done["PipelineExecutionStatus"], done["FailureReason"]) == ("Failed", "the training failed")


def test_a_step_whose_job_somebody_stopped_has_stopped(
    sm: Any, process: Make, make_pipeline: Make, start: Make, ended: Make
) -> None:
    steps = [process("Long", "import time; time.sleep(60)"), work("Notify", on("Long", "Stopped"))]
    arn = start(make_pipeline(*steps))
    deadline = time.monotonic() + 10
    while not (listed := sm.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"])[:1] or (
        not listed[0]["Metadata"]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    sm.stop_processing_job(ProcessingJobName=listed[0]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1])
    done = ended(arn)
    assert statuses(done) == {"Long": "Failed", "Notify": "Succeeded"}
    assert done["PipelineExecutionStatus"] == "CompletedWithFailures"


def test_a_retry_runs_what_waited_for_the_success(
    sm: Any, process: Make, make_pipeline: Make, start: Make, ended: Make, put: Make
) -> None:
    train = process("Train")
    late = {
        "S3Uri": "s3://bucket/run-condition/late.txt",
        "LocalPath": "/opt/ml/processing/late",
        "S3DataType": "S3Prefix",
    }
    train["Arguments"]["ProcessingInputs"].append({"InputName": "late", "S3Input": late})
    arn = start(make_pipeline(train, work("Predict", "Train")))
    assert statuses(ended(arn)) == {"Train": "Failed"}
    put("run-condition/late.txt", "here")
    sm.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    assert statuses(ended(arn)) == {"Train": "Succeeded", "Predict": "Succeeded"}
