"""How far something is, on stderr where a person watches."""

from __future__ import annotations

import sys
from collections.abc import Callable

_STEP = 20


def counter(what: str) -> Callable[[int, int], None]:
    """Return a function that shows `what 40/120`, called with how many are done and of how many."""
    if not sys.stderr.isatty():
        return lambda done, of: None

    def show(done: int, of: int) -> None:
        if done == of:
            sys.stderr.write(f"\r{what} {done}/{of}\r\033[K")
        elif done % _STEP == 0:
            sys.stderr.write(f"\r{what} {done}/{of}")
            sys.stderr.flush()

    return show
