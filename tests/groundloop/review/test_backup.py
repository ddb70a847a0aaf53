"""Answers are written to S3 too, and a queue is made again from them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from groundloop.errors import UserError
from groundloop.review.backup import Backup, backing_up, restore
from groundloop.review.queue import Queue
from groundloop.review.wire import Answer
from tests.groundloop.review.conftest import Clock, answer, new_tasks

PREFIX = "s3://bucket/backups"
PLACE = f"{PREFIX}/week-47"


def give(queue: Queue, task: int, reviewer: str = "ann", **changes: Any) -> Answer:
    """Answer a task."""
    given = msgspec.convert(answer(task, **changes), Answer)
    queue.answers.add(reviewer, given)
    return given


def keys(s3: Any) -> set[str]:
    """Return the objects of the bucket."""
    return {item["Key"] for item in s3.list_objects_v2(Bucket="bucket").get("Contents", [])}


def state(queue: Queue) -> Any:
    """Return all that a restored queue has to have."""
    return list(queue.tasks()), list(queue.answers.stored()), list(queue.answers.counted()), queue.progress("ann")


def test_each_answer_is_an_object_of_its_own_beside_the_tasks(s3: Any, queue: Queue) -> None:
    first, second = give(queue, 1), give(queue, 2, outcome="skip", boxes=[])
    Backup(queue, PREFIX, s3).save()
    assert keys(s3) == {
        "backups/week-47/queue.json",
        "backups/week-47/tasks.jsonl",
        f"backups/week-47/answers/1/{first.client_id}.json",
        f"backups/week-47/answers/2/{second.client_id}.json",
    }


def test_a_restored_queue_has_the_same_tasks_answers_and_labels(
    s3: Any, new_queue: Callable[..., Queue], tmp_path: Path, clock: Clock
) -> None:
    tasks = [msgspec.structs.replace(task, line=b'{"camera": "line \xe2\x82\xac"}') for task in new_tasks()]
    queue = new_queue(tasks, audit_answers=2)
    give(queue, 1)
    queue.leases.task("bob", 2)
    give(queue, 2, reviewer="ann")  # late: bob holds it
    clock.now += 60
    give(queue, 2, reviewer="bob", boxes=[])
    give(queue, 1, comment="changed <my> mind")
    give(queue, 3, outcome="unsure", boxes=[])
    Backup(queue, PREFIX, s3).save()
    again = restore(PLACE, tmp_path / "again", s3=s3)
    assert state(again) == state(queue)
    assert again.info == queue.info
    again.close()


def test_what_is_there_is_not_written_again_and_what_is_new_is(s3: Any, queue: Queue) -> None:
    give(queue, 1)
    backup = Backup(queue, PREFIX, s3)
    backup.save()
    written: list[str] = []
    s3.meta.events.register("before-call.s3.PutObject", lambda params, **_: written.append(params["url_path"]))
    backup.save()
    Backup(queue, PREFIX, s3).save()
    assert [path for path in written if "answers" in path] == []
    new = give(queue, 2)
    queue.add_tasks([msgspec.structs.replace(new_tasks(1)[0], source_ref="more.png")])
    backup.save()
    assert [path.rpartition("/")[2] for path in written[-3:]] == ["tasks.jsonl", "queue.json", f"{new.client_id}.json"]


def test_the_thread_writes_what_is_answered_while_people_work(s3: Any, queue: Queue) -> None:
    described = threading.Event()

    def seen(params: dict[str, str], **_: object) -> None:
        """Notice the first round of the thread."""
        if params["url_path"].endswith("queue.json"):
            described.set()

    s3.meta.events.register("before-call.s3.PutObject", seen)
    with backing_up(Backup(queue, PREFIX, s3), poll_seconds=0.01):
        assert described.wait(5)
        give(queue, 1)
    assert Backup(queue, PREFIX, s3).missing() == 0


def test_a_failure_is_tried_again_and_named_until_then(s3: Any, queue: Queue) -> None:
    give(queue, 1)
    refused = ClientError({"Error": {"Code": "SlowDown", "Message": "Reduce your request rate."}}, "PutObject")
    attempts: list[int] = []

    def fail(**_: object) -> None:
        """Fail twice."""
        attempts.append(1)
        if len(attempts) <= 2:
            raise refused

    s3.meta.events.register("before-call.s3.PutObject", fail)
    backup = Backup(queue, PREFIX, s3)
    assert not backup.try_to_save()
    assert backup.problem == "AWS refused PutObject: SlowDown: Reduce your request rate."
    assert backup.missing() == 1
    with backing_up(backup, poll_seconds=0.01):
        pass
    assert (backup.try_to_save(), backup.missing()) == (True, 0)


def test_another_queue_of_that_name_is_not_overwritten(s3: Any, queue: Queue, new_queue: Callable[..., Queue]) -> None:
    Backup(queue, PREFIX, s3).save()
    other = new_queue(list(reversed(new_tasks())))
    with pytest.raises(UserError, match="the backup of another queue of that name"):
        Backup(other, PREFIX, s3).save()


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        pytest.param("queue.json", None, "queue.json does not exist", id="no backup"),
        pytest.param("tasks.jsonl", b"{", "tasks.jsonl is damaged", id="damaged tasks"),
        pytest.param("answers/1/x.json", b"\xff", "answers/1/x.json is damaged", id="a damaged answer"),
    ],
)
def test_a_backup_that_cannot_be_read_is_named(
    s3: Any, queue: Queue, tmp_path: Path, key: str, content: bytes | None, message: str
) -> None:
    Backup(queue, PREFIX, s3).save()
    if content is None:
        s3.delete_object(Bucket="bucket", Key=f"backups/week-47/{key}")
    else:
        s3.put_object(Bucket="bucket", Key=f"backups/week-47/{key}", Body=content)
    with pytest.raises(UserError, match=message):
        restore(PLACE, tmp_path / "again", s3=s3)
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("client_id", ["../../../other/answers/1", "a/b?c#d%2e%2e"])
def test_a_hostile_answer_stays_below_its_task(s3: Any, queue: Queue, tmp_path: Path, client_id: str) -> None:
    give(queue, 1, client_id=client_id)
    Backup(queue, PREFIX, s3).save()
    (name,) = (key.removeprefix("backups/week-47/answers/") for key in keys(s3) if "answers" in key)
    assert name.startswith("1/")
    assert name.count("/") == 1
    assert Backup(queue, PREFIX, s3).missing() == 0
    again = restore(PLACE, tmp_path / "again", s3=s3)
    assert state(again) == state(queue)
    again.close()
