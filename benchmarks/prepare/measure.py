"""What a whole process costs, with its children."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# macOS counts bytes, everyone else KiB.
_UNIT = 1 if sys.platform == "darwin" else 1024

# A process starts with the peak of the one that started it, so a small one has to be in between. And wait4 reports what
# this one child used, with its own children, where resource.getrusage tells of all so far.
_LAUNCHER = """
import os, sys, time
said = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
begun = time.perf_counter()
both = [(os.POSIX_SPAWN_DUP2, said, 1), (os.POSIX_SPAWN_DUP2, said, 2)]
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=both)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - begun
print(os.waitstatus_to_exitcode(status), used.ru_maxrss, used.ru_utime + used.ru_stime, wall)
"""


class FailedError(Exception):
    """A program ended with an error; the text holds the end of what it said."""


@dataclass(frozen=True)
class Cost:
    """Of one run.

    Attributes:
        cpu: seconds, user and system, of the process and its children.
        wall: seconds.
        memory: bytes, the peak of the largest of these processes.
    """

    cpu: float
    wall: float
    memory: int


def run(command: Sequence[str], folder: Path, log: Path) -> Cost:
    """Run it to its end.

    Args:
        folder: to run in.
        log: where to put what it says.

    Raises:
        FailedError: it ended with another code than 0.
    """
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(log), *command]
    measured = subprocess.run(launcher, cwd=folder, check=True, capture_output=True, text=True).stdout.split()
    code, memory = int(measured[0]), int(measured[1]) * _UNIT
    if code:
        message = log.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
        raise FailedError(f"{' '.join(command)} ended with code {code}:\n{message}")
    return Cost(float(measured[2]), float(measured[3]), memory)
