"""Child processes of jobs and endpoints, which end with this process."""

from __future__ import annotations

import subprocess
import sys
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

    def wait(self, timeout: float) -> int | None:
        """Wait for the program; return its exit code, None if it still runs after `timeout` seconds."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._close()
        return code

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return self._process.poll() is None

    def end(self) -> int:
        """End the program and all it started; returns its exit code."""
        self._close()
        try:
            return self._process.wait(GRACE_SECONDS + 5)
        except subprocess.TimeoutExpired:
            # Only a supervisor that was itself stopped gets here.
            self._process.kill()
            return self._process.wait()

    def _close(self) -> None:
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
