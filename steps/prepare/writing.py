"""The second pass: the lines of each split rewritten, and the lists and files that go with them."""

from __future__ import annotations

import hashlib
import heapq
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec

from labels.canonical import Canonicaliser, changed_boxes
from labels.classes import ClassList
from labels.manifest import source_ref_of
from labels.split import Split
from steps.prepare import outputs
from steps.prepare.dataset import DataSet
from steps.prepare.engine import Engine
from steps.prepare.index import CHANGED, Index
from steps.prepare.reading import Rules
from steps.prepare.sources import Source

_BUFFER = 1 << 20
_ALL_BITS = 2**256 - 1
_PREDICTED = (Split.VALIDATION, Split.TEST)


@dataclass(frozen=True)
class WriteTask:
    """Lines to rewrite, in this order, into one file.

    Attributes:
        lines: which.
        references: where to put the images' URIs, a JSON text each; None: nowhere.
    """

    sources: Sequence[Source]
    rules: Rules
    classes: ClassList
    lines: Index
    target: Path
    references: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.target, self.references) if self.references else (self.target,)


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        digests: sum of the lines' SHA-256, as numbers.
        buckets: of the images; empty when no URIs were asked for, as are the others.
        first, last: URI in alphabetical order.
    """

    target: Path
    references: Path | None
    digests: int
    buckets: set[str]
    first: str
    last: str


def write(task: WriteTask) -> Written:
    """Rewrite the lines of one task."""
    rewrite = [Canonicaliser(source.attribute, task.classes) for source in task.sources]
    readers = [task.rules.reader(source.attribute) for source in task.sources]
    lines = task.lines
    digests, buckets, first, last = 0, set[str](), "", ""
    with ExitStack() as stack:
        files = [stack.enter_context(source.path.open("rb", buffering=0)).fileno() for source in task.sources]
        target = stack.enter_context(task.target.open("wb", buffering=_BUFFER))
        references = None if task.references is None else stack.enter_context(task.references.open("wb"))
        for source, offset, length, marks in zip(lines.source, lines.offset, lines.length, lines.marks, strict=True):
            raw = os.pread(files[source], length, offset)
            boxes = changed_boxes(readers[source].read_line(0, raw)) if marks & CHANGED else None
            line = rewrite[source](raw, boxes)
            target.write(line + b"\n")
            digests += int.from_bytes(hashlib.sha256(line).digest(), "big")
            if references is not None:
                source_ref = source_ref_of(line)
                references.write(msgspec.json.encode(source_ref) + b"\n")
                buckets.add(source_ref[: source_ref.index("/", 5)].removeprefix("s3://"))
                first, last = min(first or source_ref, source_ref), max(last, source_ref)
    return Written(task.target, task.references, digests & _ALL_BITS, buckets, first, last)


def write_manifests(
    dataset: DataSet, classes: ClassList, shuffle_seed: int, folder: Path, work: Path, engine: Engine
) -> str:
    """Write the split manifests and the list of images to predict.

    Args:
        folder: for what is written.
        work: for what is not to stay.

    Returns:
        The data set's fingerprint: SHA-256 over the classes and, for each split, the sum of its lines' SHA-256.

    Raises:
        UserError: the images to predict lie in several buckets.
    """
    chosen = {split: dataset.entries(split) for split in _PREDICTED}
    chosen[Split.TRAIN] = dataset.shuffled(Split.TRAIN, shuffle_seed)
    at_a_time = max(1, -(-sum(map(len, chosen.values())) // engine.width))
    tasks: list[WriteTask] = []
    splits: list[Split] = []
    for split, entries in chosen.items():
        for begin in range(0, len(entries), at_a_time) if entries else [0]:
            target = work / f"{split.value}-{begin}" if begin else folder / f"{split.value}.manifest"
            references = work / f"{split.value}-{begin}.references" if split in _PREDICTED else None
            lines = dataset.index.places(entries[begin : begin + at_a_time])
            tasks.append(WriteTask(dataset.sources, dataset.rules, classes, lines, target, references))
            splits.append(split)
    digests = dict.fromkeys(chosen, 0)
    predicted: list[Written] = []
    for split, written in zip(splits, engine.map(write, tasks), strict=True):
        digests[split] = (digests[split] + written.digests) & _ALL_BITS
        target = folder / f"{split.value}.manifest"
        if written.target != target:
            with written.target.open("rb") as part, target.open("ab") as whole:
                shutil.copyfileobj(part, whole, _BUFFER)
            written.target.unlink()
        if written.references is not None:
            predicted.append(written)
    outputs.write_predict_images(
        folder / "predict-images.json",
        _references(written.references for written in predicted if written.references),
        set[str]().union(*(written.buckets for written in predicted)),
        min(written.first for written in predicted if written.first),
        max(written.last for written in predicted),
    )
    sums = "".join(f"{split.value} {digests[split]:064x}\n" for split in Split)
    return hashlib.sha256(f"{classes.sha256}\n{sums}".encode()).hexdigest()


def write_rejected(dataset: DataSet, path: Path) -> None:
    """Every line that is in no split because something is wrong with it or it has no labels, see `rejected_entry`."""
    with path.open("wb") as stream:
        for number, source in enumerate(dataset.sources):
            early = chain.from_iterable(
                zip(numbers, _lines(file), strict=True) for file, numbers in dataset.rejected[number]
            )
            late = ((line.number, outputs.rejected_entry(line, source.name)) for line in dataset.refused_lines(number))
            for _, entry in heapq.merge(early, late):
                stream.write(entry)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from stream


def _references(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        for line in _lines(path):
            yield msgspec.json.decode(line, type=str)
