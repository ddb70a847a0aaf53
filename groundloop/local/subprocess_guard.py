"""Child processes of jobs and endpoints, which end with this process."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_SUPERVISOR = Path(__file__).with_name("supervisor.py")

#: Seconds between asking a program to end and making it. AWS gives a training job 120.
GRACE_SECONDS = 3.0


class Child:
    """A program under its supervisor; stdout and stderr go to one log file."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> None:
        # -I -S: the supervisor needs the standard library only, and starts in a few hundredths of a second.
        supervised = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(GRACE_SECONDS), "--", *command]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                supervised,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                # Ctrl-C on a terminal reaches this process alone, which then ends its children in order.
                start_new_session=True,
            )
        self._ended = threading.Event()
        # Waits without looking again and again, as `Popen.wait` with a time limit does.
        threading.Thread(target=self._wait_for_end, name=f"child-{self._process.pid}", daemon=True).start()

    def wait(self, timeout: float) -> int | None:
        """Wait for the program; return its exit code, None if it still runs after `timeout` seconds."""
        if not self._ended.wait(timeout):
            return None
        self._close()
        return self._process.returncode

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return not self._ended.is_set()

    def end(self) -> int:
        """End the program and all it started; returns its exit code."""
        self._close()
        if not self._ended.wait(GRACE_SECONDS + 5):
            # Only a supervisor that was itself stopped gets here.
            self._process.kill()
        return self._process.wait()

    def _wait_for_end(self) -> None:
        self._process.wait()
        self._ended.set()

    def _close(self) -> None:
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
