"""How an execution looks on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.executions.control import Transition
from groundloop.executions.diagnosis import Diagnosis
from groundloop.executions.logs import Event
from groundloop.executions.watching import ExecutionResult
from pipeline.cli import options, progress

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/e"
GROUP = "/aws/sagemaker/TrainingJobs"


def change(status: str, **members: Any) -> Transition:
    given: dict[str, Any] = {"seconds": None, "cached": False, "attempt": 1, "kind": "TrainingJob", "job": "job-1"}
    return Transition(step="Train", status=status, **{**given, **members})


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Follows an execution on AWS that goes through the given changes."""

    def follow(*changes: Transition, status: str = "Succeeded", stop_on_interrupt: bool = False) -> None:
        def watch(region: str, arn: str, tell: Callable[[Transition], None], on_poll: Any) -> ExecutionResult:
            for item in changes:
                tell(item)
            if status == "Executing":
                raise KeyboardInterrupt
            failed = tuple(item for item in changes if item.status == "Failed")
            return ExecutionResult(arn, status, "; ".join(item.reason for item in failed), 75, failed)

        monkeypatch.setattr(progress, "watch", watch)
        monkeypatch.setattr(progress, "warning_of_training", lambda *_: None)
        monkeypatch.setattr(progress, "validation_map", lambda _, change: 0.8125 if change.seconds == 61.0 else None)
        monkeypatch.setattr(
            progress, "diagnose", lambda region, arn, step: Diagnosis(arn, step.step, step.job, GROUP, [], [], [])
        )
        progress.follow("us-east-1", ARN, stop_on_interrupt=stop_on_interrupt)

    return follow


def test_links_lead_to_the_job_and_when_it_fails_to_its_log(
    follow: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="no luck"):
        follow(change("Executing"), change("Failed", seconds=190.0, attempt=2, reason="no luck"), status="Failed")
    lines = capsys.readouterr().out.splitlines()
    page = "https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/job-1"
    assert lines[0] == "00:00  Train           Executing"
    assert lines[1].strip() == page
    assert lines[2] == "00:00  Train           Failed     3 min 10 s, attempt 2, job-1"
    assert lines[3].strip() == page
    assert lines[4].strip().startswith("https://us-east-1.console.aws.amazon.com/cloudwatch/home")


def test_a_step_from_the_cache_is_said_to_be(follow: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    follow(change("Succeeded", seconds=0.0, cached=True))
    assert capsys.readouterr().out.splitlines() == [
        "00:00  Train           Succeeded  0.0 s, from cache",
        "execution Succeeded in 1 min 15 s",
    ]


def test_training_ends_with_its_metric(follow: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    follow(change("Succeeded", seconds=61.0))
    assert (
        capsys.readouterr().out.splitlines()[0] == "00:00  Train           Succeeded  1 min 1 s, validation mAP 0.812"
    )


@pytest.mark.parametrize(
    ("met", "status"),
    [pytest.param(True, "met", id="met"), pytest.param(False, "not met", id="not met")],
)
def test_a_condition_reads_as_met_or_not(
    follow: Callable[..., None], capsys: pytest.CaptureFixture[str], met: bool, status: str
) -> None:
    follow(change("Succeeded", condition_met=met))
    assert capsys.readouterr().out.splitlines()[0] == f"00:00  Train           {status}"


def test_the_time_of_a_change_counts_from_the_start_of_the_execution(
    follow: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Also when the execution is watched after its end."""
    follow(change("Executing", offset=65.0), change("Succeeded", offset=3700.0, seconds=3635.0))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("01:05  Train")
    assert lines[-2].startswith("1:01:40  Train           Succeeded  1 h 0 min")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(4.21, "4.2 s", id="seconds"),
        pytest.param(59.99, "60.0 s", id="nearly a minute"),
        pytest.param(187, "3 min 7 s", id="minutes"),
        pytest.param(3599.7, "1 h 0 min", id="nearly an hour"),
        pytest.param(7530, "2 h 5 min", id="hours"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text


def test_a_log_cannot_upset_the_terminal() -> None:
    """Decoders put whole images into their errors."""
    event = Event(datetime(2026, 1, 1, tzinfo=timezone.utc), "algo-1", "\x1b[2J" + "x" * 9_000)
    written: list[str] = []
    progress.print_diagnosis(Diagnosis(ARN, "Train", "j", GROUP, [event], [], []), written.append)
    assert written[1].startswith("  | ?[2Jxxx")
    assert written[1].endswith("x ... (9004 characters)")
    assert len(written[1]) < 600


def test_an_interrupt_leaves_the_execution_running_and_says_how_to_follow_and_stop_it(
    follow: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "stop", lambda *_: pytest.fail("the execution was stopped"))
    monkeypatch.setattr(options, "_shared_options", ["-c", "my project.yaml"])
    with pytest.raises(KeyboardInterrupt):
        follow(change("Executing"), status="Executing")
    assert capsys.readouterr().err.splitlines() == [
        f"the execution is still running; to follow it: groundloop watch {ARN} -c 'my project.yaml'",
        f"to stop it: groundloop stop {ARN} -c 'my project.yaml'",
    ]


def test_where_the_execution_ends_with_the_command_an_interrupt_stops_it(
    follow: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "stop", lambda *_: "Stopped")
    with pytest.raises(KeyboardInterrupt):
        follow(change("Executing"), status="Executing", stop_on_interrupt=True)
    assert capsys.readouterr().err.splitlines()[-1] == f"execution Stopped: {ARN}"


def test_where_the_offline_aws_ends_with_the_command_the_hints_name_files(tmp_path: Path) -> None:
    event = Event(datetime(2026, 1, 1, tzinfo=timezone.utc), "algo-1", "broken")
    evidence = ["groundloop labels check s3://b/m.manifest --region us-east-1", "train.manifest line 1: 3 boxes"]
    written: list[str] = []
    files = progress.OfflineFiles(tmp_path, "groundloop labels check coco.json --images photos")
    progress.print_diagnosis(Diagnosis(ARN, "Train", "j", GROUP, [event], [], evidence), written.append, files)
    text = "\n".join(written)
    assert f"the whole log: {tmp_path}/jobs/j/log.txt" in text
    assert "  groundloop labels check coco.json --images photos\n  train.manifest line 1: 3 boxes" in text
    assert "s3://" not in text
    assert "groundloop logs" not in text


SOURCE = {
    "name": "s3://b/labels.manifest", "read": 5000, "used": 4998, "rejected": 0, "reasons": {}, "replaced": 2,
    "failed": 0, "unlabelled": 0,
}  # fmt: skip
NEW = {
    "name": "s3://b/new.manifest", "read": 260, "used": 9, "rejected": 240, "replaced": 0, "failed": 1,
    "unlabelled": 10, "reasons": {"ERROR_INVALID_BOUNDING_BOX": 10, "ERROR_IMAGE_MISSING": 230},
}  # fmt: skip


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        pytest.param(
            {"sources": [SOURCE], "negatives_dropped": 12},
            [
                (
                    "labels: 5000 lines read, 4998 used, 0 rejected, 2 replaced by later labels; "
                    "12 negatives dropped from train"
                )
            ],
            id="one source",
        ),
        pytest.param(
            {"sources": [SOURCE, NEW], "negatives_dropped": 0},
            [
                (
                    "labels: 5260 lines read, 5007 used, 240 rejected (ERROR_IMAGE_MISSING 230, "
                    "ERROR_INVALID_BOUNDING_BOX 10), 2 replaced by later labels, 1 failed to be labelled, 10 unlabelled"
                ),
                "  s3://b/labels.manifest: 5000 lines read, 4998 used, 0 rejected, 2 replaced by later labels",
                (
                    "  s3://b/new.manifest: 260 lines read, 9 used, 240 rejected (ERROR_IMAGE_MISSING 230, "
                    "ERROR_INVALID_BOUNDING_BOX 10), 1 failed to be labelled, 10 unlabelled"
                ),
            ],
            id="new labels that are nearly all rejected",
        ),
    ],
)
def test_right_after_prepare_it_says_which_labels_are_used(
    follow: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    summary: dict[str, Any],
    expected: list[str],
) -> None:
    monkeypatch.setattr(progress, "prepared_summary", lambda *_: summary)
    follow(change("Succeeded", seconds=41.0))
    assert capsys.readouterr().out.splitlines()[1:-1] == [f"       {line}" for line in expected]
