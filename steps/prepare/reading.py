"""The first pass: every line of a range judged; what is usable is indexed, what is not is put aside."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from labels.advice import Overview
from labels.attributes import Attributes, find_attributes
from labels.canonical import changed_boxes
from labels.findings import Tally
from labels.glance import Glancer
from labels.grouping import Grouping
from labels.lines import ByteRange, lines_of
from labels.manifest import ManifestReader
from labels.records import Kind, Line
from labels.split import digest
from steps.prepare.index import CHANGED, MACHINE_LABELLED, TINY, Index, Shown
from steps.prepare.outputs import rejected_entry
from steps.prepare.sources import Source

UNUSED = (Kind.REJECTED, Kind.FAILED, Kind.UNLABELLED)


@dataclass(frozen=True)
class Rules:
    """How lines are read.

    Attributes:
        classes: the configured names; None allows every class.
        clip_tolerance, image_shape: pixels.
        seed: of the split.
    """

    classes: tuple[str, ...] | None
    clip_tolerance: float
    image_shape: int
    seed: int
    grouping: Grouping

    def reader(self, attribute: str) -> ManifestReader:
        return ManifestReader(attribute, self.classes, self.clip_tolerance)


@dataclass(frozen=True)
class ReadTask:
    """A range of a source, and the file to put its unusable lines into."""

    number: int
    source: Source
    within: ByteRange
    rules: Rules
    rejected: Path

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.rejected,)


@dataclass
class Part:
    """What was found in one range.

    Attributes:
        source: number of the source.
        index: the usable lines.
        rejected, rejected_numbers: the file of the others, an entry a line, and their line numbers.
        kinds: lines by kind.
        names: lines by class name that their map has.
        boxes, tiny: by class name, of the usable lines.
    """

    source: int
    rejected: Path
    index: Index = field(default_factory=Index)
    shown: Shown = field(default_factory=Shown)
    rejected_numbers: array[int] = field(default_factory=lambda: array("Q"))
    kinds: Counter[Kind] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    names: Counter[str] = field(default_factory=Counter)
    boxes: Counter[str] = field(default_factory=Counter)
    tiny: Counter[str] = field(default_factory=Counter)


def attributes_in(task: tuple[Source, ByteRange]) -> Attributes:
    """The label attributes that the lines of a range hold."""
    source, within = task
    return find_attributes(raw for _, raw in lines_of(source.path, within))


def read(task: ReadTask) -> Part:
    """Judge every line of the range."""
    rules, part = task.rules, Part(task.number, task.rejected)
    glance = Glancer(task.source.attribute, rules.classes, rules.image_shape)
    reader = rules.reader(task.source.attribute)
    index, shown, labelled, negative = part.index, part.shown, 0, 0
    with task.rejected.open("wb") as rejected:
        for number, (offset, raw) in enumerate(lines_of(task.source.path, task.within), start=task.within.first_line):
            seen = glance(raw)
            if seen is None:
                line = reader.read_line(number, raw)
                _add(part, line, offset, rules)
                if line.kind in UNUSED:
                    part.rejected_numbers.append(number)
                    rejected.write(rejected_entry(line, task.source.name))
                continue
            source_ref, class_map, class_ids, ids, tiny, by_machine = seen
            class_map.lines += 1
            class_map.boxes.update(class_ids)
            position = class_map.shown.get(ids)
            if position is None:
                position = class_map.shown[ids] = shown.position(class_map.names[one] for one in ids)
            if class_ids:
                labelled += 1
            else:
                negative += 1
            marks = MACHINE_LABELLED if by_machine else 0
            if tiny:
                part.tiny.update(class_map.names[one] for one in tiny)
                marks |= TINY
            index.offset.append(offset)
            index.length.append(len(raw))
            index.number.append(number)
            index.key.append(digest(source_ref, rules.seed))
            index.boxes.append(len(class_ids))
            index.shown.append(position)
            index.marks.append(marks)
            if rules.grouping:
                index.group.append(digest(rules.grouping(source_ref, raw), rules.seed))
    part.kinds[Kind.LABELLED] += labelled
    part.kinds[Kind.NEGATIVE] += negative
    for class_map in glance.class_maps:
        part.names.update(dict.fromkeys(class_map.all_names, class_map.lines) if class_map.lines else {})
        part.boxes.update({class_map.names[one]: count for one, count in class_map.boxes.items()})
    index.source.extend([task.number] * len(index))
    return part


def _add(part: Part, line: Line, offset: int, rules: Rules) -> None:
    part.kinds[line.kind] += 1
    part.tally.add(line.findings)
    if line.record is None:
        return
    record, index = line.record, part.index
    counted = Overview(rules.image_shape)
    counted.add([record])
    part.names.update(set(record.class_names))
    part.boxes += counted.boxes
    part.tiny += counted.tiny
    marks = MACHINE_LABELLED if record.machine_labelled else 0
    marks |= TINY if counted.tiny else 0
    marks |= CHANGED if changed_boxes(line) is not None else 0
    index.offset.append(offset)
    index.length.append(len(line.raw))
    index.number.append(line.number)
    index.key.append(digest(record.source_ref, rules.seed))
    index.boxes.append(len(record.boxes))
    index.shown.append(part.shown.position(box.class_name for box in record.boxes))
    index.marks.append(marks)
    if rules.grouping:
        index.group.append(digest(rules.grouping(record.source_ref, line.raw), rules.seed))
