"""Progress on the terminal and elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundloop.executions.control import Transition
from groundloop.executions.polled_job import JobProgress
from pipeline.cli import progress_line
from pipeline.cli.progress_line import (
    LineDisplay,
    RunningStep,
    TerminalDisplay,
    progress_display,
    rough_duration,
    step_line,
)

EPOCH_13 = JobProgress(
    unit="epoch",
    done=13,
    total=16,
    fraction=0.8125,
    seconds_left=6.2,
    validation_map=0.967,
    best_map=0.9712,
    loss=0.1402,
)


def running(progress: JobProgress | None, seconds: float = 31.0) -> RunningStep:
    change = Transition("Train", "Executing", None, cached=False, attempt=1, kind="TrainingJob", job="job-1")
    return RunningStep(change, progress, seconds, seconds)


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        pytest.param(
            EPOCH_13, "epoch 13/16, 81 %, mAP 0.967 (best 0.971), about 6 s left, loss 0.14", id="a training job"
        ),
        pytest.param(
            JobProgress(unit="image", done=120, total=400, fraction=0.3, seconds_left=130),
            "image 120/400, 30 %, about 2 min left",
            id="a transform job",
        ),
        pytest.param(
            JobProgress(phase="Starting: Preparing the instances"), "Starting: Preparing the instances", id="a phase"
        ),
        pytest.param(JobProgress(), "running for 31 s", id="a job without progress"),
        pytest.param(None, "running for 31 s", id="no job"),
    ],
)
def test_the_line_of_a_running_step(progress: JobProgress | None, line: str) -> None:
    assert step_line(running(progress)) == f"00:31  Train           {line}"


def test_what_does_not_fit_is_left_out_from_the_end() -> None:
    assert step_line(running(EPOCH_13), 80) == (
        "00:31  Train           epoch 13/16, 81 %, mAP 0.967 (best 0.971), about 6 s left"
    )
    assert step_line(running(EPOCH_13), 40) == "00:31  Train           epoch 13/16, 81 %"
    assert len(step_line(running(JobProgress(phase="x" * 99)), 40)) == 40


@pytest.mark.parametrize(("seconds", "text"), [(6.2, "6 s"), (90, "2 min"), (3600, "1 h 0 min"), (7530, "2 h 6 min")])
def test_rough_durations(seconds: float, text: str) -> None:
    assert rough_duration(seconds) == text


def test_on_a_terminal_one_line_is_rewritten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_line, "terminal_width", lambda: 40)
    display = TerminalDisplay()
    display.show([running(JobProgress(phase="Downloading"))])
    display.show([running(JobProgress())])
    display.clear()
    display.clear()
    first, second = "00:31  Train           Downloading", "00:31  Train           running for 31 s"
    assert capsys.readouterr().out == f"\r{first}\r{second}\r{' ' * len(second)}\r"


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def display(lines: list[str]) -> LineDisplay:
    return LineDisplay(lambda step: lines.append(step_line(step)[23:]))


def epochs(done: int) -> JobProgress:
    return JobProgress(unit="epoch", done=done, total=40, fraction=done / 40)


def test_elsewhere_there_is_a_line_for_each_tenth(display: LineDisplay, lines: list[str]) -> None:
    for done in range(1, 41):
        display.show([running(epochs(done), seconds=done)])
    assert lines == [f"epoch {done}/40, {100 * done / 40:.0f} %" for done in (1, *range(4, 41, 4))]


def test_beside_the_lines_of_epochs_there_is_one_a_minute(lines: list[str]) -> None:
    display = LineDisplay(lambda step: lines.append(step_line(step)[23:]), tenths_of_epochs=False)
    for done in range(1, 41):
        display.show([running(epochs(done), seconds=3 * done)])
    assert lines == ["epoch 20/40, 50 %", "epoch 40/40, 100 %"]


def test_of_a_quick_job_not_each_tenth_has_a_line(display: LineDisplay, lines: list[str]) -> None:
    for done in range(1, 41):
        display.show([running(epochs(done), seconds=done / 10)])
    assert lines == ["epoch 1/40, 2 %", "epoch 21/40, 52 %"]


def test_a_step_is_mentioned_once_a_minute(display: LineDisplay, lines: list[str]) -> None:
    for second in range(0, 181, 5):
        display.show([running(None, seconds=second)])
    assert lines == ["running for 1 min", "running for 2 min", "running for 3 min"]


def test_a_phase_has_a_line_only_if_it_lasts(display: LineDisplay, lines: list[str]) -> None:
    for second, phase in [(1, "Starting"), (9, "Starting"), (12, "Starting"), (14, "Downloading"), (16, "Training")]:
        display.show([running(JobProgress(phase=phase), seconds=second)])
    assert lines == ["Starting"]


def test_json_has_the_same_lines_as_objects(capsys: pytest.CaptureFixture[str]) -> None:
    progress_display(as_json=True).show([running(EPOCH_13)])
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert line["event"] == "progress"
    assert (line["step"], line["job"], line["done"], line["total"]) == ("Train", "job-1", 13, 16)


@pytest.mark.parametrize(
    ("width", "term", "expected"),
    [
        pytest.param(80, "xterm", TerminalDisplay, id="a terminal"),
        pytest.param(80, "dumb", LineDisplay, id="a terminal that can't move its cursor"),
        pytest.param(None, "xterm", LineDisplay, id="a pipe"),
    ],
)
def test_the_display_suits_the_output(
    monkeypatch: pytest.MonkeyPatch, width: int | None, term: str, expected: type
) -> None:
    monkeypatch.setattr(progress_line, "terminal_width", lambda: width)
    monkeypatch.setenv("TERM", term)
    assert type(progress_display(as_json=False)) is expected
