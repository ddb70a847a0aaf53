"""What every program is asked to do, so that their outputs can be compared line by line.

Read a Ground Truth manifest; put lines with a fault aside, with line number and reason; of several labels of an image
the last counts; unify class ids by name (all names, sorted); split by hash; shuffle the train split; write
`train.manifest`, `validation.manifest`, `test.manifest` with the label attribute `bounding-box`, and
`rejected.jsonl`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ATTRIBUTE = "parts"
METADATA = f"{ATTRIBUTE}-metadata"
NEW_NAMES = {ATTRIBUTE: "bounding-box", METADATA: "bounding-box-metadata"}
DETECTION = "groundtruth/object-detection"

SPLITS = ("train", "validation", "test")
VALIDATION, TEST = 0.1, 0.1
SEED = 7

compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


def split_of(source_ref: str) -> str:
    """Return the split of an image, by the same hash as groundloop's."""
    number = hashlib.blake2b(f"{SEED}:{source_ref}".encode(), digest_size=8).digest()
    place = (int.from_bytes(number, "big") >> 11) / 2**53
    return "test" if place < TEST else "validation" if place < TEST + VALIDATION else "train"


def write_rejected(folder: Path, rejected: Iterable[tuple[int, str, str, str]]) -> None:
    """Write the rejected lines.

    Args:
        rejected: line number, fault, image's URI where known, text of the line.
    """
    with (folder / "rejected.jsonl").open("w", encoding="utf-8") as stream:
        for line, fault, source_ref, text in sorted(rejected):
            entry: dict[str, Any] = {"line": line, "code": fault, "source_ref": source_ref, "text": text}
            stream.write(compact(entry) + "\n")
