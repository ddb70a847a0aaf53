"""A queue of images to review: made once, opened by the server and by the commands."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import msgspec

from groundloop.errors import UserError
from groundloop.labels.classes import ClassList
from groundloop.review.answers import Answers
from groundloop.review.database import Database
from groundloop.review.decisions import Demand
from groundloop.review.leases import AUDIT, Leases
from groundloop.review.reviewers import Reviewers
from groundloop.review.states import IS_FOR_REVIEWER, State
from groundloop.review.wire import Progress, Shown, ShownBox

FILE_NAME = "queue.sqlite"
#: How the page gets images in S3: from its own server, or through URLs that expire.
PROXIED, PRESIGNED = "proxied", "presigned"
#: Answers that the pace is taken from.
_PACE = 30


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """The model whose detections are shown.

    Attributes:
        package: ARN of the model package, or the path of a model.tar.gz.
        thresholds: score from which a detection counts, by class name.
    """

    package: str
    thresholds: dict[str, float]


class QueueInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a whole queue.

    Attributes:
        classes: names in id order.
        mode: `review`: detections or labels are looked at; `label`: images are labelled from nothing.
        images: where the images are: a folder, or None for S3.
        image_prefix: S3 prefix of the images of a folder: where they are, or will be uploaded to.
        region: AWS region of images in S3.
        label_attribute: of the manifest that finishing writes.
        lease_seconds: how long a task stays with a reviewer who isn't heard of.
        unsure_edges: ids of the classes whose detections often have wrong edges.
        source: what the tasks were chosen from, in words.
        image_access: how the page gets images in S3: `PROXIED` or `PRESIGNED`.
        backup: S3 prefix to which answers are written too; None for none.
        answers: of different people that an image wants; `audit_answers`: one that was drawn at random.
        max_answers: people who are asked where the answers disagree; None asks one more than wanted.
        adjudication: whether somebody decides when they still disagree; otherwise what the majority agrees on counts.
    """

    name: str
    classes: tuple[str, ...]
    mode: str = "review"
    images: str | None = None
    image_prefix: str = ""
    region: str | None = None
    label_attribute: str = "bounding-box"
    lease_seconds: float = 900
    instructions: str | None = None
    unsure_edges: tuple[int, ...] = ()
    model: Model | None = None
    source: str = ""
    image_access: str = PROXIED
    backup: str | None = None
    answers: int = 1
    audit_answers: int = 1
    max_answers: int | None = None
    adjudication: bool = True

    def answers_wanted(self, task: NewTask) -> int:
        """Return of how many people a task wants answers."""
        return task.answers_wanted or (self.audit_answers if task.selected_by == AUDIT else self.answers)

    def demand(self, wanted: int) -> Demand:
        """Return how many people are asked for a task that wants so many answers."""
        most = wanted + 1 if self.max_answers is None else self.max_answers
        return Demand(wanted=wanted, most=max(wanted, most), adjudicated=self.adjudication)


class NewTask(msgspec.Struct, frozen=True, kw_only=True):
    """An image to put into a queue.

    Attributes:
        source_ref: its S3 URI, or its file's name below the queue's folder of images.
        width, height: pixels as stored.
        line: the manifest line that it comes from, byte for byte.
        selected_by: expected-mistakes, condition, strange, audit, label-error or person.
        split: `train` for an image that must not get into validation or test; None leaves it to Prepare.
        answers_wanted: of different people; None is what the queue wants.
        key: tells tasks on the same image apart, such as a human loop's name; "" for one task on an image.
    """

    source_ref: str
    width: int
    height: int
    shown: Shown = Shown.NOTHING
    boxes: tuple[ShownBox, ...] = ()
    why: tuple[str, ...] = ()
    expected_mistakes: float | None = None
    selected_by: str = "person"
    split: str | None = None
    line: bytes | None = None
    answers_wanted: int | None = None
    key: str = ""


class Queue:
    """An open queue.

    Args:
        database: its file.
        clock: seconds since 1970; tests set it.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        with database.reading() as connection:
            row = connection.execute("SELECT info FROM queue").fetchone()
        if row is None:
            raise UserError(f"{database.path}: making the queue was interrupted: delete the file and make it again")
        self.info = msgspec.json.decode(row[0], type=QueueInfo)
        self.leases = Leases(database, self.info.lease_seconds, clock)
        self.answers = Answers(database, len(self.info.classes), self.info.demand, clock)
        self.reviewers = Reviewers(database)

    @classmethod
    def create(cls, folder: Path, info: QueueInfo, tasks: Iterable[NewTask], *, may_be_empty: bool = False) -> Queue:
        """Make a queue in a folder; its tasks are given out in their order.

        Args:
            folder: of the queue's file.
            info: what holds for the whole queue.
            tasks: the images.
            may_be_empty: whether a queue without any is made, to which `add_tasks` adds.

        Raises:
            UserError: there is a queue in the folder already, no task or no class, or an image is named twice.
        """
        listed = list(tasks)
        if not listed and not may_be_empty:
            raise UserError("there is no image to put into the queue")
        ClassList.from_config(info.classes)
        if len({task.key or task.source_ref for task in listed}) != len(listed):
            raise UserError("the queue would have an image twice: every image is reviewed once")
        database = Database.create(folder / FILE_NAME)
        with database.writing() as connection:
            connection.execute("INSERT INTO queue (id, info) VALUES (1, ?)", (msgspec.json.encode(info),))
            connection.executemany(_INSERT_TASK, (_row(info, task) for task in listed))
        return cls(database)

    def add_tasks(self, tasks: Iterable[NewTask]) -> list[int]:
        """Add tasks to a queue that people may be working on; return their ids.

        Raises:
            UserError: the queue has one of them already; none is added.
        """
        ids: list[int] = []
        with self.database.writing() as connection:
            for task in tasks:
                try:
                    cursor = connection.execute(_INSERT_TASK, _row(self.info, task))
                except sqlite3.IntegrityError:
                    raise UserError(f"the queue has {task.key or task.source_ref} already: it was not added") from None
                ids.append(int(cursor.lastrowid or 0))
        return ids

    def withdraw(self, task_ids: Iterable[int]) -> None:
        """Give some tasks to nobody any more; answers that still come are kept as late ones."""
        with self.database.writing() as connection:
            for task_id in task_ids:
                connection.execute("UPDATE task SET state = ?, missing = 0 WHERE id = ?", (State.WITHDRAWN, task_id))
                connection.execute("DELETE FROM lease WHERE task = ?", (task_id,))

    @classmethod
    def open(cls, folder: Path, clock: Callable[[], float] = time.time) -> Queue:
        """Open the queue in a folder.

        Raises:
            UserError: there is none, or it is damaged.
        """
        return cls(Database.open(folder / FILE_NAME), clock)

    def progress(self, reviewer: str) -> Progress:
        """Return how far the queue is, and what is left for one reviewer."""
        with self.database.reading() as connection:
            counts = dict(connection.execute("SELECT state, COUNT(*) FROM task GROUP BY state").fetchall())
            (mine,) = connection.execute(
                "SELECT COUNT(DISTINCT task) FROM answer WHERE reviewer = ?", (reviewer,)
            ).fetchone()
            (left,) = connection.execute(
                f"SELECT COUNT(*) FROM task WHERE state < :done AND {IS_FOR_REVIEWER}",  # noqa: S608 (a constant)
                {"done": State.DONE, "reviewer": reviewer},
            ).fetchone()
            seconds: Sequence[tuple[float]] = connection.execute(
                "SELECT seconds FROM answer WHERE reviewer = ? ORDER BY id DESC LIMIT ?", (reviewer, _PACE)
            ).fetchall()
        total = sum(counts.values()) - counts.get(State.WITHDRAWN, 0)
        return Progress(
            total=total,
            answered=total - counts.get(State.OPEN, 0),
            mine=mine,
            left=left,
            median_seconds=median(value for (value,) in seconds) if seconds else None,
            waiting=counts.get(State.WAITING, 0),
            adjudication=counts.get(State.ADJUDICATION, 0),
        )

    def tasks(self) -> Iterator[tuple[int, NewTask]]:
        """Yield all tasks by their ids, as they were put into the queue."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id, source_ref, width, height, shown, boxes, why, expected_mistakes, selected_by, split, line,"
                " answers_wanted, key FROM task ORDER BY id"
            ).fetchall()
        for row in rows:
            task_id, source_ref, width, height, shown, boxes, why, expected_mistakes, selected_by, split, *rest = row
            line, answers_wanted, key = rest
            yield (
                task_id,
                NewTask(
                    source_ref=source_ref,
                    width=width,
                    height=height,
                    shown=Shown(shown),
                    boxes=msgspec.json.decode(boxes, type=tuple[ShownBox, ...]),
                    why=msgspec.json.decode(why, type=tuple[str, ...]),
                    expected_mistakes=expected_mistakes,
                    selected_by=selected_by,
                    split=split,
                    line=line,
                    answers_wanted=answers_wanted,
                    key=key,
                ),
            )

    def unanswered(self) -> list[int]:
        """Return the ids of the tasks for which somebody is to be asked, in order; those to adjudicate are not."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM task WHERE state IN (?, ?) ORDER BY id", (State.OPEN, State.WAITING)
            ).fetchall()
        return [number for (number,) in rows]

    def source_ref(self, task_id: int) -> str | None:
        """Return the name of a task's image; None where there is no such task."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT source_ref FROM task WHERE id = ?", (task_id,)).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Close the queue's file."""
        self.database.close()


_INSERT_TASK = (
    "INSERT INTO task (key, source_ref, width, height, line, shown, boxes, why, expected_mistakes, selected_by, split,"
    " answers_wanted, missing) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _row(info: QueueInfo, task: NewTask) -> tuple[object, ...]:
    wanted = info.answers_wanted(task)
    return (
        task.key or task.source_ref,
        task.source_ref,
        task.width,
        task.height,
        task.line,
        task.shown.value,
        msgspec.json.encode(task.boxes),
        msgspec.json.encode(task.why),
        task.expected_mistakes,
        task.selected_by,
        task.split,
        wanted,
        wanted,
    )
