"""How far a running step's job is, from SageMaker's answers, the job's log and its outputs."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.executions import job_progress, logs, polled_job
from groundloop.executions.control import Transition
from groundloop.executions.job_progress import ProgressReader
from groundloop.executions.polled_job import JobProgress
from groundloop.executions.training_progress import EpochEnded, FindingAppeared
from groundloop.spec.training_log import EpochMetrics
from tests.fixtures.training_logs import epoch_lines

BEGUN = datetime(2026, 1, 1, tzinfo=timezone.utc)
QUALITY = "#quality_metric: host=algo-1, epoch="


def step(kind: str) -> Transition:
    return Transition("Train", "Executing", None, cached=False, attempt=1, kind=kind, job="job-1")


class FakeAws:
    """SageMaker, CloudWatch Logs and S3 in the state that a test sets."""

    def __init__(self) -> None:
        self.job: dict[str, Any] = {}
        self.lines: list[tuple[float, str]] = []
        self.outputs: list[tuple[str, float]] = []
        self.manifest: Any = [{"prefix": "s3://b/"}, "1.jpg", "2.jpg", "3.jpg", "4.jpg"]
        self.calls: list[str] = []
        self.error: ClientError | None = None

    def _describe(self, **_: Any) -> dict[str, Any]:
        self.calls.append("describe")
        if self.error:
            raise self.error
        return self.job

    describe_training_job = describe_transform_job = describe_processing_job = _describe

    def get_log_events(self, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        self.calls.append("get_log_events")
        new = self.lines[int(nextToken) :]
        events = [{"timestamp": (BEGUN.timestamp() + at) * 1000, "message": text} for at, text in new]
        return {"events": events, "nextForwardToken": str(len(self.lines))}

    def get_object(self, **_: Any) -> dict[str, Any]:
        self.calls.append("get_object")
        return {"Body": io.BytesIO(json.dumps(self.manifest).encode())}

    def get_paginator(self, name: str) -> FakeAws:
        self.calls.append(name)
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield {
            "logStreams": [{"logStreamName": "job-1/algo-1-1"}],
            "Contents": [{"Key": key, "LastModified": BEGUN + timedelta(seconds=at)} for key, at in self.outputs],
        }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    aws = FakeAws()
    for module in (job_progress, logs, polled_job):
        monkeypatch.setattr(module, "client", lambda *_: aws)
    monkeypatch.setattr(polled_job, "_pause", lambda _: 0.0)
    return aws


@pytest.fixture
def read(aws: FakeAws) -> Callable[..., JobProgress | None]:
    """Read the progress of a job, so many seconds after its start."""
    now = [BEGUN]
    reader = ProgressReader("us-east-1", lambda: now[0])

    def read(kind: str, seconds: float = 0.0) -> JobProgress | None:
        now[0] = BEGUN + timedelta(seconds=seconds)
        return reader.read(step(kind))

    read.reader = reader  # type: ignore[attr-defined]
    return read


@pytest.fixture
def take(read: Any) -> Callable[..., list[Any]]:
    """Take the events of the training job, in a step of this status."""

    def take(status: str = "Executing") -> list[Any]:
        return list(read.reader.take_events(replace(step("TrainingJob"), status=status)))

    return take


def training(phase: str, message: str = "") -> dict[str, Any]:
    return {
        "SecondaryStatus": phase,
        "SecondaryStatusTransitions": [{"Status": phase, "StartTime": BEGUN, "StatusMessage": message}],
        "HyperParameters": {"epochs": "4"},
    }


@pytest.mark.parametrize(
    ("job", "phase"),
    [
        pytest.param(
            training("Starting", "Preparing the instances for training"),
            "Starting: Preparing the instances for training",
            id="starting",
        ),
        pytest.param(training("Interrupted"), "Interrupted", id="no message"),
        pytest.param({}, "waiting for the instances", id="just created"),
        pytest.param(training("Training"), "Training: the first epoch has not ended yet", id="no epoch yet"),
    ],
)
def test_before_the_first_epoch_it_is_what_sagemaker_says(aws: FakeAws, read: Any, job: Any, phase: str) -> None:
    aws.job = job
    assert read("TrainingJob") == JobProgress(phase=phase)


def test_a_training_job_counts_epochs(aws: FakeAws, read: Any) -> None:
    aws.job = training("Training")
    aws.lines = [
        (8, f"{QUALITY}0, batch=9 train cross_entropy <loss>=0.5"),
        (8, f"{QUALITY}0, batch=9 train smooth_l1 <loss>=0.25"),
        (10, "#progress_metric: host=algo-1, completed 25 %"),
        (12, f"{QUALITY}0, validation mAP <score>=(0.4)"),
    ]
    assert read("TrainingJob", seconds=14) == JobProgress(
        unit="epoch",
        done=1,
        total=4,
        fraction=0.25,
        seconds_left=26.0,
        validation_map=0.4,
        best_map=0.4,
        loss=0.75,
    )
    aws.lines += [
        (20, "#progress_metric: host=algo-1, completed 50 %"),
        (22, f"{QUALITY}1, validation mAP <score>=(0.3)"),
    ]
    later = read("TrainingJob", seconds=22)
    assert (later.done, later.validation_map, later.best_map, later.seconds_left) == (2, 0.3, 0.4, 18.0)


def test_an_epoch_is_an_event_once_its_metrics_are_known(aws: FakeAws, read: Any, take: Any) -> None:
    aws.job = {**training("Training"), "TrainingStartTime": BEGUN}
    aws.lines = [(60, line) for line in epoch_lines(0, cross_entropy=2, smooth_l1=1, throughput=40)]
    read("TrainingJob", seconds=60)
    assert take() == [], "the mAP is not stated yet"
    aws.lines += [(60, line) for line in epoch_lines(0, map=0.5)]
    read("TrainingJob", seconds=60)
    first = EpochMetrics(0, 1, 2, 0.5, 40)
    assert take() == [EpochEnded(first, 4, 40, first, BEGUN + timedelta(seconds=240))]
    assert take() == [], "each is taken once"
    aws.lines += [(120, line) for line in epoch_lines(1, map=0.25)]
    aws.lines += [(180, line) for line in epoch_lines(2, cross_entropy=1, smooth_l1=1, map=0.25)]
    read("TrainingJob", seconds=180)
    assert [(event.metrics.number, event.throughput, event.best) for event in take()] == [
        (2, 40, first),
        (3, 40, first),
    ], "the second lacks its losses, but the third has begun"


def test_the_last_epoch_is_read_after_the_jobs_end(aws: FakeAws, read: Any, take: Any) -> None:
    aws.job = training("Training")
    read("TrainingJob")
    aws.lines = [(9, line) for line in epoch_lines(3, map=0.5)]
    aws.job = training("Completed")
    assert [event.metrics.number for event in take("Succeeded")] == [4]
    assert take("Succeeded") == []


@pytest.mark.parametrize(
    ("begun", "epochs"),
    [
        pytest.param(1, [1], id="between two looks"),
        pytest.param(-60, [], id="before the first look"),
    ],
)
def test_a_job_that_no_look_saw_has_events_if_it_ended_since(
    aws: FakeAws, read: Any, begun: float, epochs: list[int]
) -> None:
    aws.job = training("Completed")
    aws.lines = [(1, line) for line in epoch_lines(0, map=0.5, cross_entropy=2, smooth_l1=1)]
    quick = replace(step("TrainingJob"), status="Succeeded", started=BEGUN + timedelta(seconds=begun), seconds=2.0)
    events = read.reader.take_events(quick)
    assert [(event.metrics.number, event.epochs) for event in events] == [(number, 4) for number in epochs]
    assert bool(aws.calls) == bool(epochs)


def test_a_finding_is_an_event_once(aws: FakeAws, read: Any, take: Any) -> None:
    aws.job = training("Training")
    for number in range(3):
        aws.lines += [(number, line) for line in epoch_lines(number, cross_entropy="nan", smooth_l1=1, map=0.1)]
        read("TrainingJob", seconds=number)
    assert [event.finding.code for event in take() if isinstance(event, FindingAppeared)] == ["not_finite"]


def test_a_log_that_is_not_read_to_its_end_shows_no_stalled_job(aws: FakeAws, read: Any, take: Any) -> None:
    aws.job = training("Training")
    aws.lines = [(1, "a line of a job that has been running for hours when somebody begins to watch")]
    read("TrainingJob", seconds=7200)
    assert take() == []
    read("TrainingJob", seconds=7200)
    assert [event.finding.code for event in take()] == ["stalled"]


def test_a_stream_that_begins_later_is_found_after_a_minute(
    aws: FakeAws, read: Any, take: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an interruption of spot capacity the log goes on in another stream."""
    aws.job = training("Training")
    read("TrainingJob")
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + 61)
    read("TrainingJob")
    assert aws.calls.count("describe_log_streams") == 2


def test_each_look_at_the_log_is_one_request_for_what_is_new(aws: FakeAws, read: Any) -> None:
    aws.job = training("Training")
    for _ in range(3):
        aws.lines.append((1, "a line"))
        read("TrainingJob")
    assert aws.calls.count("describe_log_streams") == 1
    assert aws.calls.count("get_log_events") == 3


def test_between_two_looks_nothing_is_asked(aws: FakeAws, read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polled_job, "_pause", lambda seconds: seconds)
    aws.job = training("Starting")
    assert read("TrainingJob") == read("TrainingJob")
    assert aws.calls == ["describe"]


def transform(kind: str = "ManifestFile") -> dict[str, Any]:
    return {
        "TransformStartTime": BEGUN,
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": "s3://b/images.json"}}},
        "TransformOutput": {"S3OutputPath": "s3://b/out"},
    }


def test_a_transform_job_counts_images(aws: FakeAws, read: Any) -> None:
    aws.job = transform()
    aws.outputs = [("out/1.jpg.out", 5), ("out/log.txt", 5), ("out/2.jpg.out", -60)]
    progress = read("TransformJob", seconds=10)
    assert progress == JobProgress(unit="image", done=1, total=4, fraction=0.25, seconds_left=30.0)
    aws.outputs += [(f"out/{number}.jpg.out", 6) for number in (3, 4)]
    assert read("TransformJob", seconds=12).done == 3
    assert aws.calls.count("get_object") == 1, "the number of images stays"


@pytest.mark.parametrize(
    ("kind", "manifest"),
    [
        pytest.param("S3Prefix", [], id="a prefix"),
        pytest.param("ManifestFile", {"not": "a list"}, id="not a manifest"),
    ],
)
def test_without_a_known_number_of_images_there_is_no_count(aws: FakeAws, read: Any, kind: str, manifest: Any) -> None:
    aws.job, aws.manifest = transform(kind), manifest
    assert read("TransformJob") == JobProgress()


@pytest.mark.parametrize("kind", ["TransformJob", "ProcessingJob"])
def test_a_job_without_a_start_waits_for_its_instances(aws: FakeAws, read: Any, kind: str) -> None:
    assert read(kind) == JobProgress(phase="waiting for the instances")


def test_a_step_without_a_job_has_no_progress(read: Any) -> None:
    assert read("") is None
    assert read("RegisterModel") is None


def failure(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeTrainingJob")


def test_without_permission_the_reason_is_given_and_nothing_asked_again(aws: FakeAws, read: Any) -> None:
    aws.error = failure("AccessDeniedException")
    assert "progress can't be read: AWS refused DescribeTrainingJob" in read("TrainingJob").phase
    read("TrainingJob")
    assert aws.calls == ["describe"]


def test_throttling_leaves_the_progress_as_it_was(aws: FakeAws, read: Any) -> None:
    aws.job = training("Starting")
    before = read("TrainingJob")
    aws.error = failure("ThrottlingException")
    assert read("TrainingJob") == before
    aws.error, aws.job = None, training("Downloading")
    assert read("TrainingJob").phase == "Downloading"
