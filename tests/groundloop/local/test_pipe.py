"""Pipe mode: a FIFO per epoch, each attribute of each line one record."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundloop.local.errors import JobError
from groundloop.local.pipe import ObjectReader, PipeFeeder, augmented_samples
from groundloop.local.recordio import read_records

NAMES = ["source-ref", "bounding-box"]


class Objects:
    """An S3 that counts what is read."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = {f"s3://b/{name}": content for name, content in objects.items()}
        self.reads: list[str] = []

    def read(self, uri: str) -> bytes:
        self.reads.append(uri)
        if uri not in self.objects:
            raise JobError("ClientError", f"the S3 object {uri} does not exist")
        return self.objects[uri]


def manifest(*names: str) -> bytes:
    lines = [json.dumps({"source-ref": f"s3://b/{name}", "bounding-box": {"name": name}}) for name in names]
    return "\n".join(lines).encode()


class Fed:
    """A running feeder and its reader's side."""

    def __init__(self, folder: Path, objects: Objects, lines: bytes, **options: Any) -> None:
        self.folder = folder
        self.reader = ObjectReader(objects)  # type: ignore[arg-type]
        self.feeder = PipeFeeder("train", augmented_samples(lines, "m", NAMES), self.reader, folder, **options)
        self.feeder.start()

    def epoch(self, number: int) -> list[bytes]:
        path = self.folder / f"train_{number}"
        deadline = time.monotonic() + 5
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        with path.open("rb") as fifo:
            return list(read_records(fifo))

    def end(self) -> None:
        self.feeder.stop()
        self.feeder.join(5)
        assert not self.feeder.is_alive()
        self.reader.close()


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Any]:
    running: list[Fed] = []

    def feed(objects: Objects, lines: bytes, **options: Any) -> Fed:
        running.append(Fed(tmp_path, objects, lines, **options))
        return running[-1]

    yield feed
    for fed in running:
        fed.end()


def test_each_attribute_is_a_record_in_order_and_a_ref_gives_the_object(feed: Any) -> None:
    fed = feed(Objects(one=b"\xff\xd81", two=b"\xff\xd82"), manifest("one", "two"))
    assert fed.epoch(0) == [b"\xff\xd81", b'{"name": "one"}', b"\xff\xd82", b'{"name": "two"}']


def test_every_epoch_has_its_own_fifo_and_objects_are_read_once(feed: Any) -> None:
    objects = Objects(one=b"1", two=b"2")
    fed = feed(objects, manifest("one", "two"))
    epochs = [fed.epoch(number) for number in range(3)]
    assert epochs[0] == epochs[1] == epochs[2]
    assert sorted(objects.reads) == ["s3://b/one", "s3://b/two"]
    assert not (fed.folder / "train_0").exists()


def test_a_shuffle_is_another_order_each_epoch_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    names = [f"o{number}" for number in range(20)]
    objects = Objects(**{name: name.encode() for name in names})
    runs = []
    for run in ("first", "second"):
        fed = Fed(tmp_path / run, objects, manifest(*names), shuffle_seed=7)
        runs.append([fed.epoch(0)[::2], fed.epoch(1)[::2]])
        fed.end()
    assert runs[0] == runs[1]
    first, second = runs[0]
    assert first != second
    assert sorted(first) == sorted(second) == sorted(name.encode() for name in names)
    assert first != [name.encode() for name in names]


def test_a_reader_may_close_early(feed: Any) -> None:
    objects = Objects(**{f"o{number}": bytes(200_000) for number in range(8)})
    fed = feed(objects, manifest(*(f"o{number}" for number in range(8))))
    with (fed.folder / "train_0").open("rb") as fifo:
        assert next(iter(read_records(fifo))) == bytes(200_000)
    assert len(fed.epoch(1)) == 16


def test_a_feeder_that_nobody_reads_can_be_ended(feed: Any) -> None:
    fed = feed(Objects(one=b"1"), manifest("one"))
    time.sleep(0.05)
    fed.end()
    assert fed.feeder.failure is None


def test_a_missing_object_names_line_and_attribute(feed: Any) -> None:
    fed = feed(Objects(one=b"1"), manifest("one", "gone"))
    threading.Thread(target=fed.epoch, args=(0,), daemon=True).start()
    fed.feeder.join(5)
    assert str(fed.feeder.failure) == (
        'ClientError: line 2 of m, attribute "source-ref": the S3 object s3://b/gone does not exist'
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param('{"source-ref": "s3://b/a"}', "line 2 of m lacks the attribute 'bounding-box'", id="no label"),
        pytest.param("{", "line 2 of m is not JSON", id="not JSON"),
        pytest.param("[]", "line 2 of m is not a JSON object", id="not an object"),
        pytest.param(
            '{"source-ref": 3, "bounding-box": 1}', 'attribute "source-ref": an S3 URI is expected', id="no URI"
        ),
    ],
)
def test_a_faulty_line_is_named(line: str, message: str) -> None:
    with pytest.raises(JobError) as caught:
        augmented_samples(manifest("a") + b"\n" + line.encode(), "m", NAMES)
    assert message in str(caught.value)


def test_an_empty_manifest_is_told() -> None:
    with pytest.raises(JobError, match="holds no line"):
        augmented_samples(b"\n\n", "m", NAMES)
