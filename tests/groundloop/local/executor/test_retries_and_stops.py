"""Retry policies, stops, and executions that are retried."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.local import LocalAws
from groundloop.local.executor import policies
from groundloop.local.executor.runner import StepError
from groundloop.local.executor.steps import JobRunner
from tests.groundloop.local.executor.conftest import Make, fail, statuses

SLEEP = "import time\nprint('asleep', flush=True)\ntime.sleep(60)"


class TestRetries:
    @pytest.fixture
    def flaky(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], list[float]]:
        """Have the first attempts of every job fail in a given way; returns the times of all attempts."""

        def flaky(kind: str, failures: int) -> list[float]:
            attempts: list[float] = []
            real = JobRunner.run

            def run(self: JobRunner, *arguments: Any) -> Any:
                attempts.append(time.monotonic())
                if len(attempts) <= failures:
                    raise StepError("CapacityError: none left", kind)
                return real(self, *arguments)

            monkeypatch.setattr(JobRunner, "run", run)
            return attempts

        return flaky

    @staticmethod
    def policy(kind: str, **members: Any) -> dict[str, Any]:
        return {"RetryPolicies": [{"ExceptionType": [kind], "IntervalSeconds": 0.1, "BackoffRate": 3.0, **members}]}

    def test_a_step_is_tried_again_with_growing_pauses(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make, flaky: Any
    ) -> None:
        attempts = flaky("SageMaker.CAPACITY_ERROR", 2)
        step = process("Train", **self.policy("SageMaker.CAPACITY_ERROR", MaxAttempts=3))
        done = ended(start(make_pipeline(step)))
        assert statuses(done) == {"Train": "Succeeded"}
        assert done["Steps"]["Train"]["AttemptCount"] == 3
        assert attempts[1] - attempts[0] >= 0.1
        assert attempts[2] - attempts[1] >= 0.3

    @pytest.mark.parametrize(
        ("kind", "members", "count"),
        [
            pytest.param("SageMaker.CAPACITY_ERROR", {"MaxAttempts": 2}, 3, id="attempts used up"),
            pytest.param("SageMaker.CAPACITY_ERROR", {"ExpireAfterMin": 0.005}, 2, id="time used up"),
            pytest.param("SageMaker.RESOURCE_LIMIT", {"MaxAttempts": 2}, 1, id="another failure"),
        ],
    )
    def test_policies_end(
        self,
        process: Make,
        make_pipeline: Make,
        start: Make,
        ended: Make,
        flaky: Any,
        kind: str,
        members: Any,
        count: int,
    ) -> None:
        attempts = flaky(kind, 99)
        done = ended(start(make_pipeline(process("Train", **self.policy("SageMaker.CAPACITY_ERROR", **members)))))
        assert statuses(done) == {"Train": "Failed"}
        assert len(attempts) == done["Steps"]["Train"]["AttemptCount"] == count

    def test_throttling_is_retried_without_being_asked(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make, flaky: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from dataclasses import replace

        quick = replace(policies.DEFAULT_RETRY, interval=0.01)
        monkeypatch.setattr(policies, "DEFAULT_RETRY", quick)
        flaky("Step.THROTTLING", 2)
        assert statuses(ended(start(make_pipeline(process("Train"))))) == {"Train": "Succeeded"}


class TestStopping:
    def test_a_stop_reaches_the_jobs(
        self, sm: Any, aws: LocalAws, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        arn = start(make_pipeline(process("Long", SLEEP), process("Never", DependsOn=["Long"])))
        deadline = time.monotonic() + 10
        while not any("asleep" in log.read_text() for log in aws.home.glob("jobs/*-Long-*/log.txt")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        sm.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="t" * 32)
        seen = sm.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        assert seen in ("Stopping", "Stopped")
        done = ended(arn)
        assert (done["PipelineExecutionStatus"], statuses(done)) == ("Stopped", {"Long": "Stopped"})
        job = done["Steps"]["Long"]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1]
        assert sm.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Stopped"
        with pytest.raises(ClientError, match="has status Stopped: it can't be stopped"):
            sm.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="t" * 32)

    def test_a_fail_step_stops_what_still_runs(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        late = {**fail("Stop", "enough"), "DependsOn": ["Short"]}
        done = ended(start(make_pipeline(process("Long", SLEEP), process("Short"), late)))
        assert done["FailureReason"] == "enough"
        assert statuses(done) == {"Long": "Stopped", "Short": "Succeeded", "Stop": "Failed"}

    def test_a_job_stopped_from_outside_fails_its_step(
        self, sm: Any, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        arn = start(make_pipeline(process("Long", SLEEP)))
        deadline = time.monotonic() + 10
        while True:
            steps = sm.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
            if steps and steps[0]["Metadata"]:
                break
            assert time.monotonic() < deadline
        sm.stop_processing_job(ProcessingJobName=steps[0]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1])
        done = ended(arn)
        assert done["PipelineExecutionStatus"] == "Failed"
        assert "was stopped" in done["Steps"]["Long"]["FailureReason"]


def test_a_retry_keeps_what_succeeded(
    sm: Any, process: Make, make_pipeline: Make, start: Make, ended: Make, put: Make
) -> None:
    needs = {
        "InputName": "late",
        "S3Input": {"S3Uri": "s3://bucket/late.txt", "LocalPath": "/opt/ml/processing/late", "S3DataType": "S3Prefix"},
    }
    second = process("Second", DependsOn=["First"])
    second["Arguments"]["ProcessingInputs"].append(needs)
    arn = start(make_pipeline(process("First"), second))
    before = ended(arn)
    assert statuses(before) == {"First": "Succeeded", "Second": "Failed"}
    put("late.txt", "now it is here")
    sm.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    after = ended(arn)
    assert (after["PipelineExecutionStatus"], statuses(after)) == (
        "Succeeded",
        {"First": "Succeeded", "Second": "Succeeded"},
    )
    assert after["Steps"]["First"] == before["Steps"]["First"]
