"""SIGTERM and SIGHUP end any command as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from pipeline.cli.interruption import interrupted_by_signals
from tests.fixtures.cli import Groundloop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_the_command_and_its_temporary_folders(
    number: signal.Signals, groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwound = []

    def command(**_: object) -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            unwound.append(number)

    monkeypatch.setattr(sys.modules["pipeline.cli.main"], "app", command)
    before = signal.getsignal(number)
    ended = groundloop("plan")
    assert (ended.code, ended.err, unwound) == (130, "interrupted\n", [number])
    assert signal.getsignal(number) is before


def test_under_nohup_the_end_of_the_terminal_ends_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
