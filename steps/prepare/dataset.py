"""All usable lines together: which of an image's labels counts, which split it is in, what is to be said of them."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec

from groundloop.errors import UserError
from groundloop.labels.class_maps import ClassMaps
from groundloop.labels.duplicates import Duplicates, labelled_twice
from groundloop.labels.findings import LabelCode, LabelFinding, Severity, Tally
from groundloop.labels.records import Line, LineStatus, Record
from groundloop.labels.split import HashSplit, Split, shuffled
from groundloop.labels.stratify import stratified
from groundloop.labels.training_requirements import Overview
from steps.prepare.index import AUTO_LABELLED, TINY, ClassSets, Index
from steps.prepare.reading import ReadChunk, ReadOptions
from steps.prepare.sources import ManifestSource

SPLITS = tuple(Split)
# In no split: refused, or a negative that training does not use.
EXCLUDED = len(SPLITS)


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """What one split manifest holds."""

    images: int
    boxes: int
    negatives: int


class PreparedDataset:
    """The sources' usable lines; what is refused later leaves counts and splits.

    Attributes:
        kinds, tally, names: of all lines; see `ReadChunk`.
        rejected: what reading refused: by source, the files with an entry a line, and the lines' numbers.
        refused: what was refused later, by entry.
        negatives_dropped: images without objects that were kept out of the train split.
    """

    def __init__(self, sources: Sequence[ManifestSource], rules: ReadOptions, parts: Iterable[ReadChunk]) -> None:
        self.sources = sources
        self.rules = rules
        self.index = Index()
        self.kinds: Counter[LineStatus] = Counter()
        self.tally = Tally()
        self.names: Counter[str] = Counter()
        self.rejected: list[list[tuple[Path, Sequence[int]]]] = [[] for _ in sources]
        self.refused: dict[int, LabelFinding] = {}
        self.negatives_dropped = 0
        self._boxes: Counter[str] = Counter()
        self._tiny: Counter[str] = Counter()
        shown = ClassSets()
        maps = [ClassMaps() for _ in sources]
        for part in parts:
            for items, (line, lines) in sorted(part.class_maps.items(), key=lambda entry: entry[1]):
                maps[part.source].add(dict(items), line, lines)
            self.index.extend(part.index, [shown.position(names) for names in part.shown.sets()])
            self.kinds += part.kinds
            self.tally.join(part.tally)
            self.names += part.names
            self._boxes += part.boxes
            self._tiny += part.tiny
            self.rejected[part.source].append((part.rejected, part.rejected_numbers))
        for told in maps:
            self.tally.add(told.findings())
        self._sets = shown.sets()
        self._split = bytearray([EXCLUDED]) * len(self.index)
        self._readers = [rules.reader(source.attribute) for source in sources]
        self._files: dict[int, int] = {}

    def close(self) -> None:
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def line(self, entry: int) -> Line:
        """A usable line, read again."""
        index = self.index
        source = index.source[entry]
        if source not in self._files:
            self._files[source] = os.open(self.sources[source].path, os.O_RDONLY)
        raw = os.pread(self._files[source], index.length[entry], index.offset[entry])
        return self._readers[source].read_line(index.number[entry], raw)

    def record(self, entry: int) -> Record:
        record = self.line(entry).record
        if record is None:
            raise UserError(f"{self.sources[self.index.source[entry]].name} changed while it was read: run again")
        return record

    def refuse(self, entry: int, finding: LabelFinding) -> None:
        """Take a usable line out for what was found."""
        record = self.record(entry)
        gone = Overview(self.rules.image_shape)
        gone.add([record])
        self.kinds[LineStatus.LABELLED if record.boxes else LineStatus.NEGATIVE] -= 1
        self.kinds[LineStatus.REJECTED] += 1
        self.tally.add([finding])
        self.names.subtract(set(record.class_names))
        self._boxes.subtract(gone.boxes)
        self._tiny.subtract(gone.tiny)
        self.refused[entry] = finding
        self._split[entry] = EXCLUDED

    def keep_one_label_per_image(self, policy: Duplicates) -> None:
        """Refuse all other labels of an image: a later source counts before an earlier one, within one the policy.

        Raises:
            UserError: an image is labelled more than once in one source, and the policy is to refuse that.
        """
        for source_ref, entries in self._labelled_twice():
            sources = [self.index.source[entry] for entry in entries]
            for one, other in pairwise(entries):
                if policy is Duplicates.REFUSE and self.index.source[one] == self.index.source[other]:
                    raise labelled_twice(source_ref, self.index.number[one], self.index.number[other])
            latest = [entry for entry, source in zip(entries, sources, strict=True) if source == sources[-1]]
            counts = latest[0] if policy is Duplicates.FIRST else latest[-1]
            for entry in entries:
                if entry != counts:
                    self.refuse(entry, self._replaced(entry, counts, source_ref, policy))

    def _labelled_twice(self) -> Iterator[tuple[str, list[int]]]:
        """Images with several entries, in the entries' order."""
        keys = self.index.key
        ordered = sorted(keys)
        twice = {key for key, following in pairwise(ordered) if key == following}
        if not twice:
            return
        by_image: defaultdict[str, list[int]] = defaultdict(list)
        for entry, key in enumerate(keys):
            if key in twice:  # likely the same image; its name decides
                by_image[self.record(entry).source_ref].append(entry)
        for source_ref, entries in by_image.items():
            if len(entries) > 1:
                yield source_ref, entries

    def _replaced(self, entry: int, counts: int, source_ref: str, policy: Duplicates) -> LabelFinding:
        index = self.index
        number = f"line {index.number[counts]}"
        if index.source[entry] == index.source[counts]:
            told = f"{number} labels the same image too, and the {policy.value} one counts"
        else:
            name = self.sources[index.source[counts]].name
            told = f"{number} of {name} labels the same image too, and the later source counts"
        return LabelFinding(LabelCode.DUPLICATE_SOURCE_REF, told, index.number[entry], source_ref)

    def assign(self, shares: HashSplit, *, stratify: bool, keep_train_negatives: bool) -> None:
        """Put every image into its split. Negatives always stay in validation and test: a false alarm must count."""
        index, sets, groups = self.index, self._sets, self.index.groups
        usable = [entry for entry in range(len(index)) if entry not in self.refused]
        split_of: Callable[[int], Split] = shares.of
        if stratify:
            split_of = stratified(((groups[entry], sets[index.shown[entry]]) for entry in usable), shares).__getitem__
        for entry in usable:
            split = split_of(groups[entry])
            if split is Split.TRAIN and not index.boxes[entry] and not keep_train_negatives:
                self.negatives_dropped += 1
            else:
                self._split[entry] = SPLITS.index(split)

    def entries(self, split: Split) -> list[int]:
        """Of one split, in the order of the sources."""
        code = SPLITS.index(split)
        return [entry for entry, part in enumerate(self._split) if part == code]

    def shuffled(self, split: Split, seed: int) -> list[int]:
        """Of one split, in an order that stays when other images come or go."""
        return shuffled(self.index.key, self.entries(split), seed)

    def judge_images(self, findings: Iterable[tuple[int, LabelFinding | None]]) -> tuple[int, int]:
        """Take in what was found of images: an error refuses the line, a warning is only told.

        Returns:
            How many were looked at, and how many refused.
        """
        looked, before = 0, len(self.refused)
        for entry, finding in findings:
            looked += 1
            if finding is None:
                continue
            if finding.severity is Severity.ERROR:
                self.refuse(entry, finding)
            else:
                self.tally.add([finding])
        return looked, len(self.refused) - before

    def counts(self) -> dict[Split, SplitCounts]:
        """What each split holds."""
        boxes = [0] * (EXCLUDED + 1)
        for part, count in zip(self._split, self.index.boxes, strict=True):
            boxes[part] += count
        images = Counter(self._split)
        negatives = Counter(part for part, count in zip(self._split, self.index.boxes, strict=True) if not count)
        return {
            split: SplitCounts(images=images[code], boxes=boxes[code], negatives=negatives[code])
            for code, split in enumerate(SPLITS)
        }

    def shown(self) -> dict[Split, Counter[str]]:
        """Images by class name, of each split."""
        counts: dict[Split, Counter[str]] = {split: Counter() for split in SPLITS}
        for (part, shown), images in Counter(zip(self._split, self.index.shown, strict=True)).items():
            if part != EXCLUDED:
                for name in self._sets[shown]:
                    counts[SPLITS[part]][name] += images
        return counts

    @property
    def max_boxes(self) -> int:
        """Of one image in a split."""
        return max(
            (count for part, count in zip(self._split, self.index.boxes, strict=True) if part != EXCLUDED), default=0
        )

    @property
    def auto_labelled(self) -> int:
        """Usable lines that no person looked at."""
        return self._marked(AUTO_LABELLED)

    def _marked(self, mark: int) -> int:
        marks = self.index.marks
        every = sum(lines for value, lines in Counter(marks).items() if value & mark)
        return every - sum(marks[entry] & mark == mark for entry in self.refused)

    def overview(self) -> Overview:
        """Counts over all usable lines."""
        index = self.index
        shown = Counter(index.shown)
        shown.subtract(Counter(index.shown[entry] for entry in self.refused))
        usable = (entry for entry in range(len(index)) if entry not in self.refused)
        first_tiny = next((entry for entry in usable if index.marks[entry] & TINY), None)
        images_with: Counter[str] = Counter()
        for position, images in shown.items():
            images_with.update(dict.fromkeys(self._sets[position], images))
        return Overview(
            self.rules.image_shape,
            images=len(index) - len(self.refused),
            negatives=self.kinds[LineStatus.NEGATIVE],
            auto_labelled=self.auto_labelled,
            max_boxes=max((index.boxes[entry] for entry in range(len(index)) if entry not in self.refused), default=0),
            boxes=+self._boxes,
            images_with=+images_with,
            tiny=+self._tiny,
            first_tiny="" if first_tiny is None else self.record(first_tiny).source_ref,
        )

    def refused_lines(self, source: int) -> Iterator[Line]:
        """What was refused later of a source, in the order of its lines."""
        for entry in sorted(self.refused):
            if self.index.source[entry] == source:
                line = self.line(entry)
                findings = (*line.findings, self.refused[entry])
                yield msgspec.structs.replace(line, status=LineStatus.REJECTED, record=None, findings=findings)
