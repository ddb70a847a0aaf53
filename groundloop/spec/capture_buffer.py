"""Records of data capture on their way into files: several requests in one, by variant and hour."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from groundloop.spec.data_capture import capture_name

#: A file of this size, as its records say, is written without waiting for more.
MAX_FILE_BYTES = 16_000_000


@dataclass
class _File:
    started: datetime
    lines: list[Callable[[], bytes]] = field(default_factory=list)
    size: int = 0


class CaptureBuffer:
    """Collects the records of one endpoint, and writes them in files; several threads may use one.

    Args:
        endpoint: name of the endpoint.
        put: writes a file; takes its name below the destination, and what returns its content, which takes a while.
    """

    def __init__(self, endpoint: str, put: Callable[[str, Callable[[], bytes]], None]) -> None:
        self._endpoint, self._put = endpoint, put
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}

    def add(self, variant: str, time: datetime, size: int, line: Callable[[], bytes]) -> None:
        """Add a record; have the file written that it fills, and that of an hour that is over.

        Args:
            variant: that answered.
            time: when the request came.
            size: of request and response, in bytes.
            line: returns the record's line; called when the file is written.
        """
        complete: list[_File] = []
        with self._lock:
            file = self._files.get(variant)
            if file is not None and f"{file.started:%Y%m%d%H}" != f"{time:%Y%m%d%H}":
                complete.append(self._files.pop(variant))
                file = None
            if file is None:
                file = self._files[variant] = _File(time)
            file.lines.append(line)
            file.size += size
            if file.size > MAX_FILE_BYTES:
                complete.append(self._files.pop(variant))
        for one in complete:
            self._write(variant, one)

    def flush(self) -> None:
        """Write all records that were added since the last time."""
        with self._lock:
            files, self._files = self._files, {}
        for variant, file in files.items():
            self._write(variant, file)

    def _write(self, variant: str, file: _File) -> None:
        name = capture_name(self._endpoint, variant, file.started, str(uuid.uuid4()))
        self._put(name, lambda: b"".join(line() for line in file.lines))
