"""The second thread: the same numbers as on one, in the order asked for, and nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from groundloop.local.detector import network as network_module
from groundloop.local.detector.helper import Task, Tasks, at_once
from groundloop.local.detector.network import Network


def test_a_task_is_done_on_the_other_thread() -> None:
    done = threading.Event()

    def work() -> int:
        done.set()
        return threading.get_ident()

    task = Task(work)
    assert done.wait(10)
    assert task.result() != threading.get_ident()


def test_a_task_that_has_not_begun_is_done_by_the_one_who_needs_it() -> None:
    free = threading.Event()
    busy = Task(lambda: free.wait(10))
    assert Task(threading.get_ident).result() == threading.get_ident()
    free.set()
    assert busy.result()


def test_all_tasks_are_done_once_by_the_end() -> None:
    counts = [0] * 50
    tasks = Tasks()

    def add(index: int) -> None:
        counts[index] += 1

    for index in range(50):
        tasks.later(partial(add, index))
    tasks.finish()
    tasks.finish()
    assert counts == [1] * 50


def test_an_error_reaches_the_one_who_waits() -> None:
    tasks = Tasks()

    def fail() -> None:
        raise ValueError("broken")

    tasks.later(fail)
    with pytest.raises(ValueError, match="broken"):
        tasks.finish()


def test_gradients_are_the_same_on_one_thread_and_on_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit: a model doesn't depend on how many processors are free."""

    def gradients() -> list[bytes]:
        network = Network(2, seed=1)
        x = np.random.default_rng(2).standard_normal((3, 64, 64, 3)).astype(np.float32)
        network.backward(np.ones_like(network.forward(x, training=True)))
        return [parameter.grad.tobytes() for parameter in network.parameters()]

    class AtOnce(Tasks):
        def later(self, function: Callable[[], None]) -> None:
            at_once(function)

    on_two = gradients()
    monkeypatch.setattr(network_module, "Tasks", AtOnce)
    assert on_two == gradients()
