"""The progress of running steps: one line rewritten on a terminal, elsewhere a line per tenth and a sign of life."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from groundloop.escaping import escaped
from groundloop.executions.control import Transition
from groundloop.executions.polled_job import JobProgress
from pipeline.cli.job_events import without_nan
from pipeline.cli.output import RedrawnLine, print_json_line, print_line, terminal_width

#: Without a terminal, a step that runs is mentioned this often at least.
HEARTBEAT_SECONDS = 60.0
#: A phase that lasts no longer than this is not worth a line of its own.
_MIN_PHASE_SECONDS = 10.0
#: Of a job that takes seconds, not each tenth is worth a line.
_MIN_TENTH_SECONDS = 2.0
_TENTHS = 10


@dataclass(frozen=True)
class RunningStep:
    """A running step.

    Attributes:
        change: the change with which it began.
        progress: of its job; None for a step without a job.
        seconds: how long it has been running.
        offset: seconds since the execution started.
    """

    change: Transition
    progress: JobProgress | None
    seconds: float
    offset: float


class ProgressDisplay:
    """Shows nothing; the base of the others."""

    def show(self, running: Sequence[RunningStep]) -> None:
        """Show the progress of the steps that are running."""

    def clear(self) -> None:
        """Make room for a line of another kind."""


def progress_display(as_json: bool) -> ProgressDisplay:
    """Return the display that suits the output: a terminal, a file or pipe, or a reader of JSON."""
    if as_json:
        return LineDisplay(_print_json)
    if terminal_width() is None or os.environ.get("TERM") in {"dumb", "unknown"}:
        return LineDisplay(_print_text, tenths_of_epochs=False)
    return TerminalDisplay()


class TerminalDisplay(ProgressDisplay):
    """One line at the end of the output, rewritten in place without escape sequences."""

    def __init__(self) -> None:
        self._line = RedrawnLine()

    def show(self, running: Sequence[RunningStep]) -> None:
        """Write the line again, as much of it as fits."""
        if running:
            # The last column stays free: some terminals begin a new line when it is written.
            width = (terminal_width() or 80) - 1
            self._line.show(step_line(running[0], width))
        else:
            self.clear()

    def clear(self) -> None:
        """Blank the line."""
        self._line.clear()


class LineDisplay(ProgressDisplay):
    """A line for each tenth that is completed, for a phase that lasts, and at least one a minute.

    Args:
        write: writes the line of a step.
        tenths_of_epochs: whether the tenths of a training job count, of which each epoch has a line of its own.
    """

    def __init__(self, write: Callable[[RunningStep], None], tenths_of_epochs: bool = True) -> None:
        self._write, self._tenths_of_epochs = write, tenths_of_epochs
        self._shown: dict[tuple[str, int], tuple[object, float]] = {}

    def show(self, running: Sequence[RunningStep]) -> None:
        """Write a line for each step that has something new to say, or has been silent for a minute."""
        for step in running:
            key = (step.change.step, step.change.attempt)
            said, at = self._shown.get(key, (_tenth(None), 0.0))
            counts = self._tenths_of_epochs or step.progress is None or step.progress.unit != "epoch"
            now = _tenth(step.progress) if counts else said
            silent = step.seconds - at
            is_phase = step.progress is not None and bool(step.progress.phase)
            pause = _MIN_PHASE_SECONDS if is_phase else _MIN_TENTH_SECONDS if key in self._shown else 0.0
            if silent >= HEARTBEAT_SECONDS or (now != said and silent >= pause):
                self._shown[key] = (now, step.seconds)
                self._write(step)


def step_line(step: RunningStep, width: int | None = None) -> str:
    """Return the line of a running step: time since the start of the execution, name, progress.

    Args:
        step: the step.
        width: columns of the line; what doesn't fit is left out, the least important first.
    """
    line = f"{clock(step.offset)}  {step.change.step:<15} "
    parts = progress_parts(step.progress) if step.progress else []
    parts = parts or [f"running for {rough_duration(step.seconds)}"]
    for number, part in enumerate(parts):
        longer = line + (", " if number else "") + part
        if width is not None and len(longer) > width:
            return line if number else longer[:width]
        line = longer
    return line


def progress_parts(progress: JobProgress) -> list[str]:
    """Return the parts of a progress line, the most important first."""
    if progress.phase:
        return [escaped(progress.phase)]
    if not progress.unit:
        return []
    parts = [f"{progress.unit} {progress.done}/{progress.total}"]
    if progress.fraction is not None:
        parts.append(f"{100 * progress.fraction:.0f} %")
    if progress.validation_map is not None:
        best = progress.best_map if progress.best_map is not None else progress.validation_map
        beaten = f" (best {best:.3f})" if best > progress.validation_map else ""
        parts.append(f"mAP {progress.validation_map:.3f}{beaten}")
    if progress.seconds_left is not None and progress.seconds_left >= 1:
        parts.append(f"about {rough_duration(progress.seconds_left)} left")
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3g}")
    return parts


def clock(seconds: float) -> str:
    """Write a time since the start as `mm:ss`, from one hour as `h:mm:ss`.

    Example:
        >>> clock(75), clock(3675)
        ('01:15', '1:01:15')
    """
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes:02d}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def rough_duration(seconds: float) -> str:
    """Write a duration as `6 s`, `12 min` or `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _tenth(progress: JobProgress | None) -> object:
    """Return what has to change for a new line: the phase, or the completed tenths."""
    if progress is None or progress.phase:
        return progress.phase if progress else ""
    return int(progress.fraction * _TENTHS + 1e-9) if progress.fraction is not None else ""


def _print_text(step: RunningStep) -> None:
    print_line(step_line(step))


def _print_json(step: RunningStep) -> None:
    known = without_nan(asdict(step.progress)) if step.progress else {}
    print_json_line({"event": "progress", "step": step.change.step, "job": step.change.job, **known})
