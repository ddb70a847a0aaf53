"""Work in several processes: results in order, mistakes and faults reported, no process left behind."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labels.classes import ClassList
from steps.prepare.parallel import MIN_BYTES_PER_PROCESS, InProcess, ProcessPool, choose_executor


def _mapped(function: Callable[[Any], Any], tasks: Sequence[Any]) -> list[Any]:
    with closing(ProcessPool(2)) as engine:
        return list(engine.map(function, tasks))


# What a new process can import: functions of this file it could not.


def test_results_come_in_the_order_of_the_tasks() -> None:
    begun = time.monotonic()
    assert _mapped(time.sleep, [1.0, 0.0, 0.0]) == [None, None, None]
    assert time.monotonic() - begun >= 1
    assert _mapped(math.factorial, [9, 1, 4]) == [362880, 1, 24]


def test_processes_stay_for_the_next_tasks() -> None:
    with closing(ProcessPool(2)) as engine:
        assert list(engine.map(math.factorial, [1, 2, 3, 4, 5])) == [1, 2, 6, 24, 120]
        started = multiprocessing.active_children()
        assert list(engine.map(math.factorial, [6, 7])) == [720, 5040]
        assert multiprocessing.active_children() == started
    assert multiprocessing.active_children() == []


def test_a_users_mistake_comes_through() -> None:
    with pytest.raises(UserError, match="the class list is empty"):
        _mapped(ClassList.from_config, [("nut",), ()])


def test_a_worker_that_dies_is_reported() -> None:
    with pytest.raises(RuntimeError, match="a worker process of the job ended unexpectedly"):
        _mapped(os._exit, [3, 3])


@pytest.mark.parametrize(
    ("processes", "size", "width"),
    [
        pytest.param(0, MIN_BYTES_PER_PROCESS, 1, id="too little to share"),
        pytest.param(3, 10, 3, id="as many as asked for"),
        pytest.param(1, 10**12, 1, id="one when asked for"),
    ],
)
def test_how_many_processes_are_worth_it(processes: int, size: int, width: int) -> None:
    engine = choose_executor(processes, size)
    assert engine.width == width
    assert isinstance(engine, InProcess) == (width == 1)


def test_much_to_read_takes_every_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.prepare.parallel._processors", lambda: 4)
    assert choose_executor(0, 100 * MIN_BYTES_PER_PROCESS).width == 4
    assert choose_executor(0, 3 * MIN_BYTES_PER_PROCESS).width == 3


def test_fewer_processes_than_none_are_a_mistake() -> None:
    with pytest.raises(UserError, match="--processes -1: give 1 or more, or 0 for one per processor"):
        choose_executor(-1, 10)


_PARENT = """
import sys, time
from steps.prepare.parallel import ProcessPool

def work(number):
    print("child", flush=True)
    time.sleep(60)

if __name__ == "__main__":
    list(ProcessPool(2).map(work, [1, 2]))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
def test_the_processes_end_with_the_one_that_started_them(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert [parent.stdout.readline().strip() for _ in range(2)] == ["child", "child"]
    parent.send_signal(how)
    parent.wait(10)
    # Ends only when all who hold its other end have ended.
    assert parent.stdout.read() == ""
    parent.stdout.close()
