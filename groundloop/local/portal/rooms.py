"""The queues that the portal serves, each below a path of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from groundloop.images.s3 import S3Images
from groundloop.local.context import Context
from groundloop.review.queue import Queue


class Kind(str, Enum):
    """What a queue belongs to; the value is the first part of its path."""

    LABELING_JOB = "labeling-jobs"
    FLOW_DEFINITION = "flow-definitions"


@dataclass(frozen=True, slots=True)
class Room:
    """A queue as the portal shows it.

    Attributes:
        kind, name: its path is `/KIND/NAME/`.
        title: of the task, for the people.
        team: name of the workteam.
        members: the people who may open it.
        is_closed: whether the output with a task, by its id, is written already.
        is_ended: whether there is no work any more.
    """

    kind: Kind
    name: str
    title: str
    team: str
    members: tuple[str, ...]
    queue: Queue
    is_closed: Callable[[int], bool]
    is_ended: Callable[[], bool]

    @property
    def path(self) -> str:
        """The path of the queue's page."""
        return f"/{self.kind.value}/{self.name}/"


def instructions(*texts: str) -> str:
    """Return the texts that tell people what to do as paragraphs, the same text and empty ones left out."""
    return "\n\n".join(dict.fromkeys(filter(None, texts)))


class OfflineImages(S3Images):
    """Images in the offline AWS's own S3, whatever AWS the process's environment points to."""

    def __init__(self, context: Context) -> None:
        self._s3 = context.client("s3")


@dataclass
class Rooms:
    """All queues of the portal, and the workteams that they are for.

    Attributes:
        images: of every queue.
        settle: takes in all answers that have been given so far.
        wake: has them taken in soon.
        teams: members by workteam.
    """

    images: OfflineImages
    settle: Callable[[], None]
    wake: Callable[[], None]
    teams: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _rooms: dict[str, Room] = field(default_factory=dict)

    def show(self, room: Room) -> None:
        """Serve a queue."""
        self._rooms[room.path] = room

    def at(self, path: str) -> Room | None:
        """Return the queue at a path; None where there is none."""
        return self._rooms.get(path)

    def of(self, team: str) -> list[Room]:
        """Return the queues of a workteam."""
        return [room for room in list(self._rooms.values()) if room.team == team]

    def close(self) -> None:
        """Close all queues, whose state stays as it is."""
        for room in self._rooms.values():
            room.queue.close()
        self._rooms.clear()
