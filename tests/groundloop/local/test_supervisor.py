"""A supervised program ends with whoever started it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from groundloop.local.subprocess_guard import Child

SUPERVISOR = Path(__file__).parents[3] / "groundloop" / "local" / "supervisor.py"

#: A program that notes its process id and would run for a minute.
LONG = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
#: The same, deaf to a polite request.
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + LONG


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody waits for any more is as good as gone.
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


def noted(path: Path) -> int:
    assert eventually(lambda: path.exists() and bool(path.read_text()))
    return int(path.read_text())


@pytest.mark.parametrize(
    ("program", "code"),
    [
        pytest.param("pass", 0, id="a program that ends well"),
        pytest.param("raise SystemExit(7)", 7, id="a program that fails"),
        pytest.param("import os; os.kill(os.getpid(), 9)", 137, id="a program that is killed"),
    ],
)
def test_the_exit_code_is_passed_on(tmp_path: Path, program: str, code: int) -> None:
    child = Child([sys.executable, "-c", program], os.environ, tmp_path, tmp_path / "log")
    assert child.wait(10) == code


def test_a_program_that_is_missing_gives_127_and_a_line_in_the_log(tmp_path: Path) -> None:
    child = Child(["/no/such/program"], os.environ, tmp_path, tmp_path / "log")
    assert child.wait(10) == 127
    assert "cannot start /no/such/program" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("program", [pytest.param(LONG, id="polite"), pytest.param(STUBBORN, id="stubborn")])
def test_end_ends_the_program(tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundloop.local.subprocess_guard.GRACE_SECONDS", 0.3)
    child = Child([sys.executable, "-c", program, str(tmp_path / "pid")], os.environ, tmp_path, tmp_path / "log")
    process = noted(tmp_path / "pid")
    child.end()
    assert not child.running
    assert eventually(lambda: not alive(process))


def test_what_the_program_started_ends_with_it(tmp_path: Path) -> None:
    starts = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {LONG!r}, sys.argv[1]])"
    command = [sys.executable, "-c", f"{starts}; time.sleep(0.5)", str(tmp_path / "pid")]
    child = Child(command, os.environ, tmp_path, tmp_path / "log")
    process = noted(tmp_path / "pid")
    assert child.wait(10) == 0
    assert eventually(lambda: not alive(process))


def test_the_program_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = (
        "import os, pathlib, sys, time\n"
        "from groundloop.local.subprocess_guard import Child\n"
        f"Child([sys.executable, '-c', {LONG!r}, sys.argv[1]], os.environ, pathlib.Path('.'), pathlib.Path('log'))\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter, str(tmp_path / "pid")], cwd=tmp_path)
    process = noted(tmp_path / "pid")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert eventually(lambda: not alive(process))


def test_wrong_usage_is_told() -> None:
    done = subprocess.run([sys.executable, str(SUPERVISOR), "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage" in done.stderr
