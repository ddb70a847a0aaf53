"""Two hundred thousand damaged manifest lines through reader, duplicates, advice and rewriting: what became of them.

Run with `python benchmarks/fuzz_manifest.py [LINES] [SEED]`. Samples are made here; each line is one of them, damaged
in one to four places. A line that raises anything but a UserError ends the run with its traceback and exit code 1.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from groundloop.labels.attributes import find_attributes
from groundloop.labels.canonical import Canonicaliser, changed_boxes
from groundloop.labels.classes import ClassList
from groundloop.labels.duplicates import one_line_per_image
from groundloop.labels.fast_reader import FastLineReader, FastRecord
from groundloop.labels.findings import Severity
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Line, Record
from groundloop.labels.training_requirements import IMAGE_SHAPE, Overview

LINES = 200_000
BATCH = 5_000
ATTRIBUTE = "bb"
ODD = [
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b'"0"',
    b"[]",
    b"{}",
    b"true",
    b"0.5",
    b'"\\ud800"',
    b"9" * 25,
    b'"\xff"',
    b"-0",
]
NUMBERS = [b"-2", b"0", b"1", b"3", b"-0.5", b"99.5", b"101.999", b"1e3", b"1.0", b'"1"', b"9007199254740993"]
ODD_BYTES = b'{}[]",:\\\x00\xff\xef\xbb\xbf\n\r 0-eE.'


_KEY = re.compile(rb'":\s*')
_END = re.compile(rb"[,}\]]")
_NUMBER = re.compile(rb"(?<=[ :])-?\d+(\.\d+)?(?=[,}\]])")


class LostLineError(Exception):
    """What went in did not come out."""


def seeded(seed: int) -> random.Random:
    """Return the source of all chance: the same seed gives the same damage."""
    return random.Random(seed)  # noqa: S311  nothing here is secret


def samples(chooser: random.Random, count: int = 200) -> list[bytes]:
    """Return valid lines of every kind: labelled, negative, adjusted, failed, unlabelled, video, with spaces or not."""
    return [_sample(chooser, number) for number in range(count)]


def _sample(chooser: random.Random, number: int) -> bytes:
    names = chooser.sample(["nut", "bolt", "螺母", "a b ", "Nut"], chooser.randint(1, 4))
    boxes = [
        {"class_id": chooser.randrange(len(names)), "left": chooser.uniform(-1, 80), "top": chooser.randint(0, 30)}
        | {"width": chooser.randint(1, 20), "height": chooser.randint(1, 20)}
        for _ in range(chooser.choice([0, 1, 1, 2, 5, 40]))
    ]
    label = {"image_size": [{"width": 100, "height": 50, "depth": 3}], "annotations": boxes}
    metadata: dict[str, Any] = {
        "objects": [{"confidence": 0.9}] * len(boxes),
        "class-map": {str(position): name for position, name in enumerate(names)},
        "type": "groundtruth/object-detection",
        "human-annotated": chooser.choice(["yes", "no"]),
        "creation-date": "2024-05-21T21:25:57.941008",
    }
    line: dict[str, Any] = {"source-ref": f"s3://bucket/{number}.jpg", "color": 'bl"ue":'}
    form = number % 8
    if form == 0:
        line |= {f"{ATTRIBUTE}-metadata": {"failure-reason": "expired", "type": metadata["type"]}}
    elif form == 1:
        line |= {"v-ref": "s3://b/SeqLabel.json", "v-ref-metadata": {"type": "groundtruth/video-object-detection"}}
    elif form > 2:
        line |= {ATTRIBUTE: label, f"{ATTRIBUTE}-metadata": metadata}
        if form == 3:
            line |= {"adjusted": label, "adjusted-metadata": metadata | {"adjustment-status": "adjusted"}}
    return json.dumps(line, ensure_ascii=chooser.random() < 0.5, separators=chooser.choice([(",", ":"), None])).encode()


def _flip(line: bytes, chooser: random.Random) -> bytes:
    place = chooser.randrange(len(line) + 1)
    return line[:place] + bytes([chooser.choice(ODD_BYTES)]) + line[place + chooser.randint(0, 1) :]


def _cut(line: bytes, chooser: random.Random) -> bytes:
    return line[: chooser.randrange(len(line) + 1)]


def _drop(line: bytes, chooser: random.Random) -> bytes:
    begin = chooser.randrange(len(line) + 1)
    return line[:begin] + line[begin + chooser.randint(1, 30) :]


def _repeat(line: bytes, chooser: random.Random) -> bytes:
    begin = chooser.randrange(len(line) + 1)
    end = begin + chooser.randint(1, 60)
    return line[:end] + line[begin:end] + line[end:]


def _value(line: bytes, chooser: random.Random) -> bytes:
    """Replace the value of one key; the old one goes up to the next comma or closing bracket."""
    keys = list(_KEY.finditer(line))
    if not keys:
        return line
    begin = chooser.choice(keys).end()
    end = _END.search(line, begin)
    return line[:begin] + chooser.choice(ODD) + line[end.start() if end else len(line) :]


def _move(line: bytes, chooser: random.Random) -> bytes:
    """Replace a number somewhere."""
    numbers = list(_NUMBER.finditer(line))
    if not numbers:
        return line
    place = chooser.choice(numbers)
    return line[: place.start()] + chooser.choice(NUMBERS) + line[place.end() :]


def _deep(line: bytes, chooser: random.Random) -> bytes:
    depth = chooser.choice([3, 100, 2_000])
    return line.replace(b":", b":" + b"[" * depth + b"]" * depth + b"," if chooser.random() < 0.5 else b":{", 1)


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    *(_flip, _cut, _drop, _repeat, _deep),
    *(_value, _value, _value, _value, _move, _move, _move, _move, _move),
]


def mutate(line: bytes, chooser: random.Random) -> bytes:
    """Damage the line in one to four places; line ends that get in are taken out, so it stays one line."""
    for _ in range(chooser.choice([1, 1, 1, 2, 3, 4])):
        line = chooser.choice(MUTATIONS)(line, chooser)
    return line.replace(b"\n", b" ")


def use(raw: list[bytes]) -> Counter[str]:
    """Do everything that Prepare does with lines, and count them by status.

    Raises:
        LostLineError: a line is lost, a rewritten line does not read as what it was, or the fast reader says
            something else of a line than the reader.
    """
    find_attributes(raw)
    read = list(ManifestReader(ATTRIBUTE).read(raw))
    lines = list(one_line_per_image(read))
    if len(lines) != len(raw):
        raise LostLineError(f"{len(raw)} lines in, {len(lines)} out")
    read_fast = FastLineReader(ATTRIBUTE, None, IMAGE_SHAPE)
    for line in read:
        fast = read_fast(line.raw)
        if fast and (line.findings or line.record is None or _essence(line.record) != _fast_essence(fast)):
            raise LostLineError(f"read by the fast reader as {_fast_essence(fast)}: {line.raw!r}")
    overview = Overview()
    overview.add(line.record for line in lines if line.record)
    list(overview.findings())
    classes = ClassList.from_union(name for line in read if line.record for name in line.record.class_names)
    rewrite = Canonicaliser(ATTRIBUTE, classes)
    rereader = ManifestReader("bounding-box", classes.names)
    for line in read:
        if line.record:
            written = rewrite(line.raw, changed_boxes(line))
            again = rereader.read_line(line.number, written).record
            if again is None or again.boxes != line.record.boxes:
                raise LostLineError(f"rewritten as {written!r}: {line.raw!r}")
    return Counter(_outcome(line) for line in lines)


def _essence(record: Record) -> tuple[str, list[str], int, bool]:
    overview = Overview()
    overview.add([record])
    names = [box.class_name for box in record.boxes]
    return record.source_ref, names, overview.tiny.total(), record.auto_labelled


def _fast_essence(record: FastRecord) -> tuple[str, list[str], int, bool]:
    names = [record.class_map.names[class_id] for class_id in record.class_ids]
    return record.source_ref, names, len(record.tiny), record.auto_labelled


def _outcome(line: Line) -> str:
    decisive = max(line.findings, key=lambda finding: finding.severity is Severity.ERROR, default=None)
    return f"{line.status.value:<10} {decisive.code.value if decisive else ''}".rstrip()


def main() -> None:
    """Read damaged lines and print how each of them was classified."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    chooser = seeded(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    valid = samples(chooser)
    lines = (mutate(chooser.choice(valid), chooser) for _ in range(count))
    outcomes: Counter[str] = Counter()
    begun = time.perf_counter()
    while batch := list(islice(lines, BATCH)):
        outcomes += use(batch)
    print(f"{outcomes.total():,} damaged lines in {time.perf_counter() - begun:.1f} s, no traceback, none lost")
    for outcome, lines_so in outcomes.most_common():
        print(f"  {lines_so:>8,}  {outcome}")


if __name__ == "__main__":
    main()
