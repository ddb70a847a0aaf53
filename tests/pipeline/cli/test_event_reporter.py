"""Findings on which a training job is stopped: what is said of the job, and what is kept for the end."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.executions import control
from groundloop.executions.control import Transition
from groundloop.executions.training_progress import FindingAppeared
from groundloop.spec.training_rules import TrainingFinding
from pipeline.cli.event_reporter import EventReporter
from pipeline.cli.progress_line import ProgressDisplay

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/e"
STEP = Transition("Train", "Executing", None, cached=False, attempt=1, kind="TrainingJob", job="job-1")
FINDING = FindingAppeared(TrainingFinding("stalled", 2, "no new line for 12 min", "start it again"))
STOPPED = "training.watch.stop_on stopped job-1: stalled: no new line for 12 min; start it again"


class SageMaker:
    """A training job that is stopped, or can't be for a reason."""

    def __init__(self, code: str = "") -> None:
        self.description, self._code = "", code

    def stop_training_job(self, **_: Any) -> None:
        if self._code:
            raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "StopTrainingJob")

    def describe_pipeline_execution(self, **_: Any) -> dict[str, Any]:
        return {"PipelineExecutionDescription": "nightly"}

    def update_pipeline_execution(self, **members: Any) -> None:
        self.description = members["PipelineExecutionDescription"]


@pytest.mark.parametrize(
    ("code", "said", "reasons", "description"),
    [
        pytest.param("", "", [STOPPED], f"nightly {STOPPED}", id="stopped"),
        pytest.param("ValidationException", "job-1 had already ended by itself", [], "", id="ended before"),
        pytest.param("AccessDeniedException", "warning: job-1 could not be stopped: ", [], "", id="not allowed"),
    ],
)
def test_a_job_counts_as_stopped_only_if_it_was(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: str,
    said: str,
    reasons: list[str],
    description: str,
) -> None:
    aws = SageMaker(code)
    monkeypatch.setattr(control, "client", lambda *_: aws)
    reporter = EventReporter("us-east-1", ARN, ["stalled"], ProgressDisplay(), as_json=False)
    reporter.report(STEP, [FINDING], 60.0, running=True)
    printed = "".join(capsys.readouterr())
    assert "stopping job-1: training.watch.stop_on names stalled\n" in printed
    assert said in printed
    assert (reporter.stop_reasons, aws.description) == (reasons, description)
