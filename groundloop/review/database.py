"""The one SQLite file of a queue: its tables, how it is opened, and its transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundloop.errors import UserError

#: SQLite's `user_version` of the tables below.
_VERSION = 2
#: `application_id` of the file, so that no other program's database is taken for a queue ("GLRQ").
_APPLICATION = 0x474C5251
_BUSY_SECONDS = 30.0
#: WAL keeps its index in memory that processes share, which network file systems don't have (sqlite.org/wal.html).
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "fuse.s3fs", "ceph"}
)

_TABLES = """
CREATE TABLE queue (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    info BLOB NOT NULL
);
CREATE TABLE task (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    source_ref TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    line BLOB,
    shown TEXT NOT NULL,
    boxes BLOB NOT NULL,
    why BLOB NOT NULL,
    expected_mistakes REAL,
    selected_by TEXT NOT NULL,
    split TEXT,
    answers_wanted INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    missing INTEGER NOT NULL
);
CREATE INDEX task_by_state ON task (state, id);
CREATE TABLE lease (
    task INTEGER NOT NULL REFERENCES task (id),
    reviewer TEXT NOT NULL,
    token TEXT NOT NULL,
    expires REAL NOT NULL,
    PRIMARY KEY (task, reviewer)
) WITHOUT ROWID;
CREATE TABLE answer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id TEXT NOT NULL UNIQUE,
    task INTEGER NOT NULL REFERENCES task (id),
    reviewer TEXT NOT NULL,
    outcome TEXT NOT NULL,
    late INTEGER NOT NULL,
    adjudicates INTEGER NOT NULL,
    seconds REAL NOT NULL,
    received REAL NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX answer_by_task ON answer (task, id);
CREATE INDEX answer_by_reviewer ON answer (reviewer, id);
CREATE TRIGGER answer_is_kept BEFORE UPDATE ON answer
    BEGIN SELECT RAISE(ABORT, 'answers are never changed: add another one'); END;
CREATE TRIGGER answer_stays BEFORE DELETE ON answer
    BEGIN SELECT RAISE(ABORT, 'answers are never deleted'); END;
CREATE TABLE adjudicator (
    reviewer TEXT PRIMARY KEY
);
CREATE TABLE invitation (
    hash TEXT PRIMARY KEY,
    reviewer TEXT NOT NULL
);
CREATE TABLE session (
    hash TEXT PRIMARY KEY,
    reviewer TEXT NOT NULL
);
"""


class Database:
    """An open queue file. One connection serves all threads in turn; other processes may have the file open too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        # Transactions begin where the code says, not where the driver guesses.
        self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            # The default of WAL may lose the last answers when the power fails.
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error:
            self._connection.close()
            raise

    @classmethod
    def create(cls, path: Path) -> Database:
        """Create the file with empty tables.

        Raises:
            UserError: there is one already, or the folder lies on a network file system or can't be written.
        """
        if path.exists():
            raise UserError(f"{path} exists already: choose another name, or continue with that queue")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{path.parent}: can't be created: {error.strerror}") from None
        _check_file_system(path.parent)
        try:
            database = cls(path)
        except sqlite3.Error as error:
            raise UserError(f"{path}: can't be created: {error}") from None
        database._connection.executescript(
            f"BEGIN IMMEDIATE;{_TABLES}PRAGMA application_id = {_APPLICATION};PRAGMA user_version = {_VERSION};COMMIT;"
        )
        return database

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open an existing file and check it.

        Raises:
            UserError: there is none, it is not a queue or damaged, or of another version.
        """
        if not path.is_file():
            raise UserError(f"{path} does not exist: make the queue with groundloop review new or groundloop label")
        _check_file_system(path.parent)
        try:
            database = cls(path)
        except sqlite3.Error as error:
            raise UserError(f"{path}: can't be opened as a queue: {error}") from None
        try:
            database._check()
        except UserError:
            database.close()
            raise
        except sqlite3.Error as error:
            database.close()
            raise UserError(f"{path}: the queue is damaged: {error}; restore the file from a copy") from None
        return database

    def _check(self) -> None:
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION:
            raise UserError(f"{self.path} is an SQLite file of another program, not a queue of reviews")
        if version != _VERSION:
            raise UserError(
                f"{self.path} has version {version} of the queue's tables, and this groundloop knows {_VERSION}: "
                "use the groundloop that made it"
            )
        (result,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        if result != "ok":
            raise UserError(f"{self.path}: the queue is damaged: {result}; restore the file from a copy")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Provide the connection in a transaction, which is on the disk when the body ends and undone if it fails."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Provide the connection for reading."""
        with self._lock:
            yield self._connection

    def close(self) -> None:
        """Close the file; its write-ahead log is folded into it."""
        with self._lock:
            self._connection.close()


def _check_file_system(folder: Path) -> None:
    """Refuse folders on network file systems, where SQLite's write-ahead log would lose answers."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():  # not Linux: SQLite's own locking has to do
        return
    resolved, best, kind = str(folder.resolve()), "", ""
    for line in mounts.read_text(errors="replace").splitlines():
        _, point, name = line.split(" ")[:3]
        point = point.replace("\\040", " ")
        if len(point) >= len(best) and (resolved + "/").startswith(point.rstrip("/") + "/"):
            best, kind = point, name
    if kind in _NETWORK_FILE_SYSTEMS:
        raise UserError(
            f"{folder} lies on a network file system ({kind}), where answers could be lost: "
            "put the queue on a local disk"
        )
