"""Where the tasks of the job run: in this process, or in several worker processes beside it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from groundloop.errors import UserError

PROCESSES, SPARK = "processes", "spark"
"""The names of the engines, on the command line and in the configuration."""

Task = TypeVar("Task")
Result = TypeVar("Result")

# A process reads this much in about the time that it takes to start: smaller parts are not worth one.
MIN_BYTES_PER_PROCESS = 32_000_000
_PARENT_CHECK_SECONDS = 1.0


class Engine(Protocol):
    """Runs a function on tasks. A task lists the files that it writes as `files`.

    Attributes:
        width: the number of tasks that the work should be divided into.
    """

    width: int

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield the function's results in the order of the tasks.

        Raises:
            UserError: as the function raised it.
        """

    def share(self, paths: Sequence[Path]) -> None:
        """Make files of this machine available at the same path wherever the tasks run."""

    def close(self) -> None:
        """Release processes and connections."""


class _LocalEngine:
    """Base of the engines on this machine, which have no files to share."""

    def share(self, paths: Sequence[Path]) -> None:
        pass

    def close(self) -> None:
        pass


class InProcess(_LocalEngine):
    """Runs the tasks one after the other in this process."""

    width = 1

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Call the function on each task, one after another."""
        return map(function, tasks)


class ProcessPool(_LocalEngine):
    """Runs tasks in at most `width` worker processes, which stay for the next tasks and end with this process."""

    def __init__(self, width: int) -> None:
        self.width = width
        # Started afresh and not forked: a fork would copy this process's threads in whatever state they are.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(width, mp_context=context, initializer=_watch_parent)

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Call the function on the tasks in worker processes; yield the results in order."""
        if len(tasks) == 1:
            yield function(tasks[0])
            return
        try:
            yield from self._pool.map(function, tasks)
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a worker process of the job ended unexpectedly, most likely for lack of memory: "
                "use an instance type with more memory, or --processes 1"
            ) from error

    def close(self) -> None:
        """End the worker processes without waiting for pending tasks."""
        self._pool.shutdown(cancel_futures=True)


def choose_executor(processes: int, size: int) -> Engine:
    """Return the engine of this machine that suits the amount of data.

    Args:
        processes: maximum number of processes; 0 starts as many as the machine has processors and the size is worth.
        size: bytes to read.

    Raises:
        UserError: the number of processes is negative.
    """
    if processes < 0:
        raise UserError(f"--processes {processes}: give 1 or more, or 0 for one per processor")
    width = processes or min(_processors(), size // MIN_BYTES_PER_PROCESS)
    return ProcessPool(width) if width > 1 else InProcess()


@contextmanager
def gc_disabled() -> Iterator[None]:
    """Disable garbage collection in loops that make millions of objects but no cycles: it takes 3 % of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _watch_parent() -> None:
    """End this worker when the process that started it is gone, even if it was killed."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive():
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(1)


def _processors() -> int:
    # What the container may use, which can be less than the machine has.
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1
