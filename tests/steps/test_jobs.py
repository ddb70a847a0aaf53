"""The log and the failure message of a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundloop.errors import UserError
from steps import jobs

HOSTILE = "bolt\x1b[2J\u202e\nerror: forged"
SHOWN = r"bolt\x1b[2J\u202e\nerror: forged"


def test_control_characters_are_logged_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    jobs.say(f"classes: {HOSTILE}")
    assert capsys.readouterr().out == f"classes: {SHOWN}\n"


def test_a_long_line_is_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    jobs.say("x" * 5_000)
    assert "[4,000 characters left out]" in capsys.readouterr().out


def test_a_failure_is_one_line_in_log_and_message_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise UserError(HOSTILE)

    assert jobs.run(fail, tmp_path / "output" / "message") == 1
    assert capsys.readouterr().err == f"error: {SHOWN}\n"
    assert (tmp_path / "output" / "message").read_text() == SHOWN


def test_several_mistakes_are_a_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise UserError("one", HOSTILE)

    assert jobs.run(fail, tmp_path / "message") == 1
    assert capsys.readouterr().err == f"error: one\nerror: {SHOWN}\n"
    assert (tmp_path / "message").read_text() == f"one\n{SHOWN}"
