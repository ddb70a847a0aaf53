"""The server is killed at random moments while a reviewer answers: is every acknowledged answer there, once?"""

from __future__ import annotations

import contextlib
import http.client
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.review.client import Reviewer, answer_to, make_queue
from groundloop.review.database import Database
from groundloop.review.queue import FILE_NAME, Queue

_SERVER = """
import sys, threading
from pathlib import Path
from groundloop.review.queue import Queue
from groundloop.review.serve import Address, serving
with serving(Queue.open(Path(sys.argv[1])), Address(port=int(sys.argv[2]))):
    print("ready", flush=True)
    threading.Event().wait()
"""


@dataclass(frozen=True)
class CrashResult:
    """What was left after the crashes.

    Attributes:
        acknowledged: answers that the server said it has.
        stored: answers in the queue, of them `twice` more than once.
        lost: acknowledged answers that are not there.
        killed: how often the server was killed.
    """

    acknowledged: int
    stored: int
    lost: int
    twice: int
    killed: int


def run(folder: Path, answers: int, kills: int, seed: int = 1) -> CrashResult:
    """Answer so many tasks while the server is killed so many times, and look at what the queue holds."""
    make_queue(folder, answers)
    with contextlib.closing(Queue.open(folder)) as queue:
        token = queue.reviewers.invite("ann")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    chance = random.Random(seed)  # noqa: S311 (moments, not secrets)
    acknowledged: list[str] = []
    kill_at = sorted(chance.sample(range(1, answers), kills))
    killed = 0
    server = _Server(folder, port)
    try:
        reviewer = Reviewer(f"http://127.0.0.1:{port}/", token)
        have: list[dict[str, object]] = []
        while len(acknowledged) < answers:
            if not have:
                with _while_killed(server):
                    have = reviewer.next(4)
                continue
            unsent = answer_to(have[0])
            if killed < kills and len(acknowledged) >= kill_at[killed]:
                # Somewhere within the next answer: before it is sent, on the way, or after it was stored.
                server.kill_in(chance.random() * 0.01)
                killed += 1
            while True:
                try:
                    reviewer.post("/answers", unsent)
                    break
                except (OSError, http.client.HTTPException):
                    server.start_again()
            acknowledged.append(str(unsent["client_id"]))
            have.pop(0)
        reviewer.close()
    finally:
        server.stop()
    Database.open(folder / FILE_NAME).close()  # with SQLite's integrity check
    return _result(folder, acknowledged, killed)


@contextlib.contextmanager
def _while_killed(server: _Server) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException):
        server.start_again()


def _result(folder: Path, acknowledged: list[str], killed: int) -> CrashResult:
    with contextlib.closing(Queue.open(folder)) as queue, queue.database.reading() as connection:
        stored = [row[0] for row in connection.execute("SELECT client_id FROM answer")]
        (twice,) = connection.execute(
            "SELECT COUNT(*) FROM (SELECT task FROM answer GROUP BY task HAVING COUNT(*) > 1)"
        ).fetchone()
    return CrashResult(len(acknowledged), len(stored), len(set(acknowledged) - set(stored)), twice, killed)


class _Server:
    """The server as a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self._command = [sys.executable, "-c", _SERVER, str(folder), str(port)]
        self._timer: threading.Timer | None = None
        self._process = self._started()

    def kill_in(self, seconds: float) -> None:
        """Kill the process a moment from now, as a power cut would."""
        self._timer = threading.Timer(seconds, self._process.send_signal, [signal.SIGKILL])
        self._timer.start()

    def start_again(self) -> None:
        """Start it again once it is gone."""
        if self._timer is not None:
            self._timer.join()
        self._process.wait()
        self._process = self._started()

    def stop(self) -> None:
        """End the process."""
        if self._timer is not None:
            self._timer.join()
        self._process.kill()
        self._process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
            with process.stdout as output:  # type: ignore[union-attr]  # it is a pipe
                if output.readline():
                    return process
            process.wait()
        raise RuntimeError("the server does not start")
