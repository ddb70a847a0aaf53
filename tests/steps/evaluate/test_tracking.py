"""The Evaluate job logs its run, and never fails for it."""

from __future__ import annotations

import atexit
import importlib.util
import json
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.tracking.run import EXECUTION_TAG
from steps.evaluate import tracking
from steps.evaluate.tracking import EvaluatedExecution, track
from tests.fixtures.run_record import RunRecord

ARN = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/bolts/execution/abcdefghijkl"
URI = "arn:aws:sagemaker:us-east-1:111122223333:mlflow-app/app-ABC123"
EVALUATION = {
    "map_50": 0.5,
    "per_class": {"usb-c": {"ap_50": 0.25, "recall": None}},
    "intervals": {"level": 0.95, "metrics": {"map_50": [0.4, 0.6]}},
    "champion": {"package": "arn:package/3", "metrics": {"map_50": 0.4}},
    "gate": {"thresholds_missed": 1, "message": "map_50 is 0.500, 0.100 under its threshold 0.6"},
    "training": {
        "job": "job-1",
        "curve": [{"epoch": 1, "smooth_l1": 2.0, "cross_entropy": None, "validation_map": 0.1}],
    },
}
SUMMARY = {"classes": ["nut", "usb-c"], "fingerprint": "ab" * 32, "train": {"images": 90, "boxes": 300}}


class SageMaker:
    """Describes one training job."""

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803 (boto3's)
        if TrainingJobName != "job-1":
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeTrainingJob")
        resources = {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1}
        return {"HyperParameters": {"epochs": "30"}, "ResourceConfig": resources}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("evaluation.json", "report.html", "results.csv"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_all_that_the_job_knows_is_logged(folder: Path) -> None:
    store = RunRecord()
    execution = EvaluatedExecution(ARN, EVALUATION, SUMMARY, "job-1")
    line = track(URI, "team/bolts", execution, folder, open_store=lambda _: store, sagemaker=SageMaker())
    assert line == "logged to MLflow: run run-0 of experiment 'team/bolts'"
    (run,) = store.runs.values()
    assert {(metric.name, metric.value, metric.step) for metric in run.metrics} == {
        ("test/map_50", 0.5, 0),
        ("per_class/usb-c/ap_50", 0.25, 0),
        ("train/smooth_l1", 2.0, 1),
        ("validation/mAP", 0.1, 1),
    }
    assert run.params == {
        "data.train_images": "90",
        "data.train_boxes": "300",
        "data.classes": "nut, usb-c",
        "data.num_classes": "2",
        "data.fingerprint": "ab" * 32,
        "epochs": "30",
        "instance_type": "ml.g4dn.xlarge",
        "instance_count": "1",
    }
    assert run.tags == {
        EXECUTION_TAG: ARN,
        "groundloop.pipeline": "bolts",
        "groundloop.training-job": "job-1",
        "groundloop.gate": "missed",
        "groundloop.gate-message": "map_50 is 0.500, 0.100 under its threshold 0.6",
        "groundloop.champion": "arn:package/3",
    }
    assert set(run.files) == {"evaluation.json", "report.html", "results.csv", "summary.json"}
    assert run.status == "FAILED", "the gate was missed"


def test_a_job_that_cannot_be_described_only_lacks_its_hyperparameters(folder: Path) -> None:
    store = RunRecord()
    execution = EvaluatedExecution(ARN, EVALUATION, SUMMARY, "job-2")
    assert track(URI, "bolts", execution, folder, open_store=lambda _: store, sagemaker=SageMaker()).startswith(
        "logged"
    )
    assert "epochs" not in store.runs["run-0"].params


def test_a_server_that_cannot_be_reached_is_one_line_with_the_command(folder: Path) -> None:
    store = RunRecord(broken="MLflow at https://h: connection refused")
    line = track(URI, "bolts", EvaluatedExecution(ARN, EVALUATION, SUMMARY), folder, open_store=lambda _: store)
    assert line == (
        "warning: the run was not logged: MLflow at https://h: connection refused; to log it later: "
        f"groundloop track abcdefghijkl --to {URI}"
    )


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        pytest.param(
            subprocess.CompletedProcess([], 1, "", "WARNING: x\nERROR: No matching distribution\n"),
            "pip could not install mlflow-skinny==3.17.2 sagemaker-mlflow==0.5.0: ERROR: No matching distribution",
            id="no index",
        ),
        pytest.param(subprocess.TimeoutExpired("pip", 300), "did not install mlflow-skinny==3.17.2", id="too slow"),
    ],
)
def test_packages_that_cannot_be_installed_are_one_line_too(
    folder: Path, outcome: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(*_: Any, **__: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setenv("GROUNDLOOP_REQUIREMENTS", "install")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(subprocess, "run", install)
    temporary = folder / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    at_the_end: list[Callable[[], Any]] = []
    monkeypatch.setattr(atexit, "register", lambda *call, **named: at_the_end.append(partial(*call, **named)))
    line = track(URI, "bolts", EvaluatedExecution(ARN, EVALUATION, SUMMARY), folder)
    assert line.startswith("warning: the run was not logged: ")
    assert message in line
    for call in at_the_end:
        call()
    assert not list(temporary.iterdir())


def test_the_installed_versions_are_those_that_are_tested() -> None:
    lock = (Path(__file__).resolve().parents[3] / "requirements.lock").read_text().splitlines()
    assert set(tracking.REQUIREMENTS) <= set(lock)


def test_the_job_ends_well_without_a_server(
    evaluate: Callable[..., Any], case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "_open", lambda uri: RunRecord(broken=f"MLflow at {uri}: connection refused"))
    done = evaluate(case, more=["--mlflow", "https://h", "bolts", "--execution", ARN])
    assert done.code == 0
    (line,) = (line for line in done.out.splitlines() if line.startswith("warning:"))
    assert "https://h: connection refused; to log it later: groundloop track abcdefghijkl --to https://h" in line
    assert json.loads((done.output / "gate.json").read_bytes())["gate"]["thresholds_missed"] == 0
