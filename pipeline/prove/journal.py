"""A journal of what a proof makes in the account: each resource is written down before it is created.

The file is JSON lines: first where the proof runs, then `create` and `removed` records. Every line is on the disk
before the call that it announces is made, so even a proof that was killed leaves a list of all that it has made.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from groundloop.errors import UserError
from pipeline.teardown import Resource

FILE = "journal.jsonl"


@dataclass(frozen=True)
class Place:
    """Where a proof runs; `offline` is the offline AWS's address, empty on AWS."""

    run: str
    region: str
    account: str
    offline: str


def new_run_id() -> str:
    """Return a fresh id, which ends the names of all that one proof makes."""
    return uuid.uuid4().hex[:8]


class Journal:
    """The journal in a folder, held by one process at a time.

    Raises:
        UserError: another process holds it, the file can't be written, or it holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise UserError(f"--output {folder}: can't be written: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise UserError(f"another proof runs with {folder}: wait for its end, or choose another --output") from None
        self.place: Place | None = None
        self._left: list[Resource] = []
        try:
            self._read()
        except UserError:
            self._file.close()
            raise

    def _read(self) -> None:
        self._file.seek(0)
        try:
            content = self._file.read()
        except UnicodeDecodeError:
            raise UserError(f"{self.path} is not a journal of a proof; choose another --output") from None
        if content and not content.endswith("\n"):
            self._file.write("\n")
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue  # the process was killed while it wrote the line, and so before the call
            try:
                self._apply(record)
            except TypeError:
                raise UserError(
                    f"{self.path}, line {number}: not a record of a proof; restore the file, which lists what was "
                    "created, or choose another --output"
                ) from None

    def _apply(self, record: dict[str, Any]) -> None:
        if "place" in record:
            self.place = Place(**record["place"])
        elif "create" in record:
            self._left.append(Resource(**record["create"]))
        elif "removed" in record:
            self._forget(Resource(**record["removed"]))

    def _forget(self, resource: Resource) -> None:
        self._left = [other for other in self._left if other != resource]

    def begin(self, place: Place) -> None:
        """Start the journal of a new proof; the one before must be cleaned up."""
        assert not self._left  # noqa: S101
        self._file.truncate(0)
        self.place = place
        self._write({"place": asdict(place)})

    def create(self, resource: Resource) -> None:
        """Write down what is about to be created."""
        self._left.append(resource)
        self._write({"create": asdict(resource)})

    def removed(self, resource: Resource) -> None:
        """Write down that a resource is gone."""
        self._forget(resource)
        self._write({"removed": asdict(resource)})

    @property
    def left(self) -> list[Resource]:
        """What was created and not removed, the newest first: the order of removal."""
        return self._left[::-1]

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let other processes have the journal."""
        self._file.close()
