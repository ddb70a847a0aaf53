"""Watch an execution until it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.exceptions import HTTPClientError

from groundloop.aws import client, offline_endpoint, poll_seconds
from groundloop.executions.control import RUNNING, Transition, steps, stop_reason, transition

# Longest time between two looks at the execution itself, beside its steps.
_DESCRIBE_SECONDS = 30
# An execution takes hours: a connection may fail for this long before `watch` gives up.
_MAX_DISCONNECTED_SECONDS = 300


@dataclass(frozen=True)
class ExecutionResult:
    """The outcome of an execution.

    Attributes:
        arn: ARN of the execution.
        status: its last status.
        reason: one line per failed step, or the execution's own reason; then why the training watch stopped a job.
        seconds: its duration.
        failed: last transitions of the failed steps.
    """

    arn: str
    status: str
    reason: str
    seconds: float
    failed: tuple[Transition, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether every step succeeded."""
        return self.status == "Succeeded"


def watch(
    region: str,
    arn: str,
    on_change: Callable[[Transition], None],
    on_poll: Callable[[Sequence[Transition]], None] = lambda _: None,
) -> ExecutionResult:
    """Watch an execution until it ends.

    Args:
        region: AWS region.
        arn: ARN of the execution.
        on_change: called once with each change of a step's status, in order of time.
        on_poll: called with the running steps after each look at an execution that has not ended.

    Returns:
        The result. Its reason is that of the failed steps: the execution's own only says that some failed.
    """
    sagemaker = client("sagemaker", region)
    reporter = _ChangeReporter(on_change)
    pause = poll_seconds(5)
    disconnected_since: float | None = None
    execution: dict[str, Any] = {}
    described_at = -math.inf
    while True:
        try:
            # While a step runs its execution does too, so that one request tells all.
            is_fresh = time.monotonic() - described_at < _DESCRIBE_SECONDS
            current = list(steps(region, arn)) if is_fresh else []
            if not any(step["StepStatus"] in RUNNING for step in current):
                execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
                described_at = time.monotonic()
                current = list(steps(region, arn))
            started = execution["CreationTime"]
            ended = execution["PipelineExecutionStatus"] not in RUNNING
            for step in current:
                reporter.update(transition(step, started), final=ended)
            if not ended:
                on_poll([transition(step, started) for step in current if step["StepStatus"] == "Executing"])
        except (NoConnectionError, HTTPClientError):
            disconnected_since = disconnected_since or time.monotonic()
            if offline_endpoint() or time.monotonic() - disconnected_since > _MAX_DISCONNECTED_SECONDS:
                raise
            time.sleep(pause)
            continue
        disconnected_since = None
        if ended:
            seconds = (execution["LastModifiedTime"] - started).total_seconds()
            failed = tuple(transition(step, started) for step in current if step["StepStatus"] == "Failed")
            reasons = [f"{step.step} failed: {step.reason}" for step in failed]
            reason = "\n".join(reasons) or execution.get("FailureReason", "")
            reason = "\n".join(filter(None, [reason, stop_reason(execution)]))
            return ExecutionResult(arn, execution["PipelineExecutionStatus"], reason, seconds, failed)
        time.sleep(pause)


class _ChangeReporter:
    """Reports each change once.

    SageMaker names a step's job a moment after the step started: that change is held back until the next poll.
    """

    def __init__(self, on_change: Callable[[Transition], None]) -> None:
        self._on_change = on_change
        self._reported: set[tuple[str, int, str]] = set()
        self._held_back: dict[str, Transition] = {}

    def update(self, change: Transition, final: bool) -> None:
        if change.status == "Starting":
            return
        held_back = self._held_back.pop(change.step, None)
        key = (change.step, change.attempt, change.status)
        if held_back and (held_back.step, held_back.attempt, held_back.status) != key:
            self._on_change(held_back)
        elif held_back:
            self._on_change(change)
            return
        if key in self._reported:
            return
        self._reported.add(key)
        if change.status == "Executing" and not change.job and not final:
            self._held_back[change.step] = change
        else:
            self._on_change(change)
