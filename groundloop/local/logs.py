"""The log of a job: a file in its folder, sent on to CloudWatch Logs as it grows."""

from __future__ import annotations

from pathlib import Path

from groundloop.local.context import Context
from groundloop.local.moto_server import write_log

#: Longest tail of a log that is searched for the last line (bytes).
_TAIL = 65536


class LogShipper:
    """Sends the complete lines of a file to one stream of one group."""

    def __init__(self, context: Context, group: str, stream: str, path: Path) -> None:
        self._context = context
        self._group, self._stream, self._path = group, stream, path
        self._sent = 0

    def ship(self, last: bool = False) -> None:
        """Send what was added since the last call; `last` also sends a line without an end."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._sent)
            added = file.read()
        if not last:
            added = added[: added.rfind(b"\n") + 1]
        if not added:
            return
        lines = [line for line in added.decode("utf-8", "replace").splitlines() if line.strip()]
        write_log(self._context.account, self._context.region, self._group, self._stream, lines)
        self._sent += len(added)


def last_line(path: Path) -> str:
    """Return the last line of a log that isn't blank; empty if there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")
