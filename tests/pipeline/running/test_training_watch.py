"""Watching a training job: a line for each epoch, findings as they appear, and a job that is stopped on one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
import pytest

from groundloop.local import ImageStandIn
from tests.fixtures.training_logs import epoch_lines

Json = dict[str, Any]
# Prints what the hyperparameter `lines` holds; then, with `wait`, runs until it is stopped.
PROGRAM = """
import json, pathlib, sys, time
given = json.loads(pathlib.Path(sys.argv[1], "input/config/hyperparameters.json").read_text())
print(given["lines"], flush=True)
pathlib.Path(sys.argv[1], "model/model.bin").write_text("weights")
time.sleep(float(given["wait"]))
"""


@pytest.fixture(scope="session")
def image_stand_ins() -> dict[str, ImageStandIn]:
    """A trainer that prints the lines that a test gives it."""
    return {r"/object-detection:": ImageStandIn(train=[sys.executable, "-c", PROGRAM, "{opt_ml}"], metrics={})}


@pytest.fixture
def pipeline(
    make_pipeline: Callable[..., str], training: Callable[..., Json], put: Callable[[str, bytes], str], image: str
) -> Callable[..., str]:
    """Create a pipeline whose training job prints the given lines and goes on for some seconds."""
    line = {"source-ref": image, "bounding-box": {"annotations": [], "image_size": [{"width": 32, "height": 32}]}}
    manifest = put("watch/train.manifest", json.dumps(line).encode())

    # Long enough to be seen while it runs: of a job that ended earlier, no epochs are told.
    def pipeline(lines: list[str], wait: float = 0.5, **given: str) -> str:
        return make_pipeline(training(manifest, lines="\n".join(lines), wait=str(wait), **given))

    return pipeline


LINES = [
    *epoch_lines(0, map=0.25, cross_entropy=2.5, smooth_l1=1.25, throughput=40),
    *epoch_lines(1, map=0.5, cross_entropy=1.9, smooth_l1=0.75, throughput=41.5),
    *epoch_lines(2, map=0.375, cross_entropy=1.5, smooth_l1=0.5, throughput=41),
    "Expected number of batches: 20, did not match the number of batches processed: 19.",
]


def test_each_epoch_is_a_line_and_each_finding_another(groundloop: Any, pipeline: Callable[..., str]) -> None:
    ran = groundloop("start", "--name", pipeline(LINES, epochs="3"), "--watch")
    assert ran.code == 0, ran.err
    said = [line.split("  Train ", 1)[1].strip() for line in ran.out.splitlines() if "  Train " in line]
    epochs = [line for line in said if line.startswith("epoch ") and "/" in line and "%" not in line]
    assert epochs[-1] == "epoch 3/3  mAP 0.38 (best 0.50 at 2)  loss 1.5/0.5  41 img/s"
    assert [line.split()[1] for line in epochs] == ["1/3", "2/3", "3/3"]
    (finding,) = [line for line in said if line.startswith("finding ")]
    assert finding.startswith("finding batches_missing: 19 batches of an epoch were processed, 20 were expected")
    assert "warning: " not in ran.out, "the finding has said it"


def test_events_are_lines_of_json_too(groundloop: Any, pipeline: Callable[..., str]) -> None:
    ran = groundloop("start", "--name", pipeline(LINES, epochs="3"), "--watch", "--json")
    events = [line for line in ran.json_lines if line["event"] in {"epoch", "finding"}]
    assert events[1] == {
        "step": "Train", "job": events[0]["job"], "event": "epoch", "epoch": 2, "epochs": 3,
        "validation_map": 0.5, "best_map": 0.5, "best_epoch": 2, "cross_entropy": 1.9, "smooth_l1": 0.75,
        "images_per_second": 41.5, "expected_end": events[1]["expected_end"],
    }  # fmt: skip
    finding = next(event for event in events if event["event"] == "finding")
    assert (finding["code"], finding["epoch"], finding["stops"]) == ("batches_missing", None, False)
    assert set(finding) == {"step", "job", "event", "code", "epoch", "message", "remedy", "stops"}


def test_a_job_whose_loss_is_nan_is_stopped_within_two_seconds(groundloop: Any, pipeline: Callable[..., str]) -> None:
    lines = [*epoch_lines(0, map=0.1, cross_entropy=2.5, smooth_l1=1.25), *epoch_lines(1, cross_entropy="nan")]
    name = pipeline(lines, wait=60, epochs="60", learning_rate="0.5")
    ran = groundloop("start", "--name", name, "--watch", "-s", "training.watch.stop_on=[not_finite]")
    assert ran.code == 1
    job = next(word for line in ran.out.splitlines() if line.startswith("stopping ") for word in line.split()[1:2])[:-1]
    reason = (
        "not_finite: cross_entropy is nan in epoch 2: the learning rate 0.5 is too high; "
        "halve training.hyperparameters.learning_rate to 0.25"
    )
    assert f"error: training.watch.stop_on stopped {job}: {reason}" in ran.err.splitlines()
    described = boto3.client("sagemaker").describe_training_job(TrainingJobName=job)
    assert described["TrainingJobStatus"] == "Stopped"
    ended: datetime = described["TrainingEndTime"]
    assert (ended - written_at(job, "nan")).total_seconds() <= 2
    again = groundloop("watch", "--name", name)
    assert f"training.watch.stop_on stopped {job}: {reason}" in again.err, "the execution's description says so"


def test_without_stop_on_the_finding_stops_nothing(groundloop: Any, pipeline: Callable[..., str]) -> None:
    ran = groundloop("start", "--name", pipeline(epoch_lines(0, cross_entropy="inf")), "--watch")
    assert ran.code == 0, ran.err
    assert "finding not_finite: cross_entropy is inf in epoch 1" in ran.out
    assert "stopping" not in ran.out


def written_at(job: str, text: str) -> datetime:
    """Return when a line that contains a text reached the log."""
    logs = boto3.client("logs")
    found = logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{job}/")
    at = next(event["timestamp"] for event in found["events"] if text in event["message"])
    return datetime.fromtimestamp(at / 1000).astimezone()
