"""Pipe mode: one FIFO per channel and epoch, fed with the channel's records.

`input/data/<channel>_<epoch>`, epochs from 0. A program reads a FIFO to its end, or closes it early, and opens the
next; the next one is made when the last is done, so a program has to wait for it, as on AWS.

What a line of an augmented manifest becomes (AWS's guide, and the dump in sagemaker-tensorflow-extensions#33): each
attribute of `AttributeNames`, in order, one record; of a `-ref` attribute the bytes of the S3 object, of any other
the text of its JSON value. AWS doesn't say what happens to a line that lacks an attribute or its object; here the job
fails and says where.
"""

from __future__ import annotations

import errno
import json
import os
import random
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundloop.local.errors import JobError
from groundloop.local.recordio import frame
from groundloop.local.s3 import S3

#: Objects asked for before they are needed.
_AHEAD = 32
#: Bytes of objects kept from epoch to epoch, over all channels of a job.
_CACHE_BYTES = 512 * 1024 * 1024
#: Seconds between two tries to find a reader.
_RETRY = 0.02


@dataclass(frozen=True)
class Item:
    """A record of the stream: the object at `uri`, or `text`; `origin` names its place in the manifest."""

    origin: str
    uri: str = ""
    text: bytes = b""


#: The records of one manifest line, or of one S3 object.
Sample = tuple[Item, ...]


def augmented_samples(manifest: bytes, uri: str, attributes: list[str]) -> list[Sample]:
    """Parse the samples of an augmented manifest (JSON Lines; blank lines are skipped).

    Raises:
        JobError: a line is not a JSON object or lacks an attribute; the text names line and key.
    """
    samples = []
    for number, line in enumerate(manifest.splitlines(), 1):
        if not line.strip():
            continue
        where = f"line {number} of {uri}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise JobError("ClientError", f"{where} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise JobError("ClientError", f"{where} is not a JSON object")
        samples.append(tuple(_item(record, attribute, where) for attribute in attributes))
    if not samples:
        raise JobError("ClientError", f"the augmented manifest {uri} holds no line")
    return samples


def _item(record: dict[str, Any], attribute: str, where: str) -> Item:
    if attribute not in record:
        raise JobError("ClientError", f"{where} lacks the attribute {attribute!r}, one of the channel's AttributeNames")
    value, origin = record[attribute], f'{where}, attribute "{attribute}"'
    if attribute.endswith("-ref"):
        if not isinstance(value, str) or not value.startswith("s3://"):
            raise JobError("ClientError", f"{origin}: an S3 URI is expected, not {value!r}")
        return Item(origin, uri=value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        return Item(origin, text=text.encode())
    except UnicodeEncodeError:
        raise JobError("ClientError", f"{origin}: half of a surrogate pair is not text") from None


class ObjectReader:
    """Reads objects in order, in parallel ahead, and keeps them for the next epoch."""

    def __init__(self, s3: S3) -> None:
        self._s3 = s3
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="pipe-read")
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def _read(self, item: Item) -> bytes:
        if not item.uri:
            return item.text
        with self._lock:
            if item.uri in self._kept:
                return self._kept[item.uri]
        try:
            content = self._s3.read(item.uri)
        except JobError as error:
            raise JobError(error.kind, f"{item.origin}: {error.text}") from error
        with self._lock:
            if item.uri not in self._kept and self._size + len(content) <= _CACHE_BYTES:
                self._kept[item.uri] = content
                self._size += len(content)
        return content

    def read(self, items: Iterable[Item]) -> Iterator[bytes]:
        """Yield the content of each item, in order."""
        waiting: deque[Future[bytes]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(self._read, item))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """Wait for what is being read, and end."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class PipeFeeder(threading.Thread):
    """Feeds one channel until `stop()`; a failure is kept in `failure`."""

    def __init__(
        self,
        channel: str,
        samples: list[Sample],
        reader: ObjectReader,
        folder: Path,
        *,
        wrap: Callable[[bytes], bytes] = frame,
        shuffle_seed: int | None = None,
    ) -> None:
        super().__init__(name=f"pipe-{channel}", daemon=True)
        self.channel = channel
        self.failure: JobError | None = None
        self._samples, self._reader, self._folder, self._wrap = samples, reader, folder, wrap
        self._shuffle = random.Random(shuffle_seed) if shuffle_seed is not None else None  # noqa: S311 (an order, no secret)
        self._stop_asked = threading.Event()
        self._folder.mkdir(parents=True, exist_ok=True)
        # Made here, so that the first epoch is there before the program starts.
        os.mkfifo(self._path(0))

    def _path(self, epoch: int) -> Path:
        return self._folder / f"{self.channel}_{epoch}"

    def run(self) -> None:
        """Write one FIFO per epoch until the program stops reading or a sample fails."""
        epoch = 0
        try:
            while self._feed(epoch):
                self._path(epoch).unlink()
                epoch += 1
                os.mkfifo(self._path(epoch))
        except JobError as error:
            self.failure = error
        except Exception as error:
            self.failure = JobError("InternalServerError", f"feeding channel {self.channel}: {error!r}")

    def stop(self) -> None:
        """End the feeder. The program has to be gone: a write into a FIFO that nobody empties would wait for ever."""
        self._stop_asked.set()

    def _open(self, epoch: int) -> int | None:
        """Open the FIFO once a reader does; None when the feeder is stopped before that."""
        while not self._stop_asked.is_set():
            try:
                descriptor = os.open(self._path(epoch), os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                self._stop_asked.wait(_RETRY)
            else:
                os.set_blocking(descriptor, True)
                return descriptor
        return None

    def _feed(self, epoch: int) -> bool:
        """Write the records of an epoch; return False when stopped."""
        order = list(self._samples)
        if self._shuffle:
            # One generator for all epochs: each has its own order, and the same seed gives the same orders.
            self._shuffle.shuffle(order)
        descriptor = self._open(epoch)
        if descriptor is None:
            return False
        records = self._reader.read(item for sample in order for item in sample)
        try:
            with os.fdopen(descriptor, "wb", buffering=1 << 20) as fifo:
                for record in records:
                    if self._stop_asked.is_set():
                        return False
                    fifo.write(self._wrap(record))
        except BrokenPipeError as error:
            # The program has seen enough of this epoch; a failure to read is a failure all the same.
            if isinstance(error.__context__, JobError):
                raise error.__context__ from None
        finally:
            records.close()  # type: ignore[attr-defined]
        return True
