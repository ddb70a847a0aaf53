"""A queue's file is made once, opened only when it is sound, and told apart from other files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.review.queue import FILE_NAME, Queue, QueueInfo
from tests.groundloop.review.conftest import CLASSES, new_tasks

INFO = QueueInfo(name="week-47", classes=CLASSES)


def test_the_description_survives(new_queue: Callable[..., Queue]) -> None:
    queue = new_queue(instructions="Box every bolt.", unsure_edges=(1,))
    assert queue.info.instructions == "Box every bolt."
    assert queue.info.unsure_edges == (1,)


def test_a_queue_is_never_overwritten(tmp_path: Path) -> None:
    Queue.create(tmp_path, INFO, new_tasks()).close()
    with pytest.raises(UserError, match="exists already"):
        Queue.create(tmp_path, INFO, new_tasks())


@pytest.mark.parametrize(
    ("info", "tasks", "message"),
    [
        pytest.param(INFO, [], "no image", id="no task"),
        pytest.param(QueueInfo(name="q", classes=()), new_tasks(1), "the class list is empty", id="no class"),
        pytest.param(INFO, new_tasks(1) * 2, "twice", id="an image twice"),
    ],
)
def test_a_queue_that_makes_no_sense_is_not_made(
    tmp_path: Path, info: QueueInfo, tasks: list[object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Queue.create(tmp_path, info, tasks)  # type: ignore[arg-type]
    assert not (tmp_path / FILE_NAME).exists()


def another_database(path: Path) -> None:
    """Write an SQLite file of another program."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()


def of_version(version: int) -> Callable[[Path], None]:
    """Write a queue of another version."""

    def write(path: Path) -> None:
        Queue.create(path.parent, INFO, new_tasks()).close()
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()

    return write


def damaged(path: Path) -> None:
    """Write a queue and overwrite its second half."""
    Queue.create(path.parent, INFO, new_tasks()).close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xff" * (len(content) // 2))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        pytest.param(lambda _: None, "does not exist", id="nothing"),
        pytest.param(lambda path: path.write_text("not a database, but long enough to be one" * 9), "queue", id="text"),
        pytest.param(another_database, "another program", id="another program's"),
        pytest.param(of_version(1), "version 1 .* use the groundloop that made it", id="older"),
        pytest.param(of_version(3), "version 3", id="newer"),
        pytest.param(damaged, "damaged", id="damaged"),
    ],
)
def test_what_is_not_a_sound_queue_is_explained(tmp_path: Path, write: Callable[[Path], None], message: str) -> None:
    write(tmp_path / FILE_NAME)
    with pytest.raises(UserError, match=message):
        Queue.open(tmp_path)


def test_answers_are_on_the_disk_when_they_are_acknowledged(new_queue: Callable[..., Queue]) -> None:
    with new_queue().database.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
