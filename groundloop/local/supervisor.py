"""A program that runs another in its own process group and ends it when its own standard input closes.

The parent holds the other end of that pipe and never writes to it. However the parent dies (also by SIGKILL, also on
macOS, which has no parent-death signal), the pipe closes, and the program and all it started end.

    python supervisor.py GRACE_SECONDS -- PROGRAM ARGUMENT ...

It starts with every job and every model, so it does without `subprocess`, `threading` and `signal`, whose imports take
longer than all the rest.

The program's exit code is passed on; one that died by a signal gives 128 + the signal's number, as in a shell.
"""

from __future__ import annotations

import _thread
import os
import sys

#: The same numbers on Linux and macOS. Python ignores the latter two, and a program would inherit that.
_SIGKILL, _SIGTERM, _SIGPIPE, _SIGXFSZ = 9, 15, 13, 25


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    # On macOS a group whose only member is a zombie answers EPERM instead of ESRCH.
    except (ProcessLookupError, PermissionError):
        return


def _end_when_parent_ends(group: int, grace: float, running: _thread.LockType) -> None:
    while os.read(0, 4096):
        pass
    _signal_group(group, _SIGTERM)
    if not running.acquire(timeout=grace):
        _signal_group(group, _SIGKILL)


def _start(command: list[str]) -> int:
    """Start a program in a process group of its own, without standard input, and return its process id."""
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    return os.posix_spawnp(
        command[0], command, os.environ, file_actions=[nothing], setpgroup=0, setsigdef=[_SIGPIPE, _SIGXFSZ]
    )


def main(argv: list[str]) -> int:
    """Run a program, and end it and its children when the process that started it ends."""
    if len(argv) < 3 or argv[1] != "--":
        sys.stderr.write("usage: supervisor.py GRACE_SECONDS -- PROGRAM ARGUMENT ...\n")
        return 2
    grace, command = float(argv[0]), argv[2:]
    try:
        child = _start(command)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        return 127
    running = _thread.allocate_lock()
    running.acquire()
    _thread.start_new_thread(_end_when_parent_ends, (child, grace, running))
    _, status = os.waitpid(child, 0)
    running.release()
    # What the program started and left behind ends with it.
    _signal_group(child, _SIGKILL)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
