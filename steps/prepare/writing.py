"""The second pass: the lines of each split rewritten, and the lists and files that go with them."""

from __future__ import annotations

import hashlib
import heapq
import os
import shutil
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import RawIOBase
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from groundloop.labels.canonical import Canonicaliser, changed_boxes
from groundloop.labels.classes import ClassList
from groundloop.labels.manifest import source_ref_of
from groundloop.labels.split import Split
from steps.prepare import outputs
from steps.prepare.dataset import PreparedDataset
from steps.prepare.index import CHANGED, FAST_PATH, Index
from steps.prepare.parallel import Engine, gc_disabled
from steps.prepare.reading import ReadOptions
from steps.prepare.sources import ManifestSource

if TYPE_CHECKING:
    from steps.prepare.start_model import StartModel

BLOCK = 1000
"""Lines that are hashed together."""

_BUFFER = 1 << 20
# Lines that are written at once, unless one is so long that it had better not wait.
_AT_ONCE = 100
_LONG = 100_000
_PREDICTED = (Split.VALIDATION, Split.TEST)
#: The splits that the training job reads.
TRAINED = (Split.TRAIN, Split.VALIDATION)
#: The model that training starts from, beside its manifests.
MODEL_ARCHIVE = "model.tar.gz"


@dataclass(frozen=True)
class Fingerprints:
    """Hashes of the prepared data.

    Attributes:
        data: equal exactly when the classes and all manifests are.
        training: equal exactly when the classes, the manifests of the training job and their images are; without the
            images where these were not checked.
    """

    data: str
    training: str


@dataclass(frozen=True)
class WriteTask:
    """Lines to rewrite, in this order, into one file.

    Attributes:
        lines: which.
        references: where to put the images' URIs, a JSON text each; None: nowhere.
    """

    sources: Sequence[ManifestSource]
    options: ReadOptions
    classes: ClassList
    lines: Index
    target: Path
    references: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the files that the task writes."""
        return (self.target, self.references) if self.references else (self.target,)


@dataclass(frozen=True)
class WriteResult:
    """The result of one task.

    Attributes:
        digests: SHA-256 of every `BLOCK` lines, one after the other.
        buckets: of the images; empty when no URIs were asked for, as are the others.
        first, last: URI in alphabetical order.
    """

    target: Path
    references: Path | None
    digests: bytes
    buckets: set[str]
    first: str
    last: str


def write(task: WriteTask) -> WriteResult:
    """Rewrite the lines of one task."""
    rewrite = [Canonicaliser(source.attribute, task.classes) for source in task.sources]
    readers = [task.options.reader(source.attribute) for source in task.sources]
    lines = task.lines
    buckets, first, last = set[str](), "", ""
    with gc_disabled(), ExitStack() as stack:
        files = [stack.enter_context(source.path.open("rb", buffering=0)).fileno() for source in task.sources]
        target = _Blocks(stack.enter_context(task.target.open("wb", buffering=0)))
        references = None if task.references is None else stack.enter_context(task.references.open("wb"))
        waiting = target.waiting
        for source, offset, length, marks in zip(lines.source, lines.offset, lines.length, lines.marks, strict=True):
            raw = os.pread(files[source], length, offset)
            if marks & FAST_PATH:
                line = rewrite[source].rewrite_fast(raw)
            else:
                boxes = changed_boxes(readers[source].read_line(0, raw)) if marks & CHANGED else None
                line = rewrite[source](raw, boxes)
            waiting.append(line)
            if len(waiting) == _AT_ONCE or length > _LONG:
                target.write()
            if references is not None:
                source_ref = source_ref_of(line)
                references.write(msgspec.json.encode(source_ref) + b"\n")
                buckets.add(source_ref[: source_ref.index("/", 5)].removeprefix("s3://"))
                first, last = min(first or source_ref, source_ref), max(last, source_ref)
        target.write()
    return WriteResult(task.target, task.references, target.digests(), buckets, first, last)


class _Blocks:
    """A file of lines that is hashed block by block, so that parts of it can be hashed by themselves.

    Attributes:
        waiting: lines to be written with the next call; at most up to the end of a block.
    """

    def __init__(self, stream: RawIOBase) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self._room = BLOCK
        self._digests: list[bytes] = []
        self.waiting: list[bytes] = []

    def write(self) -> None:
        """Write the waiting lines."""
        while self.waiting:
            taken, self.waiting[:] = self.waiting[: self._room], self.waiting[self._room :]
            data = memoryview(b"\n".join([*taken, b""]))
            self._hash.update(data)
            while data:  # a disk that is nearly full takes less than it is given, then complains
                data = data[self._stream.write(data) :]
            self._room -= len(taken)
            if not self._room:
                self._end()

    def digests(self) -> bytes:
        """Return the digests of the blocks, the last of which may be shorter."""
        if self._room < BLOCK:
            self._end()
        return b"".join(self._digests)

    def _end(self) -> None:
        self._digests.append(self._hash.digest())
        self._hash, self._room = hashlib.sha256(), BLOCK


def write_manifests(
    dataset: PreparedDataset,
    classes: ClassList,
    shuffle_seed: int,
    folder: Path,
    work: Path,
    engine: Engine,
    image_keys: Sequence[int],
) -> Fingerprints:
    """Write the split manifests and the list of images to predict.

    Args:
        folder: for what is written.
        work: for what is not to stay.
        image_keys: a number for each entry, which changes with the image's content.

    Returns:
        The hashes of what was written.

    Raises:
        UserError: the images to predict lie in several buckets.
    """
    chosen = {split: dataset.entries(split) for split in _PREDICTED}
    chosen[Split.TRAIN] = dataset.shuffled(Split.TRAIN, shuffle_seed)
    # Whole blocks: cut anywhere else, the same lines would have other digests.
    at_a_time = BLOCK * max(1, -(-sum(map(len, chosen.values())) // (engine.width * BLOCK)))
    tasks: list[WriteTask] = []
    splits: list[Split] = []
    for split, entries in chosen.items():
        for begin in range(0, len(entries), at_a_time) if entries else [0]:
            target = work / f"{split.value}-{begin}" if begin else folder / f"{split.value}.manifest"
            references = work / f"{split.value}-{begin}.references" if split in _PREDICTED else None
            lines = dataset.index.places(entries[begin : begin + at_a_time])
            tasks.append(WriteTask(dataset.sources, dataset.options, classes, lines, target, references))
            splits.append(split)
    digests = dict.fromkeys(chosen, b"")
    predicted: list[WriteResult] = []
    for split, result in zip(splits, engine.map(write, tasks), strict=True):
        digests[split] += result.digests
        target = folder / f"{split.value}.manifest"
        if result.target != target:
            with result.target.open("rb") as source, target.open("ab") as manifest:
                shutil.copyfileobj(source, manifest, _BUFFER)
            result.target.unlink()
        if result.references is not None:
            predicted.append(result)
    outputs.write_predict_images(
        folder / "predict-images.json",
        _references(result.references for result in predicted if result.references),
        set[str]().union(*(result.buckets for result in predicted)),
        min(result.first for result in predicted if result.first),
        max(result.last for result in predicted),
    )
    images = array("Q", (image_keys[entry] for split in TRAINED for entry in chosen[split]))
    return Fingerprints(
        data=_fingerprint(classes, digests, tuple(Split)),
        training=_fingerprint(classes, digests, TRAINED, images.tobytes()),
    )


def _fingerprint(
    classes: ClassList, digests: Mapping[Split, bytes], splits: Iterable[Split], images: bytes = b""
) -> str:
    """Return the SHA-256 over the classes, the SHA-256 of every `BLOCK` lines of some splits, and keys of images."""
    sums = "".join(f"{split.value} {digests[split].hex()}\n" for split in splits)
    return hashlib.sha256(f"{classes.sha256}\n{sums}".encode() + images).hexdigest()


def write_training_data(manifests: Path, fingerprint: str, folder: Path, start: StartModel | None = None) -> str:
    """Write what the training job reads, manifests and model, under a key that is made of their content.

    Args:
        manifests: the folder with the manifests.
        fingerprint: equal exactly when the training data are.
        folder: its content is uploaded under a prefix that all executions share.
        start: the model that training starts from; its archive is moved.

    Returns:
        The name of the folder in it.
    """
    # 128 bits: URIs below are values of the model package's metadata, which have at most 256 characters.
    content = hashlib.sha256(f"{fingerprint}\n{start.sha256}".encode()).hexdigest() if start else fingerprint
    name = content[:32]
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    for split in TRAINED:
        shutil.copyfile(manifests / f"{split.value}.manifest", target / f"{split.value}.manifest")
    if start:
        shutil.move(start.archive, target / MODEL_ARCHIVE)
    return name


def write_rejected(dataset: PreparedDataset, path: Path) -> None:
    """Write every line that is in no split because it has an error or no labels, see `rejected_entry`."""
    with path.open("wb") as stream:
        for number, source in enumerate(dataset.sources):
            early = chain.from_iterable(
                zip(numbers, _lines(file), strict=True) for file, numbers in dataset.rejected_files[number]
            )
            late = ((line.number, outputs.rejected_entry(line, source.name)) for line in dataset.rejected_lines(number))
            for _, entry in heapq.merge(early, late):
                stream.write(entry)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from stream


def _references(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        for line in _lines(path):
            yield msgspec.json.decode(line, type=str)
