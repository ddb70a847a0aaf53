"""The log of a job: a file in its folder, sent on to CloudWatch Logs as it grows."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

_EVENTS_AT_ONCE = 1000
#: Longest tail of a log that is searched for the last line (bytes).
_TAIL = 65536

logger = logging.getLogger(__name__)


class LogShipper:
    """Sends the complete lines of a file to one stream of one group."""

    def __init__(self, client: Any, group: str, stream: str, path: Path) -> None:
        self._client = client
        self._group, self._stream, self._path = group, stream, path
        self._sent = 0
        self._made = False

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
        stamp = int(time.time() * 1000)
        lines = added.decode("utf-8", "replace").splitlines()
        events = [{"timestamp": stamp, "message": line} for line in lines if line.strip()]
        if not self._made:
            self._make()
        for start in range(0, len(events), _EVENTS_AT_ONCE):
            self._client.put_log_events(
                logGroupName=self._group, logStreamName=self._stream, logEvents=events[start : start + _EVENTS_AT_ONCE]
            )
        self._sent += len(added)

    def _make(self) -> None:
        steps: list[tuple[str, dict[str, str]]] = [
            ("create_log_group", {"logGroupName": self._group}),
            ("create_log_stream", {"logGroupName": self._group, "logStreamName": self._stream}),
        ]
        for operation, members in steps:
            try:
                getattr(self._client, operation)(**members)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                    raise
        self._made = True


def last_line(path: Path) -> str:
    """Return the last line of a log that isn't blank; empty if there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")
