"""`--backup`, the check that `review finish` makes, and `review restore`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from groundloop.review.queue import Queue
from groundloop.review.wire import Answer
from tests.fixtures.cli import Groundloop
from tests.groundloop.review.conftest import answer

pytestmark = pytest.mark.usefixtures("photos_project")
PROJECT = ["-c", str(Path(__file__).parents[3] / "configs" / "local.yaml")]


def made(groundloop: Groundloop, backup: str) -> None:
    """Make a queue with two answers that is backed up."""
    command = ("review", "new", "week-47", "--images", "photos", "--classes", "bolt,nut", "--backup", backup)
    assert groundloop(*command).code == 0
    queue = Queue.open(Path("reviews/week-47"))
    for task in (1, 2):
        queue.answers.add("ann", msgspec.convert(answer(task), Answer))
    queue.close()


def test_a_queue_that_was_lost_comes_back_and_gives_the_same_labels(groundloop: Groundloop, s3: Any) -> None:
    made(groundloop, "s3://bucket/backups")
    assert groundloop("review", "finish", "week-47").code == 0
    labels = Path("reviews/reviewed.manifest").read_bytes()
    shutil.rmtree("reviews")
    restored = groundloop("review", "restore", "week-47", "s3://bucket/backups")
    assert restored.code == 0, restored.err
    assert "restored queue week-47: 30 images, 2 answered" in restored.out
    assert groundloop("review", "finish", "week-47").code == 0
    assert Path("reviews/reviewed.manifest").read_bytes() == labels
    shutil.rmtree("reviews")
    shutil.move("photos", "pictures")
    assert "restore with --images DIR" in groundloop("review", "restore", "week-47", "s3://bucket/backups").out
    shutil.rmtree("reviews")
    elsewhere = groundloop("review", "restore", "week-47", "s3://bucket/backups", "--images", "pictures")
    assert "note" not in elsewhere.out


def test_finish_says_when_the_backup_is_not_complete_and_does_not_publish_then(groundloop: Groundloop, s3: Any) -> None:
    made(groundloop, "s3://no-such-bucket/backups")
    local = groundloop("review", "finish", "week-47")
    assert local.code == 0
    assert "the backup of the answers in s3://no-such-bucket/backups/week-47/ is not complete" in local.err
    assert "NoSuchBucket" in local.err
    published = groundloop("review", "finish", "week-47", "--publish", *PROJECT)
    assert published.code == 1
    assert "run the command again, or without --publish" in published.error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["new", "q", "--images", "photos", "--classes", "a", "--backup", "disk/"], "S3 URI", id="no URI"),
        pytest.param(["restore", "q", "s3://bucket/none"], "queue.json does not exist in S3", id="no backup"),
    ],
)
def test_mistakes_are_explained(groundloop: Groundloop, s3: Any, arguments: list[str], message: str) -> None:
    result = groundloop("review", *arguments)
    assert result.code == 1
    assert message in result.error
