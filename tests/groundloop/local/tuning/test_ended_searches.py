"""Tuning jobs when their offline AWS ends: what is kept, and that no training process is left."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from groundloop.local import LocalAws
from tests.groundloop.local.tuning.conftest import STAND_INS, TRAINER, tuning_request, wait_for

PROGRAM = """
import json, pathlib, signal, sys
from groundloop.local import ImageStandIn, LocalAws

folder, trainer, request = sys.argv[1:]
stand_in = ImageStandIn(
    train=[sys.executable, "-I", "-S", trainer, "{opt_ml}"], metrics={"validation:mAP": r"<score>=\\((\\S+)\\)"}
)
with LocalAws(pathlib.Path(folder), programs={"/known-curves:": stand_in}) as aws:
    aws.client("sagemaker").create_hyper_parameter_tuning_job(**json.loads(request))
    signal.pause()
"""


def processes(home: Path) -> list[int]:
    """The training processes that have begun, from their logs."""
    logs = [path.read_text() for path in home.glob("jobs/*/log.txt")]
    return [int(match[1]) for text in logs if (match := re.search(r"^process (\d+)$", text, re.MULTILINE))]


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_no_training_process_outlives_an_offline_aws_that_is_killed(tmp_path: Path) -> None:
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2}
    role = "arn:aws:iam::123456789012:role/groundloop-local"
    request = tuning_request(role, "killed", ["1", "2"], Strategy="Grid", statics={"hangs": "1,2"}, **limits)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(TRAINER), json.dumps(request)]
    running = subprocess.Popen(command)
    try:
        wait_for(lambda: len(processes(tmp_path)) == 2)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait(20)
    wait_for(lambda: not any(runs(process) for process in processes(tmp_path)))


def test_a_search_is_kept_and_the_next_one_starts_with_its_results(tmp_path: Path) -> None:
    def offline() -> LocalAws:
        return LocalAws(tmp_path, programs=STAND_INS, keep=True)

    with offline() as first:
        sm = first.client("sagemaker")
        first.client("s3").create_bucket(Bucket="bucket")
        sm.create_hyper_parameter_tuning_job(**tuning_request(first.role_arn, "done", MaxNumberOfTrainingJobs=1))
        wait_for(lambda: status(sm, "done") == "Completed")
        hanging = tuning_request(
            first.role_arn, "cut", ["1"], Strategy="Grid", MaxNumberOfTrainingJobs=1, statics={"hangs": "1"}
        )
        sm.create_hyper_parameter_tuning_job(**hanging)
        wait_for(lambda: len(processes(tmp_path)) == 2)
        described = sm.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="done")
    assert not any(runs(process) for process in processes(tmp_path))
    with offline() as second:
        sm = second.client("sagemaker")
        kept = sm.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="done")
        for answer in (described, kept):
            del answer["ResponseMetadata"]
        assert json.dumps(kept, default=str) == json.dumps(described, default=str)
        assert status(sm, "cut") == "Stopped"
        parents = [{"HyperParameterTuningJobName": "done"}]
        warm = {"WarmStartType": "IdenticalDataAndAlgorithm", "ParentHyperParameterTuningJobs": parents}
        child = tuning_request(second.role_arn, "child", MaxNumberOfTrainingJobs=1, WarmStartConfig=warm)
        sm.create_hyper_parameter_tuning_job(**child)
        wait_for(lambda: status(sm, "child") == "Completed")
        assert "warm start: 1 of 1 results of done" in (tmp_path / "tuning-jobs" / "child" / "log.txt").read_text()


def status(sm: Any, name: str) -> str:
    return str(
        sm.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)["HyperParameterTuningJobStatus"]
    )
