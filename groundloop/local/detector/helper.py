"""A second thread for work whose result isn't needed at once: NumPy and Pillow let another thread run meanwhile.

The numbers are those of one thread, since either does a whole task. Where the second thread gets no processor, the
first does its tasks instead of waiting for it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Generic, TypeAlias, TypeVar

Result = TypeVar("Result")
#: Takes a function to be called at once or later.
Later: TypeAlias = Callable[[Callable[[], None]], None]


class Task(Generic[Result]):
    """A function call that the second thread makes as soon as it can. Tasks begin in their order."""

    def __init__(self, function: Callable[[], Result]) -> None:
        self._function = function
        self._future: Future[Result] = _thread().submit(function)

    def result(self) -> Result:
        """Return the result; if the call hasn't begun yet, make it here."""
        return self._function() if self._future.cancel() else self._future.result()


class Tasks:
    """Calls without a result, to be made by the time of `finish`."""

    def __init__(self) -> None:
        self._tasks: list[Task[None]] = []

    def later(self, function: Callable[[], None]) -> None:
        """Have a function called."""
        self._tasks.append(Task(function))

    def finish(self) -> None:
        """Wait for all calls, and help from the end, where the second thread comes last."""
        while self._tasks:
            self._tasks.pop().result()


def at_once(function: Callable[[], None]) -> None:
    """Call a function now."""
    function()


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="helper")
