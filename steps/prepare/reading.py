"""The first pass: every line of a range is checked; usable lines are indexed, the others are rejected."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from groundloop.labels.attributes import Attributes, find_attributes
from groundloop.labels.canonical import changed_boxes
from groundloop.labels.class_maps import MAX_CLASS_MAP_ENTRIES, MAX_CLASS_MAPS, check_class_count, class_map_of
from groundloop.labels.fast_reader import FastLineReader
from groundloop.labels.findings import LabelCode, Tally
from groundloop.labels.grouping import Grouping
from groundloop.labels.line_reader import ByteRange, lines_of
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Line, LineStatus
from groundloop.labels.review_key import is_for_train_only
from groundloop.labels.split import digest, digester
from groundloop.labels.training_requirements import Overview
from steps.prepare.index import AUTO_LABELLED, CHANGED, FAST_PATH, TINY, TRAIN_ONLY, ClassSets, Index
from steps.prepare.outputs import decisive_finding, rejected_entry
from steps.prepare.parallel import gc_disabled
from steps.prepare.sources import ManifestSource

# Boxes that are counted at once: to count those of each line takes longer.
_AT_A_TIME = 10_000
UNUSED = (LineStatus.REJECTED, LineStatus.FAILED, LineStatus.UNLABELLED)


@dataclass(frozen=True)
class ReadOptions:
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
        """Return a reader for one label attribute."""
        return ManifestReader(attribute, self.classes, self.clip_tolerance)


@dataclass(frozen=True)
class ReadTask:
    """A range of a source, and the file to put its unusable lines into."""

    number: int
    source: ManifestSource
    within: ByteRange
    options: ReadOptions
    rejected: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the files that the task writes."""
        return (self.rejected,)


@dataclass
class ReadChunk:
    """The result of reading one range.

    Attributes:
        source: number of the source.
        index: the usable lines.
        rejected, rejected_numbers: the file of the others, an entry a line, and their line numbers.
        statuses: lines by status.
        reasons: rejected lines by the code that rejected them.
        names: lines by class name that their map has.
        boxes, tiny: by class name, of the usable lines.
        class_maps: each different one, as its items, with the first line that has it and how many have it.
        class_map_entries: ids of the class-maps, counted in each.
    """

    source: int
    rejected: Path
    index: Index = field(default_factory=Index)
    shown: ClassSets = field(default_factory=ClassSets)
    rejected_numbers: array[int] = field(default_factory=lambda: array("Q"))
    statuses: Counter[LineStatus] = field(default_factory=Counter)
    reasons: Counter[LabelCode] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    names: Counter[str] = field(default_factory=Counter)
    boxes: Counter[str] = field(default_factory=Counter)
    tiny: Counter[str] = field(default_factory=Counter)
    class_maps: dict[tuple[tuple[str, str], ...], tuple[int, int]] = field(default_factory=dict)
    class_map_entries: int = 0

    def add_class_map(self, class_map: Mapping[str, str], line: int, lines: int) -> None:
        """Add the class-map of some lines; beyond the maximum of maps and of their entries new ones are dropped."""
        items = tuple(class_map.items())
        first, known = self.class_maps.get(items, (line, 0))
        if not known:
            if len(self.class_maps) >= MAX_CLASS_MAPS or self.class_map_entries >= MAX_CLASS_MAP_ENTRIES:
                return
            self.class_map_entries += len(items)
        self.class_maps[items] = min(first, line), known + lines

    def add_names(self, names: Collection[str], lines: int) -> None:
        """Add the class names of some lines.

        Raises:
            UserError: there are more names than a data set can have.
        """
        self.names.update(dict.fromkeys(names, lines))
        check_class_count(self.names)


def attributes_in(task: tuple[ManifestSource, ByteRange]) -> Attributes:
    """Return the label attributes that the lines of a range have."""
    source, within = task
    return find_attributes(raw for _, raw in lines_of(source.path, within))


def read(task: ReadTask) -> ReadChunk:
    """Check every line of the range."""
    options, chunk = task.options, ReadChunk(task.number, task.rejected)
    fast_reader = FastLineReader(task.source.attribute, options.classes, options.image_shape)
    reader = options.reader(task.source.attribute)
    key_of = digester(options.seed)
    index, shown, labelled, negative = chunk.index, chunk.shown, 0, 0
    # Looked up once and not for every line.
    add_offset, add_length, add_number = index.offset.append, index.length.append, index.number.append
    add_key, add_boxes, add_shown, add_marks = (
        index.key.append,
        index.boxes.append,
        index.shown.append,
        index.marks.append,
    )
    with gc_disabled(), task.rejected.open("wb") as rejected:
        for number, (offset, raw) in enumerate(lines_of(task.source.path, task.within), start=task.within.first_line):
            record = fast_reader(raw)
            if record is None:
                line = reader.read_line(number, raw)
                _add(chunk, line, offset, task)
                if line.status in UNUSED:
                    chunk.rejected_numbers.append(number)
                    rejected.write(rejected_entry(line, task.source.name))
                continue
            source_ref, class_map, class_ids, ids, tiny, auto_labelled, fast_path = record
            if not class_map.lines:
                class_map.first_line = number
            class_map.lines += 1
            class_map.waiting += class_ids
            if len(class_map.waiting) > _AT_A_TIME:
                class_map.count()
            position = class_map.shown.get(ids)
            if position is None:
                position = class_map.shown[ids] = shown.position(class_map.names[class_id] for class_id in ids)
            if class_ids:
                labelled += 1
            else:
                negative += 1
            marks = FAST_PATH if fast_path else 0
            if auto_labelled:
                marks |= AUTO_LABELLED
            if tiny:
                class_map.waiting_tiny += tiny
                marks |= TINY
            # A line with the key has other keys than those known to the fast path.
            if not fast_path and is_for_train_only(raw):
                marks |= TRAIN_ONLY
            add_offset(offset)
            add_length(len(raw))
            add_number(number)
            add_key(key_of(source_ref))
            add_boxes(len(class_ids))
            add_shown(position)
            add_marks(marks)
            if options.grouping:
                index.group.append(digest(options.grouping(source_ref, raw), options.seed))
    chunk.statuses[LineStatus.LABELLED] += labelled
    chunk.statuses[LineStatus.NEGATIVE] += negative
    for class_map in fast_reader.class_maps:
        class_map.count()
        if class_map.lines:
            chunk.add_names(class_map.all_names, class_map.lines)
            chunk.add_class_map(class_map.entries, class_map.first_line, class_map.lines)
        chunk.boxes.update({class_map.names[class_id]: count for class_id, count in class_map.boxes.items()})
        chunk.tiny.update({class_map.names[class_id]: count for class_id, count in class_map.tiny.items()})
    index.source.extend([task.number] * len(index))
    return chunk


def _add(chunk: ReadChunk, line: Line, offset: int, task: ReadTask) -> None:
    options = task.options
    chunk.statuses[line.status] += 1
    if line.status is LineStatus.REJECTED:
        chunk.reasons[decisive_finding(line).code] += 1
    chunk.tally.add(line.findings)
    if line.record is None:
        return
    record, index = line.record, chunk.index
    counted = Overview(options.image_shape)
    counted.add([record])
    chunk.add_names(set(record.class_names), 1)
    chunk.add_class_map(class_map_of(line.raw, task.source.attribute), line.number, 1)
    chunk.boxes += counted.boxes
    chunk.tiny += counted.tiny
    marks = AUTO_LABELLED if record.auto_labelled else 0
    marks |= TINY if counted.tiny else 0
    marks |= CHANGED if changed_boxes(line) is not None else 0
    marks |= TRAIN_ONLY if is_for_train_only(line.raw) else 0
    index.offset.append(offset)
    index.length.append(len(line.raw))
    index.number.append(line.number)
    index.key.append(digest(record.source_ref, options.seed))
    index.boxes.append(len(record.boxes))
    index.shown.append(chunk.shown.position(box.class_name for box in record.boxes))
    index.marks.append(marks)
    if options.grouping:
        index.group.append(digest(options.grouping(record.source_ref, line.raw), options.seed))
