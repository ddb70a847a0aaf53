"""A made-up manifest of any length whose faults are known: where they are, and what is left without them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.prepare.peers.task import ATTRIBUTE, DETECTION, METADATA

CLASSES = ("bolt", "bracket", "cap", "clip", "gasket", "hinge", "nut", "pin", "rivet", "screw", "spring", "washer")
DIRTY = 0.01
SECOND_JOB = 0.3
_MAX_BOXES = 30
_REMEMBERED = 2_000

FAULTS = (
    "bad_json",
    "bad_image_size",
    "box_outside",
    "duplicate",
    "duplicate_key",
    "failure_reason",
    "missing_label",
    "objects_mismatch",
    "unknown_class",
    "zero_area",
)


@dataclass(frozen=True)
class Fault:
    """A line that must not be in a split, and why."""

    line: int
    kind: str
    source_ref: str


@dataclass
class Truth:
    """What a manifest holds.

    Attributes:
        lines, bytes: of the whole file.
        faults: in no particular order; of an image that is labelled twice, the line that does not count.
        boxes: by class name, on the lines without faults.
    """

    lines: int = 0
    bytes: int = 0
    faults: list[Fault] = field(default_factory=list)
    boxes: Counter[str] = field(default_factory=Counter)

    def by_kind(self) -> Counter[str]:
        """Count the faults of each kind."""
        return Counter(fault.kind for fault in self.faults)


@dataclass(frozen=True)
class _Job:
    name: str
    classes: tuple[str, ...]
    width: int
    height: int

    def class_map(self) -> str:
        return ",".join(f'"{number}":"{name}"' for number, name in enumerate(self.classes))


def write_manifest(path: Path, lines: int, seed: int) -> Truth:
    """Write the manifest; the same seed gives the same bytes.

    A line has 1.4 KB and 10.7 boxes on average. 30 % of the lines are from a second job with another class-map, 1 %
    have one fault each, of ten kinds in turn.
    """
    chooser = random.Random(seed)  # noqa: S311  nothing here is secret
    permuted = chooser.sample(CLASSES, len(CLASSES))
    jobs = (_Job("parts-2023", CLASSES, 1920, 1080), _Job("parts-2024", tuple(permuted), 1280, 960))
    truth = Truth(lines)
    # Sound lines that a later line may label again: number, URI, boxes by class.
    earlier: list[tuple[int, str, Counter[str]]] = []
    chance = chooser.random
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for number in range(1, lines + 1):
            job = jobs[chance() < SECOND_JOB]
            source_ref = f"s3://example-labels/cameras/line-{number % 7}/{number:09d}.jpg"
            kind = FAULTS[len(truth.faults) % len(FAULTS)] if chance() < DIRTY else ""
            twice = kind == "duplicate" and bool(earlier)
            if twice:
                replaced, source_ref, boxes = earlier.pop(int(chance() * len(earlier)))
                truth.boxes.subtract(boxes)
                truth.faults.append(Fault(replaced, kind, source_ref))
            text, shown = _line(chooser, job, source_ref, kind)
            if kind and kind != "duplicate":
                truth.faults.append(Fault(number, kind, source_ref))
            else:
                truth.boxes.update(shown)
                if not twice:
                    _remember(chooser, earlier, (number, source_ref, shown))
            truth.bytes += stream.write(text) + stream.write("\n")
    return truth


def without(path: Path, target: Path, truth: Truth, kind: str) -> None:
    """Write a copy that lacks the lines with one kind of fault."""
    left_out = {fault.line for fault in truth.faults if fault.kind == kind}
    with path.open("rb") as stream, target.open("wb") as copy:
        copy.writelines(line for number, line in enumerate(stream, start=1) if number not in left_out)


def _remember(
    chooser: random.Random, earlier: list[tuple[int, str, Counter[str]]], line: tuple[int, str, Counter[str]]
) -> None:
    if len(earlier) < _REMEMBERED:
        earlier.append(line)
    elif chooser.random() < 0.05:  # so that some labels of an image are far apart
        earlier[int(chooser.random() * _REMEMBERED)] = line


def _line(chooser: random.Random, job: _Job, source_ref: str, kind: str) -> tuple[str, Counter[str]]:
    """Return one line, with a fault of this kind or valid, and its boxes by class."""
    chance = chooser.random
    start = f'{{"source-ref":"{source_ref}"'
    if kind == "missing_label":
        return start + "}", Counter()
    made = (
        f'"type":"{DETECTION}","human-annotated":"yes","job-name":"labeling-job/{job.name}",'
        f'"creation-date":"2024-05-{_between(chance, 1, 28):02d}T21:25:57.941008"'
    )
    if kind == "failure_reason":
        return f'{start},"{METADATA}":{{"failure-reason":"ClientError: the image is not there",{made}}}}}', Counter()
    count = 1 + int(_MAX_BOXES * chance() ** 1.9)
    shown: list[int] = []
    boxes: list[str] = []
    for _ in range(count):
        class_id, width, height = int(chance() * len(CLASSES)), _between(chance, 5, 300), _between(chance, 5, 300)
        left, top = int(chance() * (job.width - width)), int(chance() * (job.height - height))
        shown.append(class_id)
        boxes.append(_box(class_id, left, top, width, height))
    objects = [f'{{"confidence":{int(chance() * 100) / 100}}}' for _ in range(count)]
    image_width = job.width
    if kind == "bad_image_size":
        image_width = 0
    elif kind == "box_outside":
        boxes[-1] = _box(shown[-1], job.width - 10, 0, 40, 40)
    elif kind == "zero_area":
        boxes[-1] = _box(shown[-1], 10, 10, 0, 40)
    elif kind == "unknown_class":
        boxes[-1] = _box(len(CLASSES) + 5, 10, 10, 40, 40)
    elif kind == "objects_mismatch":
        objects.append('{"confidence":0.5}')
    elif kind == "duplicate_key":
        boxes[-1] = boxes[-1].replace(",", ',"class_id":0,', 1)
    text = (
        f'{start},"{ATTRIBUTE}":{{"image_size":[{{"width":{image_width},"height":{job.height},"depth":3}}],'
        f'"annotations":[{",".join(boxes)}]}},"{METADATA}":{{"objects":[{",".join(objects)}],'
        f'"class-map":{{{job.class_map()}}},{made}}}}}'
    )
    if kind == "bad_json":
        text = text[: len(text) // 2]
    return text, Counter(job.classes[class_id] for class_id in shown)


def _between(chance: Callable[[], float], low: int, high: int) -> int:
    return low + int(chance() * (high - low + 1))


def _box(class_id: int, left: int, top: int, width: int, height: int) -> str:
    return f'{{"class_id":{class_id},"left":{left},"top":{top},"width":{width},"height":{height}}}'
