"""The program as a user starts it: the offline AWS in the foreground, Ctrl-C, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, DataSet

PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]


@contextlib.contextmanager
def groundloop(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program in a process of its own, with the offline AWS's folder in `folder`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # A mark on every process that descends from this one.
    environment["GROUNDLOOP_TEST_MARK"] = str(folder)
    # So that the hints name the program as a user's would.
    environment["PATH"] = PATH
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Output up to the line that matches; fails when the program ends before."""
    assert process.stdout
    seen = ""
    for line in process.stdout:
        seen += line
        if re.search(pattern, line):
            return seen
    raise AssertionError(f"ended with {process.wait()} before {pattern!r}:\n{seen}")


def descendants(folder: Path) -> list[str]:
    """Command lines of the processes that carry the mark."""
    found = []
    mark = f"GROUNDLOOP_TEST_MARK={folder}".encode()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def all_gone(folder: Path) -> bool:
    until = time.monotonic() + 10
    while descendants(folder) and time.monotonic() < until:
        time.sleep(0.1)
    return not descendants(folder)


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes through /proc")


def data_options(dataset: DataSet) -> list[str]:
    return ["--labels", str(dataset.few), "--images", str(dataset.images)]


@needs_proc
@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl-C stops the execution"),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, id="killed without a chance to clean up"),
    ],
)
def test_no_process_outlives_a_run(tmp_path: Path, dataset: DataSet, number: signal.Signals, code: int) -> None:
    with groundloop(tmp_path, "local", "run", *data_options(dataset)) as process:
        read_until(process, "Train +Executing")
        until = time.monotonic() + 20
        while not any("groundloop.local.detector" in command for command in descendants(tmp_path)):
            assert time.monotonic() < until, "training does not begin"
            time.sleep(0.1)
        process.send_signal(number)
        rest = process.stdout.read() if process.stdout else ""
        assert process.wait(30) == code, rest
        assert "Traceback" not in rest
        if number == signal.SIGINT:
            assert "execution Stopped" in rest
        assert all_gone(tmp_path), descendants(tmp_path)


@needs_proc
def test_the_hints_of_the_foreground_server_work_when_typed(tmp_path: Path, dataset: DataSet) -> None:
    with groundloop(tmp_path, "local", "--port", "0", "--keep", "state", *data_options(dataset)) as process:
        printed = read_until(process, "Ctrl-C")
        hints = [line.strip() for line in printed.splitlines() if line.startswith("  ")]
        assert hints == ['eval "$(groundloop local env)"', "groundloop upsert", "groundloop start --watch"]
        with subprocess.Popen(
            ["/bin/bash", "-ec", "; ".join(hints)],
            cwd=tmp_path,
            env={**os.environ, "PATH": PATH},
            stdout=subprocess.PIPE,
            text=True,
        ) as shell:
            read_until(shell, "Train +Executing")
            shell.terminate()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read() if process.stdout else ""
        assert process.wait(20) == 0
        assert "stopping: 1 running execution" in rest
        assert "to continue: groundloop local --keep state" in rest
        assert all_gone(tmp_path)


def test_without_labels_the_server_offers_some_keeps_its_port_and_says_what_ends(tmp_path: Path) -> None:
    with groundloop(tmp_path, "local", "--port", "0") as process:
        printed = read_until(process, "Ctrl-C")
        assert "start --watch" not in printed, "it would fail"
        assert "with --demo for synthetic ones" in printed
        port = re.search(r"127\.0\.0\.1:(\d+)", printed)
        assert port
        with groundloop(tmp_path, "local", "--port", port[1]) as second:
            output = second.stdout.read() if second.stdout else ""
            assert second.wait(20) == 1
            assert "Traceback" not in output
            assert port[1] in output
            assert output.count("error:") == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert (process.stdout.read() if process.stdout else "").splitlines() == ["stopping", "stopped"]


def test_help_is_quick_to_import() -> None:
    """What makes --help slow is an import too many: none of the heavy ones happens for it."""
    heavy = ["sagemaker", "boto3", "botocore", "moto", "numpy", "pydantic", "rich", "PIL"]
    script = (
        "import sys; sys.argv = ['groundloop', '--help']\n"
        "from pipeline.cli import main\n"
        "try: main()\n"
        f"except SystemExit: sys.exit(repr([m for m in {heavy!r} if m in sys.modules]))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stderr.strip() == "[]"
