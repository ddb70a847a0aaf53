"""A proof that is interrupted leaves nothing behind, or a journal by which `--clean` finds it all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from groundloop.local import LocalAws
from pipeline.prove import catalogue, runner
from tests.fixtures.cli import CommandResult
from tests.pipeline.prove.conftest import LOCAL, ROOT, Prove, left_over
from tests.pipeline.prove.sleeping_trial import TRIALS

_GIVEN = ("--run", "small", "--yes", "--only", "sleeping")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SLEEPING = Path(__file__).with_name("sleeping_trial.py")


@pytest.fixture
def running(aws: LocalAws, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a proof as a process of its own and return once its pipeline and its job run."""
    process = subprocess.Popen(
        [sys.executable, str(_SLEEPING), "prove", *_GIVEN, "--output", str(tmp_path / "proof"), "-c", str(LOCAL)],
        cwd=ROOT, env={**os.environ, **aws.environment()}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert _runs(lambda: process.poll() is None), process.communicate()[0]
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def interrupted(aws: LocalAws, prove: Prove, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], CommandResult]:
    """Runs a proof in this process, which sends itself a signal once the proof's pipeline and its job run."""
    monkeypatch.setattr(catalogue, "TRIALS", TRIALS)
    monkeypatch.setattr(runner, "TRIALS", TRIALS)

    def run(number: int) -> CommandResult:
        ended = threading.Event()

        def send() -> None:
            if _runs(lambda: not ended.is_set()):
                os.kill(os.getpid(), number)

        sender = threading.Thread(target=send)
        # As a program in a terminal has it; the other ones, if the program left them alone, would end the tests.
        at_first = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: _unexpected, signal.SIGHUP: _unexpected}
        before = {each: signal.signal(each, handler) for each, handler in at_first.items()}
        sender.start()
        try:
            return prove(*_GIVEN)
        finally:
            ended.set()
            sender.join()
            for each, handler in before.items():
                signal.signal(each, handler)

    return run


def _unexpected(number: int, _: object) -> None:
    raise AssertionError(f"signal {number} was left alone")


def _runs(goes_on: Callable[[], bool]) -> bool:
    """Wait until a proof's pipeline and its job run; False when it has ended before."""
    until = time.monotonic() + 120
    while time.monotonic() < until and goes_on():
        jobs = boto3.client("sagemaker").list_processing_jobs(StatusEquals="InProgress")["ProcessingJobSummaries"]
        if len(jobs) == 2:
            return True
        time.sleep(0.1)
    return False


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


def test_the_next_run_waits_for_the_first_and_cleans_up_after_it(running: subprocess.Popen[str], prove: Prove) -> None:
    assert "another proof runs" in prove("--run", "free").error
    running.send_signal(signal.SIGKILL)
    running.wait()
    ran = prove("--run", "free", "--only", "role-simulation")
    assert ran.code == 0
    assert "an earlier proof has left 3 resources" in ran.out
    assert left_over() == {}


@pytest.mark.parametrize("number", _SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_the_proof_and_removes_what_it_made(
    interrupted: Callable[[int], CommandResult], tmp_path: Path, number: signal.Signals
) -> None:
    ran = interrupted(number)
    assert ran.code == 130, ran.out + ran.err
    assert left_over() == {}
    written = json.loads((tmp_path / "proof" / "proof.json").read_text(encoding="utf-8"))
    outcomes = {item["id"]: (item["outcome"], item["text"]) for item in written["assumptions"]}
    assert outcomes["sleeps"] == ("not tried", "the run was interrupted")
    assert outcomes["waits"] == ("not tried", "it was not asked for")
