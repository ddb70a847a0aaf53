"""All usable lines together: which of an image's labels counts, which split it is in, and findings on the whole."""

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
from groundloop.labels.duplicates import Duplicates, duplicate_labels_error
from groundloop.labels.findings import LabelCode, LabelFinding, Severity, Tally
from groundloop.labels.records import Line, LineStatus, Record
from groundloop.labels.split import HashSplit, Split, shuffled
from groundloop.labels.stratify import stratified
from groundloop.labels.training_requirements import Overview
from steps.prepare.index import AUTO_LABELLED, TINY, TRAIN_ONLY, ClassSets, Index
from steps.prepare.reading import ReadChunk, ReadOptions
from steps.prepare.source_use import SourceUse
from steps.prepare.sources import ManifestSource

SPLITS = tuple(Split)
# In no split: rejected, or a negative that training does not use.
EXCLUDED = len(SPLITS)


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """What one split manifest holds."""

    images: int
    boxes: int
    negatives: int


class PreparedDataset:
    """The sources' usable lines; what is rejected after reading leaves counts and splits.

    Attributes:
        uses: counts of the lines of each source.
        tally, names: of all lines; see `ReadChunk`.
        rejected_files: what reading rejected: by source, the files with an entry a line, and the lines' numbers.
        rejections: findings that rejected a line after reading, by entry.
        negatives_dropped: images without objects that were kept out of the train split.
        train_only: images whose lines kept them out of validation and test.
    """

    def __init__(self, sources: Sequence[ManifestSource], options: ReadOptions, chunks: Iterable[ReadChunk]) -> None:
        self.sources = sources
        self.options = options
        self.index = Index()
        self.uses = [SourceUse(source.name) for source in sources]
        self.tally = Tally()
        self.names: Counter[str] = Counter()
        self.rejected_files: list[list[tuple[Path, Sequence[int]]]] = [[] for _ in sources]
        self.rejections: dict[int, LabelFinding] = {}
        self.negatives_dropped = 0
        self.train_only = 0
        self._boxes: Counter[str] = Counter()
        self._tiny: Counter[str] = Counter()
        shown = ClassSets()
        maps = [ClassMaps() for _ in sources]
        for chunk in chunks:
            for items, (line, lines) in sorted(chunk.class_maps.items(), key=lambda entry: entry[1]):
                maps[chunk.source].add(dict(items), line, lines)
            self.index.extend(chunk.index, [shown.position(names) for names in chunk.shown.sets()])
            self.uses[chunk.source].statuses += chunk.statuses
            self.uses[chunk.source].reasons += chunk.reasons
            self.tally.join(chunk.tally)
            self.names += chunk.names
            self._boxes += chunk.boxes
            self._tiny += chunk.tiny
            self.rejected_files[chunk.source].append((chunk.rejected, chunk.rejected_numbers))
        for class_maps in maps:
            self.tally.add(class_maps.findings())
        self._sets = shown.sets()
        self._split = bytearray([EXCLUDED]) * len(self.index)
        self._readers = [options.reader(source.attribute) for source in sources]
        self._files: dict[int, int] = {}

    @property
    def statuses(self) -> Counter[LineStatus]:
        """Count the lines of all sources by status."""
        return sum((use.statuses for use in self.uses), start=Counter())

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def line(self, entry: int) -> Line:
        """Read a usable line again."""
        index = self.index
        source = index.source[entry]
        if source not in self._files:
            self._files[source] = os.open(self.sources[source].path, os.O_RDONLY)
        raw = os.pread(self._files[source], index.length[entry], index.offset[entry])
        return self._readers[source].read_line(index.number[entry], raw)

    def record(self, entry: int) -> Record:
        """Read the record of a usable line again."""
        record = self.line(entry).record
        if record is None:
            raise UserError(f"{self.sources[self.index.source[entry]].name} changed while it was read: run again")
        return record

    def reject(self, entry: int, finding: LabelFinding) -> None:
        """Reject a usable line because of a finding."""
        record = self.record(entry)
        gone = Overview(self.options.image_shape)
        gone.add([record])
        use = self.uses[self.index.source[entry]]
        use.statuses[LineStatus.LABELLED if record.boxes else LineStatus.NEGATIVE] -= 1
        use.statuses[LineStatus.REJECTED] += 1
        use.reasons[finding.code] += 1
        self.tally.add([finding])
        self.names.subtract(set(record.class_names))
        self._boxes.subtract(gone.boxes)
        self._tiny.subtract(gone.tiny)
        self.rejections[entry] = finding
        self._split[entry] = EXCLUDED

    def keep_one_label_per_image(self, policy: Duplicates) -> None:
        """Reject all other labels of an image: a later source takes precedence; within one source the policy decides.

        Raises:
            UserError: an image is labelled more than once in one source, and the policy is to refuse that.
        """
        for source_ref, entries in self._images_with_duplicates():
            sources = [self.index.source[entry] for entry in entries]
            for one, other in pairwise(entries):
                if policy is Duplicates.REFUSE and self.index.source[one] == self.index.source[other]:
                    raise duplicate_labels_error(source_ref, self.index.number[one], self.index.number[other])
            latest = [entry for entry, source in zip(entries, sources, strict=True) if source == sources[-1]]
            counts = latest[0] if policy is Duplicates.FIRST else latest[-1]
            for entry in entries:
                if entry != counts:
                    self.reject(entry, self._replaced(entry, counts, source_ref, policy))

    def _images_with_duplicates(self) -> Iterator[tuple[str, list[int]]]:
        """Yield images with several entries, in the entries' order."""
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
            message = f"{number} labels the same image too, and the {policy.value} one counts"
        else:
            name = self.sources[index.source[counts]].name
            message = f"{number} of {name} labels the same image too, and the later source counts"
        return LabelFinding(LabelCode.DUPLICATE_SOURCE_REF, message, index.number[entry], source_ref)

    def assign(self, shares: HashSplit, *, stratify: bool, keep_train_negatives: bool) -> None:
        """Put every image into its split. Negatives always stay in validation and test: a false positive must count.

        New images whose lines say so get into the train split only. An image, or a group, that has other lines too is
        not new: it keeps its split.
        """
        index, sets, groups = self.index, self._sets, self.index.groups
        usable = [entry for entry in range(len(index)) if entry not in self.rejections]
        new = self._new_train_only_groups()
        split_of: Callable[[int], Split] = shares.of
        if stratify:
            known = ((groups[entry], sets[index.shown[entry]]) for entry in usable if groups[entry] not in new)
            split_of = stratified(known, shares).__getitem__
        for entry in usable:
            if groups[entry] in new:
                split = Split.TRAIN
                self.train_only += 1
            else:
                split = split_of(groups[entry])
            if split is Split.TRAIN and not index.boxes[entry] and not keep_train_negatives:
                self.negatives_dropped += 1
            else:
                self._split[entry] = SPLITS.index(split)

    def _new_train_only_groups(self) -> set[int]:
        """Return the groups all of whose lines, replaced ones included, are for the train split only."""
        groups, marks = self.index.groups, self.index.marks
        marked = {group for group, mark in zip(groups, marks, strict=True) if mark & TRAIN_ONLY}
        if marked:
            marked -= {group for group, mark in zip(groups, marks, strict=True) if not mark & TRAIN_ONLY}
        return marked

    def entries(self, split: Split) -> list[int]:
        """Return the entries of one split, in the order of the sources."""
        code = SPLITS.index(split)
        return [entry for entry, split_code in enumerate(self._split) if split_code == code]

    def shuffled(self, split: Split, seed: int) -> list[int]:
        """Return the entries of one split, in an order that stays when other images come or go."""
        return shuffled(self.index.key, self.entries(split), seed)

    def apply_image_findings(self, findings: Iterable[tuple[int, LabelFinding | None]]) -> tuple[int, int]:
        """Apply the findings of the image check: an error rejects the line, a warning is only reported.

        Returns:
            The number of images checked, and how many were rejected.
        """
        checked, before = 0, len(self.rejections)
        for entry, finding in findings:
            checked += 1
            if finding is None:
                continue
            if finding.severity is Severity.ERROR:
                self.reject(entry, finding)
            else:
                self.tally.add([finding])
        return checked, len(self.rejections) - before

    def counts(self) -> dict[Split, SplitCounts]:
        """Count images, boxes and negatives of each split."""
        boxes = [0] * (EXCLUDED + 1)
        for split_code, count in zip(self._split, self.index.boxes, strict=True):
            boxes[split_code] += count
        images = Counter(self._split)
        negatives = Counter(part for part, count in zip(self._split, self.index.boxes, strict=True) if not count)
        return {
            split: SplitCounts(images=images[code], boxes=boxes[code], negatives=negatives[code])
            for code, split in enumerate(SPLITS)
        }

    def images_by_class(self) -> dict[Split, Counter[str]]:
        """Count images by class name, of each split."""
        counts: dict[Split, Counter[str]] = {split: Counter() for split in SPLITS}
        for (part, shown), images in Counter(zip(self._split, self.index.shown, strict=True)).items():
            if part != EXCLUDED:
                for name in self._sets[shown]:
                    counts[SPLITS[part]][name] += images
        return counts

    @property
    def max_boxes(self) -> int:
        """Return the largest number of boxes on one image of a split."""
        return max(
            (count for part, count in zip(self._split, self.index.boxes, strict=True) if part != EXCLUDED), default=0
        )

    @property
    def auto_labelled(self) -> int:
        """Count the usable lines that no person looked at."""
        return self._marked(AUTO_LABELLED)

    def _marked(self, mark: int) -> int:
        marks = self.index.marks
        every = sum(lines for value, lines in Counter(marks).items() if value & mark)
        return every - sum(marks[entry] & mark == mark for entry in self.rejections)

    def overview(self) -> Overview:
        """Return counts over all usable lines."""
        index = self.index
        shown = Counter(index.shown)
        shown.subtract(Counter(index.shown[entry] for entry in self.rejections))
        usable = (entry for entry in range(len(index)) if entry not in self.rejections)
        first_tiny = next((entry for entry in usable if index.marks[entry] & TINY), None)
        images_with: Counter[str] = Counter()
        for position, images in shown.items():
            images_with.update(dict.fromkeys(self._sets[position], images))
        return Overview(
            self.options.image_shape,
            images=len(index) - len(self.rejections),
            negatives=self.statuses[LineStatus.NEGATIVE],
            auto_labelled=self.auto_labelled,
            max_boxes=max(
                (index.boxes[entry] for entry in range(len(index)) if entry not in self.rejections), default=0
            ),
            boxes=+self._boxes,
            images_with=+images_with,
            tiny=+self._tiny,
            first_tiny="" if first_tiny is None else self.record(first_tiny).source_ref,
        )

    def rejected_lines(self, source: int) -> Iterator[Line]:
        """Yield what was rejected after reading of a source, in the order of its lines."""
        for entry in sorted(self.rejections):
            if self.index.source[entry] == source:
                line = self.line(entry)
                findings = (*line.findings, self.rejections[entry])
                yield msgspec.structs.replace(line, status=LineStatus.REJECTED, record=None, findings=findings)
