"""A program that runs another in its own process group and ends it when its own standard input closes.

The parent holds the other end of that pipe and never writes to it. However the parent dies (also by SIGKILL, also on
macOS, which has no parent-death signal), the pipe closes, and the program and all it started end.

    python supervisor.py GRACE_SECONDS -- PROGRAM ARGUMENT ...

The program's exit code is passed on; one that died by a signal gives 128 + the signal's number, as in a shell.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading


def _signal_group(group: int, number: signal.Signals) -> None:
    # On macOS a group whose only member is a zombie answers EPERM instead of ESRCH.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_when_parent_ends(group: int, grace: float, ended: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    _signal_group(group, signal.SIGTERM)
    if not ended.wait(grace):
        _signal_group(group, signal.SIGKILL)


def main(argv: list[str]) -> int:
    """Run a program, and end it and its children when the process that started it ends."""
    if len(argv) < 3 or argv[1] != "--":
        sys.stderr.write("usage: supervisor.py GRACE_SECONDS -- PROGRAM ARGUMENT ...\n")
        return 2
    grace, command = float(argv[0]), argv[2:]
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        return 127
    ended = threading.Event()
    threading.Thread(target=_end_when_parent_ends, args=(child.pid, grace, ended), daemon=True).start()
    code = child.wait()
    ended.set()
    # What the program started and left behind ends with it.
    _signal_group(child.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
