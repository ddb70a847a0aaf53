"""Following an execution: each change once, with what a reader needs to see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from groundloop.executions import control, watching
from groundloop.executions.control import Transition
from groundloop.executions.watching import watch

BEGUN = datetime(2026, 1, 1, tzinfo=timezone.utc)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/e"


def step(name: str, status: str, seconds: float | None = None, **more: Any) -> dict[str, Any]:
    ended = {} if seconds is None else {"EndTime": BEGUN + timedelta(seconds=seconds)}
    return {"StepName": name, "StepStatus": status, "StartTime": BEGUN, **ended, **more}


class Scripted:
    """A SageMaker client whose execution goes through given moments, one per look at its steps."""

    def __init__(self, *moments: tuple[str, list[dict[str, Any]]]) -> None:
        self._moments = iter(moments)
        self._now = moments[0]
        self.asked: list[str] = []

    def describe_pipeline_execution(self, **_: Any) -> dict[str, Any]:
        self.asked.append("execution")
        times = {"CreationTime": BEGUN, "LastModifiedTime": BEGUN + timedelta(seconds=9)}
        return {
            "PipelineExecutionStatus": self._now[0],
            "FailureReason": "Step failure: One or multiple steps failed.",
            **times,
        }

    def get_paginator(self, name: str) -> Scripted:
        assert name == "list_pipeline_execution_steps"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        self.asked.append("steps")
        self._now = next(self._moments, self._now)
        yield {"PipelineExecutionSteps": self._now[1]}


def follow(monkeypatch: pytest.MonkeyPatch, *moments: tuple[str, list[dict[str, Any]]]) -> tuple[list[Transition], Any]:
    transitions: list[Transition] = []
    outcome = followed(monkeypatch, Scripted(*moments), transitions)
    return transitions, outcome


def followed(monkeypatch: pytest.MonkeyPatch, scripted: Scripted, transitions: list[Transition]) -> Any:
    for module in (control, watching):
        monkeypatch.setattr(module, "client", lambda *_: scripted)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return watch("us-east-1", ARN, transitions.append)


def test_each_change_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    transitions, outcome = follow(
        monkeypatch,
        ("Executing", [step("Prepare", "Starting")]),
        ("Executing", [step("Prepare", "Executing", AttemptCount=0)]),
        ("Executing", [step("Prepare", "Executing", AttemptCount=1)]),
        ("Executing", [step("Prepare", "Succeeded", 4, AttemptCount=1), step("Train", "Executing")]),
        ("Succeeded", [step("Prepare", "Succeeded", 4, AttemptCount=1), step("Train", "Succeeded", 9)]),
    )
    assert [(change.step, change.status) for change in transitions] == [
        ("Prepare", "Executing"),
        ("Prepare", "Succeeded"),
        ("Train", "Executing"),
        ("Train", "Succeeded"),
    ]
    assert transitions[1].seconds == 4
    assert outcome.succeeded
    assert outcome.seconds == 9


def test_a_retry_is_told_as_an_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    transitions, _ = follow(
        monkeypatch,
        ("Executing", [step("Train", "Executing", AttemptCount=1)]),
        ("Executing", [step("Train", "Executing", AttemptCount=2)]),
        ("Succeeded", [step("Train", "Succeeded", 5, AttemptCount=2)]),
    )
    assert [change.attempt for change in transitions] == [1, 2, 2]


def test_the_reason_is_that_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The execution's own says only that some step failed."""
    failed = step("Train", "Failed", 3, FailureReason="no capacity")
    _, outcome = follow(monkeypatch, ("Failed", [failed]))
    assert outcome.reason == "Train failed: no capacity"
    assert not outcome.succeeded


def test_an_execution_that_no_step_failed_keeps_its_own_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    _, outcome = follow(monkeypatch, ("Failed", []))
    assert outcome.reason.startswith("Step failure")


def test_a_jobs_log_is_found_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-e-Train-1"
    transitions, _ = follow(
        monkeypatch, ("Failed", [step("Train", "Failed", 1, Metadata={"TrainingJob": {"Arn": arn}})])
    )
    assert (transitions[0].log_group, transitions[0].job) == ("/aws/sagemaker/TrainingJobs", "pipelines-e-Train-1")


def test_a_job_that_is_named_late_is_told_with_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS names a step's job a moment after the step began."""
    named: dict[str, Any] = {
        "Metadata": {"TrainingJob": {"Arn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/j"}}
    }
    transitions, _ = follow(
        monkeypatch,
        ("Executing", [step("Train", "Executing")]),
        ("Executing", [step("Train", "Executing", **named)]),
        ("Executing", [step("Train", "Executing", **named)]),
        ("Succeeded", [step("Train", "Succeeded", 5, **named)]),
    )
    assert [(change.status, change.job) for change in transitions] == [("Executing", "j"), ("Succeeded", "j")]


def test_a_step_that_failed_and_was_tried_again_did_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    _, outcome = follow(
        monkeypatch,
        ("Executing", [step("Train", "Failed", 3, FailureReason="no capacity")]),
        ("Succeeded", [step("Train", "Succeeded", 5, AttemptCount=2)]),
    )
    assert outcome.succeeded
    assert outcome.failed == ()


def test_a_lost_connection_does_not_end_the_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = Scripted(("Succeeded", [step("Train", "Succeeded", 5)]))
    looks = iter([ReadTimeoutError(endpoint_url="https://x"), EndpointConnectionError(endpoint_url="https://x"), None])
    describe = scripted.describe_pipeline_execution

    def flaky(**request: Any) -> dict[str, Any]:
        if fault := next(looks):
            raise fault
        return describe(**request)

    monkeypatch.setattr(scripted, "describe_pipeline_execution", flaky)
    assert followed(monkeypatch, scripted, []).succeeded


def test_one_request_is_enough_while_a_step_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    runs, done = step("Train", "Executing"), step("Train", "Succeeded", 5)
    scripted = Scripted(
        ("Executing", [runs]),
        ("Executing", [runs]),
        ("Executing", [done]),
        ("Executing", [done, step("Register", "Executing")]),
        ("Executing", [done, step("Register", "Executing")]),
        ("Succeeded", [done, step("Register", "Succeeded", 6)]),
    )
    assert followed(monkeypatch, scripted, []).succeeded
    assert scripted.asked == [
        *("execution", "steps"),
        "steps",
        *("steps", "execution", "steps"),
        "steps",
        *("steps", "execution", "steps"),
    ]


def test_an_execution_ends_even_if_a_step_of_it_seems_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = Scripted(("Executing", [step("Train", "Executing")]), ("Stopped", [step("Train", "Stopping")]))
    monkeypatch.setattr(watching, "_DESCRIBE_SECONDS", -1)
    assert followed(monkeypatch, scripted, []).status == "Stopped"


def test_a_step_that_ends_just_before_its_execution_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = step("Train", "Failed", 3, FailureReason="no capacity")
    scripted = Scripted(("Executing", [step("Train", "Executing")]), ("Failed", []), ("Failed", [failed]))
    assert followed(monkeypatch, scripted, []).reason == "Train failed: no capacity"


def test_a_step_from_the_cache_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    hit = step("Prepare", "Succeeded", 0, CacheHitResult={"SourcePipelineExecutionArn": ARN})
    transitions, _ = follow(monkeypatch, ("Succeeded", [hit]))
    assert transitions[0].cached
