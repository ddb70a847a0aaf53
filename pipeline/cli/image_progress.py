"""How many images of a run are done, on standard error: a bar on a terminal, elsewhere a line per tenth or minute."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable

from pipeline.cli.output import RedrawnLine, print_line
from pipeline.cli.progress_line import HEARTBEAT_SECONDS, rough_duration

_BAR_WIDTH = 24
_TENTHS = 10
_MIN_PAUSE_SECONDS = 2.0
_REDRAW_SECONDS = 0.1


class ImageProgress:
    """Shows how many images are done, how fast, and about how long the rest takes.

    Args:
        total: images to do.
        clock: returns the time in seconds.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._clock = total, clock
        self._start = self._shown_at = clock()
        self._done = self._failed = self._shown_tenth = 0
        self._redrawn = RedrawnLine(to_stderr=True)
        self._on_terminal = sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}

    def add(self, *, failed: bool) -> None:
        """Count another image that is done."""
        self._done += 1
        self._failed += failed
        now = self._clock()
        if self._on_terminal:
            if now - self._shown_at >= _REDRAW_SECONDS or self._done == self._total:
                self._shown_at = now
                width = shutil.get_terminal_size().columns - 1
                self._redrawn.show(f"{_bar(self._done / self._total)} {self.line(now)}"[:width])
            return
        tenth = self._done * _TENTHS // self._total
        pause = now - self._shown_at
        if pause >= HEARTBEAT_SECONDS or (tenth > self._shown_tenth and pause >= _MIN_PAUSE_SECONDS):
            self._shown_at, self._shown_tenth = now, tenth
            print_line(self.line(now), to_stderr=True)

    def line(self, now: float) -> str:
        """Return the line without the bar."""
        parts = [f"{self._done}/{self._total} images"]
        rate = self._done / max(now - self._start, 1e-9)
        parts.append(f"{rate:.1f} images/s" if rate >= 1 else f"{60 * rate:.1f} images/min")
        if self._done < self._total:
            parts.append(f"about {rough_duration((self._total - self._done) / rate)} left")
        if self._failed:
            parts.append(f"{self._failed} failed")
        return ", ".join(parts)

    def finish(self) -> None:
        """Leave the last state behind as a line."""
        self.clear()
        if self._done:
            print_line(self.line(self._clock()), to_stderr=True)

    def clear(self) -> None:
        """Make room for another line."""
        self._redrawn.clear()


def _bar(share: float) -> str:
    filled = int(share * _BAR_WIDTH)
    return f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}]"
