"""The worker portal: one server for all queues, and one thread that takes in what people have answered."""

from __future__ import annotations

import logging
import shutil
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from groundloop.errors import UserError
from groundloop.local.context import Context
from groundloop.local.portal.rooms import Kind, OfflineImages, Rooms
from groundloop.local.portal.site import Site
from groundloop.review.guard import Origins
from groundloop.review.queue import FILE_NAME, NewTask, Queue, QueueInfo
from groundloop.review.serve import LOOPBACK, Address, serving_app

logger = logging.getLogger(__name__)

#: How often queues are looked at without a request to the portal: for expired tasks, and answers of other programs.
_PAUSE_SECONDS = 1.0
#: How long a request waits for the work of others: less than boto3 waits for an answer.
_PATIENCE_SECONDS = 10.0
#: Part of every queue's name, which the page shows: nobody shall take it for AWS.
STAND_IN = "offline AWS"


class Work(Protocol):
    """What people work on: a labelling job, or the human loops of a flow definition."""

    #: Name of the workteam.
    team: str

    @property
    def title(self) -> str:
        """Name of the resource for messages."""

    @property
    def is_ended(self) -> bool:
        """Whether there is nothing to do any more."""

    def advance(self) -> None:
        """Take in the answers that there are, and let expire what has expired."""

    def fail(self, reason: str) -> None:
        """End it with an error of the offline AWS."""


class Portal:
    """The worker portal of one offline AWS.

    Args:
        context: its home has the queues in `portal/`.
        port: taken if it is free, else another one.
    """

    def __init__(self, context: Context, port: int = 0) -> None:
        self._context = context
        self.rooms = Rooms(OfflineImages(context), self.settle, self.wake)
        self._work: list[Work] = []
        self._lock = threading.RLock()
        self._changed = threading.Event()
        self._stopping = False
        self._serving = ExitStack()
        try:
            self.port = self._serving.enter_context(serving_app(self._site, Address(port=port)))
        except UserError:  # somebody else has the port of the last time
            self.port = self._serving.enter_context(serving_app(self._site, Address()))
        self._thread = threading.Thread(target=self._watch, name="worker-portal", daemon=True)
        self._thread.start()

    def _site(self, origins: Origins) -> Site:
        return Site(self.rooms, origins)

    @property
    def url(self) -> str:
        """The address of the portal."""
        return f"http://{LOOPBACK}:{self.port}/"

    def team_url(self, team: str) -> str:
        """Return the address of a workteam's page."""
        return f"{self.url}workteams/{team}/"

    def add_team(self, name: str, members: tuple[str, ...]) -> None:
        """Let the members of a workteam in."""
        self.rooms.teams[name] = members

    def remove_team(self, name: str) -> None:
        """Forget a workteam."""
        self.rooms.teams.pop(name, None)

    def work_of(self, team: str) -> list[str]:
        """Return the titles of a workteam's work that is not done."""
        with self._lock:
            return [work.title for work in self._work if work.team == team and not work.is_ended]

    def folder(self, kind: Kind, name: str) -> Path:
        """Return the folder of a queue."""
        return self._context.home / "portal" / kind.value / name

    def make_queue(self, kind: Kind, name: str, info: QueueInfo, tasks: list[NewTask]) -> Queue:
        """Make a queue; one that an offline AWS left in the same home without keeping its state is removed."""
        folder = self.folder(kind, name)
        shutil.rmtree(folder, ignore_errors=True)
        return Queue.create(folder, info, tasks, may_be_empty=True)

    def has_queue(self, kind: Kind, name: str) -> bool:
        """Return whether a queue is there."""
        return (self.folder(kind, name) / FILE_NAME).is_file()

    def open_queue(self, kind: Kind, name: str) -> Queue:
        """Open a queue that was kept."""
        return Queue.open(self.folder(kind, name))

    def add(self, work: Work) -> None:
        """Take work over; it is made ready soon."""
        # Without the lock: whoever takes it may wait for one that the caller holds.
        self._work.append(work)
        self.wake()

    def wake(self) -> None:
        """Have answers taken in now."""
        self._changed.set()

    def settle(self, seconds: float = _PATIENCE_SECONDS) -> None:
        """Take in all answers that have been given so far, and write their outputs.

        Args:
            seconds: how long to wait for other work, such as a large queue that is being made; -1 waits for it all.
        """
        if not self._lock.acquire(timeout=seconds):
            return
        try:
            for work in [one for one in self._work if not one.is_ended]:
                self._advance(work)
        finally:
            self._lock.release()

    def _advance(self, work: Work) -> None:
        try:
            work.advance()
        except Exception as error:
            logger.exception("%s failed", work.title)
            if not self._stopping:  # else the next start tries again
                work.fail(f"InternalServerError: the offline AWS failed: {error!r}")

    def _watch(self) -> None:
        while not self._stopping:
            busy = any(not work.is_ended for work in list(self._work))
            self._changed.wait(_PAUSE_SECONDS if busy else None)
            self._changed.clear()
            if not self._stopping:
                self.settle(seconds=-1)

    def stop(self) -> None:
        """Stop serving, and close the queues, whose state stays as it is."""
        self._stopping = True
        self._changed.set()
        self._thread.join()
        self._serving.close()
        with self._lock:
            self.rooms.close()
