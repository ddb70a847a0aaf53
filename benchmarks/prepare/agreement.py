"""Whether a program did the job: the same lines put aside for the same faults, the same lines in the same splits."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.prepare.candidates import Candidate
from benchmarks.prepare.manifest import Truth
from benchmarks.prepare.peers.task import SPLITS

_decode = msgspec.json.Decoder().decode
# Keys sorted, so that their order does not count.
_encode = msgspec.json.Encoder(order="sorted").encode
_ALL_BITS = 2**256 - 1


@dataclass(frozen=True)
class Result:
    """What a program wrote, as far as it can be compared.

    Attributes:
        images: by split.
        digests: by split, the sum of the SHA-256 of its lines, whatever their order, key order and number text.
        boxes: by class name.
    """

    images: Counter[str] = field(default_factory=Counter)
    digests: Counter[str] = field(default_factory=Counter)
    boxes: Counter[str] = field(default_factory=Counter)

    @property
    def digest(self) -> int:
        """Return the sum of the digests of all splits."""
        return sum(self.digests.values()) & _ALL_BITS


def read(candidate: Candidate, folder: Path, truth: Truth) -> tuple[Result, list[str]]:
    """Read what the candidate wrote, and list where it contradicts what the manifest is known to hold.

    Lines with faults that it does not look for are left out.
    """
    unseen = {fault.source_ref for fault in truth.faults if fault.kind in candidate.unseen}
    result, problems, left_out = Result(), _faults(candidate, folder, truth), 0
    class_map = {str(number): name for number, name in enumerate(sorted(truth.boxes))}
    for split in SPLITS:
        for line in _lines(folder / f"{split}.manifest"):
            if line["source-ref"] in unseen:
                left_out += 1
                continue
            metadata = line["bounding-box-metadata"]
            if metadata["class-map"] != class_map:
                problems.append(f"class-map {metadata['class-map']} where {class_map} was expected")
                return result, problems
            for box in line["bounding-box"]["annotations"]:
                box["class_id"] = name = class_map.get(str(box["class_id"]), "unknown")
                result.boxes[name] += 1
            result.images[split] += 1
            digest = hashlib.sha256(_encode(_whole_numbers(line))).digest()
            result.digests[split] = (result.digests[split] + int.from_bytes(digest, "big")) & _ALL_BITS
    if left_out != len(unseen):
        problems.append(f"{left_out} lines with faults that it does not see, {len(unseen)} expected")
    if result.boxes != truth.boxes:
        problems.append(f"boxes by class are {dict(result.boxes)}, expected {dict(truth.boxes)}")
    accepted = truth.lines - len(truth.faults)
    if result.images.total() != accepted:
        problems.append(f"{result.images.total()} lines in the splits, {accepted} expected")
    return result, problems


def differences(candidate: Candidate, result: Result, reference: Result) -> list[str]:
    """List where two results differ."""
    if not candidate.own_split:
        return [
            f"the {split} split differs: {result.images[split]} images, {reference.images[split]} expected"
            for split in SPLITS
            if (result.images[split], result.digests[split]) != (reference.images[split], reference.digests[split])
        ]
    problems = [] if result.digest == reference.digest else ["its lines differ"]
    total = reference.images.total()
    for split in SPLITS:
        # Two fair draws of so many images differ by more once in some ten thousand times.
        room = 4 * (2 * total * 0.2) ** 0.5
        if abs(result.images[split] - reference.images[split]) > room:
            problems.append(f"{split} has {result.images[split]} images, about {reference.images[split]} expected")
    return problems


def _faults(candidate: Candidate, folder: Path, truth: Truth) -> list[str]:
    skipped = sorted(fault.line for fault in truth.faults if fault.kind == candidate.aborts_on)
    expected = {
        (fault.line - bisect_left(skipped, fault.line), fault.kind)
        for fault in truth.faults
        if fault.kind not in (candidate.aborts_on, *candidate.unseen)
    }
    found = [
        (line["line"], candidate.codes.get(line["code"], line["code"])) for line in _lines(folder / "rejected.jsonl")
    ]
    if len(found) == len(expected) and set(found) == expected:
        return []
    ours, theirs = Counter(kind for _, kind in found), Counter(kind for _, kind in expected)
    where = sorted(set(found) ^ expected)[:5]
    return [f"faults by kind are {dict(ours)}, expected {dict(theirs)}; first differences (line, kind): {where}"]


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as stream:
        yield from map(_decode, stream)


def _whole_numbers(value: Any) -> Any:
    """Return the value with 5 for 5.0: JSON makes no difference."""
    if isinstance(value, dict):
        return {key: _whole_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
