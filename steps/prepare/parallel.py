"""Where the work on parts of the manifests is done: in this process, or in several beside it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol, TypeVar

from groundloop.errors import UserError

PROCESSES, SPARK = "processes", "spark"
"""The names of the engines, on the command line and in the configuration."""

Task = TypeVar("Task")
Result = TypeVar("Result")

# Reading so much takes a process about as long as starting does: smaller parts are not worth one.
MIN_BYTES_PER_PROCESS = 32_000_000
_WATCH_SECONDS = 1.0


class Engine(Protocol):
    """Runs a function on tasks. The files that a task writes it names as `files`.

    Attributes:
        width: how many tasks the work should be cut into.
    """

    width: int

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """The results in the order of the tasks.

        Raises:
            UserError: as the function raised it.
        """

    def share(self, paths: Sequence[Path]) -> None:
        """Make files of this machine known to wherever the tasks run, at the same place."""

    def close(self) -> None:
        """Let go of what it holds."""


class _Here:
    """Engines that work on this machine have nothing to share and to let go of."""

    def share(self, paths: Sequence[Path]) -> None:
        pass

    def close(self) -> None:
        pass


class InProcess(_Here):
    """One after the other, here."""

    width = 1

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        return map(function, tasks)


class Processes(_Here):
    """Tasks in at most ``width`` other processes, which stay for the next ones and end with this one."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._idle: list[_Worker] = []

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        if len(tasks) == 1:
            yield function(tasks[0])
            return
        waiting = deque(enumerate(tasks))
        busy: dict[Connection, tuple[_Worker, int]] = {}
        results: dict[int, Result] = {}
        given = 0
        try:
            while given < len(tasks):
                while waiting and len(busy) < self.width:
                    index, task = waiting.popleft()
                    worker = self._idle.pop() if self._idle else _Worker()
                    worker.give(function, task)
                    busy[worker.receiver] = worker, index
                for receiver in wait(list(busy)):
                    worker, index = busy[receiver]  # type: ignore[index]
                    results[index] = worker.result()  # type: ignore[assignment]
                    del busy[receiver]  # type: ignore[arg-type]
                    self._idle.append(worker)
                while given in results:
                    yield results.pop(given)
                    given += 1
        finally:
            for worker, _ in busy.values():
                worker.stop()

    def close(self) -> None:
        for worker in self._idle:
            worker.stop()
        self._idle.clear()


def choose_executor(processes: int, size: int) -> Engine:
    """The engine of this machine for so much to read.

    Args:
        processes: how many may run; 0: as many as this machine has processors for.
        size: bytes.

    Raises:
        UserError: a negative number of processes.
    """
    if processes < 0:
        raise UserError(f"--processes {processes}: give 1 or more, or 0 for one a processor")
    width = processes or min(_processors(), size // MIN_BYTES_PER_PROCESS)
    return Processes(width) if width > 1 else InProcess()


@contextmanager
def gc_disabled() -> Iterator[None]:
    """For loops that make millions of objects but no cycles: the search for those would take 3 % of the time."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


class _Worker:
    # Started afresh and not forked: a fork would copy this process's threads in whatever state they are.
    _context = multiprocessing.get_context("spawn")

    def __init__(self) -> None:
        tasks, self._sender = self._context.Pipe(duplex=False)
        self.receiver, outcomes = self._context.Pipe(duplex=False)
        self._process = self._context.Process(target=_work, args=(tasks, outcomes), daemon=True)
        self._process.start()
        tasks.close()
        outcomes.close()

    def give(self, function: Callable[..., object], task: object) -> None:
        self._sender.send((function, task))

    def result(self) -> object:
        try:
            result, error = self.receiver.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"a process of the job ended with code {self._process.exitcode}: see the log") from None
        if error is not None:
            raise error
        return result

    def stop(self) -> None:
        self._process.terminate()
        self._process.join()
        self._sender.close()
        self.receiver.close()


def _work(tasks: Connection, outcomes: Connection) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, BrokenPipeError):
        while True:
            function, task = tasks.recv()
            outcome: tuple[object, UserError | None]
            try:
                outcome = (function(task), None)
            except UserError as error:
                outcome = (None, error)
            outcomes.send(outcome)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive():
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def _processors() -> int:
    # What the container may use, which can be less than the machine has.
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1
