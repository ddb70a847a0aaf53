"""A queue's answers in S3 too: one object each, beside the description of the queue, from which it can be made again.

Below the prefix: `<queue>/queue.json`, `<queue>/tasks.jsonl`, and `<queue>/answers/<task>/<client_id>.json` for each
answer. Objects of answers are never changed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from groundloop.errors import UserError
from groundloop.review.answers import InvalidAnswerError, UnknownTaskError
from groundloop.review.decisions import StoredAnswer
from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.s3 import is_missing, join_uri, read_bytes, split_uri

_QUEUE, _TASKS, _ANSWERS = "queue.json", "tasks.jsonl", "answers/"
_POLL_SECONDS = 2.0
_MAX_WAIT_SECONDS = 60.0
_THREADS = 8
#: The page makes UUIDs; other clients may make other names, which are part of a key.
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class Backup:
    """The backup of one queue.

    Args:
        queue: whose answers are written.
        prefix: S3 prefix of backups.
        s3: boto3's `s3` client; None makes one.

    Attributes:
        problem: why the last attempt failed; None where it succeeded.
    """

    def __init__(self, queue: Queue, prefix: str, s3: Any = None) -> None:
        self.place = join_uri(prefix, queue.info.name) + "/"
        self.problem: str | None = None
        self._queue = queue
        self._client = s3
        self._tasks = b""
        self._saved: set[str] | None = None
        self._last = 0

    @property
    def _s3(self) -> Any:
        """The client, made where it is needed: the page need not wait for it."""
        self._client = self._client or _client()
        return self._client

    def save(self) -> None:
        """Write what is not in S3 yet.

        Raises:
            UserError: the place holds another queue.
            BotoCoreError, ClientError: S3 can't be written.
        """
        if self._saved is None:
            self._saved = set(_keys(self._s3, join_uri(self.place, _ANSWERS)))
        self._save_tasks()
        new = list(self._queue.answers.stored(after=self._last))
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(self._save_answer, new))
        self._last = max((one.id for one in new), default=self._last)

    def try_to_save(self) -> bool:
        """Write what is not in S3 yet; return whether that succeeded, and keep why it did not as the problem."""
        from botocore.exceptions import BotoCoreError, ClientError

        from groundloop.aws import explain

        try:
            self.save()
        except UserError as error:
            self.problem = str(error)
        except (BotoCoreError, ClientError) as error:
            self.problem = explain(error)
        else:
            self.problem = None
        return self.problem is None

    def missing(self) -> int:
        """Count the answers that S3 does not list."""
        listed = set(_keys(self._s3, join_uri(self.place, _ANSWERS)))
        return sum(_answer_name(one) not in listed for one in self._queue.answers.stored())

    def _save_tasks(self) -> None:
        tasks = b"".join(msgspec.json.encode(task) + b"\n" for _, task in self._queue.tasks())
        if tasks == self._tasks:
            return
        known = _read(self._s3, join_uri(self.place, _TASKS))
        if known is not None and not tasks.startswith(known):
            raise UserError(
                f"{self.place} holds the backup of another queue of that name: use another prefix for this one"
            )
        if known != tasks:
            self._put(_TASKS, tasks)
        # Last: what has no description is no backup yet.
        self._put(_QUEUE, msgspec.json.encode(self._queue.info))
        self._tasks = tasks

    def _save_answer(self, stored: StoredAnswer) -> None:
        assert self._saved is not None  # noqa: S101 (save lists them first)
        name = _answer_name(stored)
        if name not in self._saved:
            self._put(_ANSWERS + name, msgspec.json.encode(stored))

    def _put(self, name: str, content: bytes) -> None:
        bucket, key = split_uri(join_uri(self.place, name))
        self._s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/json")


@contextmanager
def backing_up(backup: Backup, poll_seconds: float = _POLL_SECONDS) -> Iterator[None]:
    """Write a queue's answers to S3 in a thread while the body runs; at the end once more.

    When S3 can't be written it is tried again, after ever longer pauses of up to a minute.
    """
    stop = threading.Event()

    def run() -> None:
        wait = poll_seconds
        while True:
            wait = poll_seconds if backup.try_to_save() else min(2 * wait, _MAX_WAIT_SECONDS)
            if stop.wait(wait):
                return

    thread = threading.Thread(target=run, name="review-backup", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        backup.try_to_save()


def restore(place: str, folder: Path, images: str | None = None, s3: Any = None) -> Queue:
    """Make a queue again from its backup.

    The answers are those that were written, with who gave them and when. Invitations are made anew, and so are
    adjudicators.

    Args:
        place: S3 prefix of the queue's backup, the queue's name included.
        folder: of the queue's file.
        images: folder that holds the images now; None leaves what the queue says.
        s3: boto3's `s3` client; None makes one.

    Raises:
        UserError: there is no backup, or an object of it is damaged.
    """
    s3 = s3 or _client()
    info = _decoded(read_bytes(s3, join_uri(place, _QUEUE)), QueueInfo, join_uri(place, _QUEUE))
    uri = join_uri(place, _TASKS)
    tasks = [_decoded(line, NewTask, uri) for line in read_bytes(s3, uri).splitlines()]
    answers_uri = join_uri(place, _ANSWERS)

    def answer(name: str) -> StoredAnswer:
        """Read an answer."""
        uri = join_uri(answers_uri, name)
        return _decoded(read_bytes(s3, uri), StoredAnswer, uri)

    with ThreadPoolExecutor(_THREADS) as pool:
        answers = sorted(pool.map(answer, _keys(s3, answers_uri)), key=lambda one: one.id)
    if images is not None:
        info = msgspec.structs.replace(info, images=images)
    queue = Queue.create(folder, info, tasks, may_be_empty=True)
    try:
        for stored in answers:
            queue.answers.add(stored.reviewer, stored.answer, late=stored.late, received=stored.received)
    except (UnknownTaskError, InvalidAnswerError) as error:
        queue.close()
        raise UserError(f"{place}: an answer does not fit the queue's tasks: {error}") from None
    return queue


def _answer_name(stored: StoredAnswer) -> str:
    return f"{stored.task}/{_UNSAFE.sub('_', stored.answer.client_id)}.json"


def _client() -> Any:
    from botocore.config import Config

    from groundloop.aws import session

    retries: Any = {"mode": "standard", "total_max_attempts": 2}  # the thread tries again by itself
    return session(None).client(
        "s3", config=Config(max_pool_connections=_THREADS, connect_timeout=5, read_timeout=30, retries=retries)
    )


def _keys(s3: Any, uri: str) -> list[str]:
    """Return the names of the objects below a prefix."""
    bucket, prefix = split_uri(uri)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"][len(prefix) :] for page in pages for item in page.get("Contents", ())]


def _read(s3: Any, uri: str) -> bytes | None:
    from botocore.exceptions import ClientError

    bucket, key = split_uri(uri)
    try:
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return content


def _decoded(content: bytes, kind: type[Any], uri: str) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{uri} is damaged: {error}") from None
