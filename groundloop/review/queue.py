"""A queue of images to review: made once, opened by the server and by the commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import msgspec

from groundloop.errors import UserError
from groundloop.labels.classes import ClassList
from groundloop.review.answers import Answers
from groundloop.review.database import Database
from groundloop.review.leases import Leases
from groundloop.review.reviewers import Reviewers
from groundloop.review.states import State
from groundloop.review.wire import Progress, Shown, ShownBox

FILE_NAME = "queue.sqlite"
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
        image_access: how the page gets images in S3: `proxied` by the server, or by `presigned` URLs.
        backup: S3 prefix to which answers are written too; None for none.
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
    image_access: str = "proxied"
    backup: str | None = None


class NewTask(msgspec.Struct, frozen=True, kw_only=True):
    """An image to put into a queue.

    Attributes:
        source_ref: its S3 URI, or its file's name below the queue's folder of images.
        width, height: pixels as stored.
        line: the manifest line that it comes from, byte for byte.
        selected_by: expected-mistakes, condition, audit, label-error or person.
        split: `train` for an image that must not get into validation or test; None leaves it to Prepare.
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
        self.answers = Answers(database, len(self.info.classes), clock)
        self.reviewers = Reviewers(database)

    @classmethod
    def create(cls, folder: Path, info: QueueInfo, tasks: Iterable[NewTask]) -> Queue:
        """Make a queue in a folder; its tasks are given out in their order.

        Raises:
            UserError: there is a queue in the folder already, no task or no class, or an image is named twice.
        """
        listed = list(tasks)
        if not listed:
            raise UserError("there is no image to put into the queue")
        ClassList.from_config(info.classes)
        names = {task.source_ref for task in listed}
        if len(names) != len(listed):
            raise UserError("the queue would have an image twice: every image is reviewed once")
        database = Database.create(folder / FILE_NAME)
        with database.writing() as connection:
            connection.executemany(
                "INSERT INTO task (source_ref, width, height, line, shown, boxes, why, expected_mistakes, selected_by,"
                " split) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
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
                    )
                    for task in listed
                ),
            )
            connection.execute("INSERT INTO queue (id, info) VALUES (1, ?)", (msgspec.json.encode(info),))
        return cls(database)

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
            total, answered = connection.execute(
                "SELECT COUNT(*), COUNT(*) FILTER (WHERE state != ?) FROM task", (State.OPEN,)
            ).fetchone()
            (mine,) = connection.execute(
                "SELECT COUNT(DISTINCT task) FROM answer WHERE reviewer = ?", (reviewer,)
            ).fetchone()
            (second,) = connection.execute(
                "SELECT COUNT(*) FROM task WHERE state = ?"
                " AND NOT EXISTS (SELECT 1 FROM answer WHERE task = task.id AND reviewer = ?)",
                (State.SECOND_OPINION, reviewer),
            ).fetchone()
            seconds: Sequence[tuple[float]] = connection.execute(
                "SELECT seconds FROM answer WHERE reviewer = ? ORDER BY id DESC LIMIT ?", (reviewer, _PACE)
            ).fetchall()
        return Progress(
            total=total,
            answered=answered,
            mine=mine,
            left=total - answered + second,
            median_seconds=median(value for (value,) in seconds) if seconds else None,
        )

    def tasks(self) -> Iterator[tuple[int, NewTask]]:
        """Yield all tasks by their ids, as they were put into the queue."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id, source_ref, width, height, shown, boxes, why, expected_mistakes, selected_by, split, line"
                " FROM task ORDER BY id"
            ).fetchall()
        for task_id, source_ref, width, height, shown, boxes, why, expected_mistakes, selected_by, split, line in rows:
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
                ),
            )

    def source_ref(self, task_id: int) -> str | None:
        """Return the name of a task's image; None where there is no such task."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT source_ref FROM task WHERE id = ?", (task_id,)).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Close the queue's file."""
        self.database.close()
