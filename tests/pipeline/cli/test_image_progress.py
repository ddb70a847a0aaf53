"""How far a run over images is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import pytest

from pipeline.cli.image_progress import ImageProgress


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def run(total: int, seconds_each: float, failed: int = 0) -> ImageProgress:
    clock = Clock()
    progress = ImageProgress(total, clock)
    for index in range(total):
        clock.now += seconds_each
        progress.add(failed=index < failed)
    return progress


def test_elsewhere_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    run(500, 0.1, failed=2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "50/500 images, 10.0 images/s, about 45 s left, 2 failed"
    assert lines[-1] == "500/500 images, 10.0 images/s, 2 failed"


def test_a_slow_run_gives_a_sign_of_life(capsys: pytest.CaptureFixture[str]) -> None:
    run(300, 30)
    assert capsys.readouterr().err.splitlines()[0] == "2/300 images, 2.0 images/min, about 2 h 29 min left"


def test_on_a_terminal_one_line_is_written_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    progress = run(4, 0.5)
    shown = capsys.readouterr().err
    assert "\n" not in shown
    assert shown.split("\r")[2].rstrip() == "[############............] 2/4 images, 2.0 images/s, about 1 s left"
    progress.finish()
    assert capsys.readouterr().err.endswith("\r4/4 images, 2.0 images/s\n")
