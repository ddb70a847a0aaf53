"""A proof that is interrupted leaves nothing behind, or a journal by which `--clean` finds it all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from groundloop.local import LocalAws
from tests.pipeline.prove.conftest import LOCAL, ROOT, Prove, left_over

_SLEEPING = Path(__file__).with_name("sleeping_trial.py")


@pytest.fixture
def running(aws: LocalAws, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a proof as a process of its own and return once its pipeline and its job run."""
    given = ["--run", "small", "--yes", "--only", "sleeping", "--output", str(tmp_path / "proof"), "-c", str(LOCAL)]
    process = subprocess.Popen(
        [sys.executable, str(_SLEEPING), "prove", *given],
        cwd=ROOT, env={**os.environ, **aws.environment()}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        _wait_until_it_runs(process)
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait_until_it_runs(process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        jobs = boto3.client("sagemaker").list_processing_jobs(StatusEquals="InProgress")["ProcessingJobSummaries"]
        if len(jobs) == 2:
            return
        time.sleep(0.1)
    raise AssertionError(f"no job runs: {process.communicate()[0] if process.poll() is not None else 'timeout'}")


def test_what_a_killed_proof_has_made_is_removed_by_clean(
    running: subprocess.Popen[str], prove: Prove, tmp_path: Path
) -> None:
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert set(left_over()) == {"pipelines", "objects", "running jobs"}
    ran = prove("--clean")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "nothing is left of a proof"
    assert left_over() == {}
    assert prove("--clean").out.splitlines() == ["nothing is left of a proof"]


def test_the_next_run_cleans_up_first(running: subprocess.Popen[str], prove: Prove) -> None:
    running.send_signal(signal.SIGKILL)
    running.wait()
    ran = prove("--run", "free", "--only", "role-simulation")
    assert ran.code == 0
    assert "an earlier proof has left 3 resources" in ran.out
    assert left_over() == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_the_proof_and_removes_what_it_made(
    running: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    running.send_signal(number)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130, out
    assert left_over() == {}
    written = json.loads((tmp_path / "proof" / "proof.json").read_text(encoding="utf-8"))
    outcomes = {item["id"]: (item["outcome"], item["text"]) for item in written["assumptions"]}
    assert outcomes["sleeps"] == ("not tried", "the run was interrupted")
    assert outcomes["waits"] == ("not tried", "it was not asked for")


def test_a_second_proof_in_the_same_folder_waits_for_the_first(running: subprocess.Popen[str], prove: Prove) -> None:
    assert "another proof runs" in prove("--run", "free").error
