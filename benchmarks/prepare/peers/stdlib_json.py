"""The job with Python's own json: `python -m benchmarks.prepare.peers.stdlib_json [--duplicate-keys] MANIFEST TO`.

All lines are kept in memory as dicts, with the garbage collector off: decoding them a second time would cost more than
the memory does. With `--duplicate-keys` a line that holds a key twice in one object is a fault; json can only tell
through a hook that is called for each object.
"""

from __future__ import annotations

import gc
import json
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.prepare.peers.task import (
    ATTRIBUTE,
    DETECTION,
    METADATA,
    NEW_NAMES,
    SEED,
    SPLITS,
    compact,
    split_of,
    write_rejected,
)


class DuplicateKeyError(Exception):
    """An object holds a key twice."""


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object if its keys differ."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateKeyError
    return found


def fault_of(line: Any) -> str:
    """Return what is wrong with a line, or ""."""
    if not line["source-ref"].startswith("s3://"):
        return "source_ref"
    label, metadata = line.get(ATTRIBUTE), line.get(METADATA)
    if label is None:
        return "missing_label" if metadata is None or "failure-reason" not in metadata else "failure_reason"
    if metadata["type"] != DETECTION:
        return "type"
    sizes, boxes, class_map = label["image_size"], label["annotations"], metadata["class-map"]
    if len(sizes) != 1:
        return "bad_image_size"
    image_width, image_height = sizes[0]["width"], sizes[0]["height"]
    if image_width < 1 or image_height < 1:
        return "bad_image_size"
    if len(metadata["objects"]) != len(boxes):
        return "objects_mismatch"
    for box in boxes:
        left, top, width, height = box["left"], box["top"], box["width"], box["height"]
        if width <= 0 or height <= 0:
            return "zero_area"
        if left < 0 or top < 0 or left + width > image_width or top + height > image_height:
            return "box_outside"
        if str(box["class_id"]) not in class_map:
            return "unknown_class"
    return ""


def prepare(manifest: Path, folder: Path, *, duplicate_keys: bool) -> None:
    """Do the whole job."""
    decode = json.JSONDecoder(object_pairs_hook=unique).decode if duplicate_keys else json.loads
    latest: dict[str, tuple[int, dict[str, Any]]] = {}
    rejected: list[tuple[int, str, str, str]] = []
    names: set[str] = set()
    with manifest.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            if raw.isspace():
                continue
            line: Any = None
            try:
                text = raw.decode().rstrip("\r\n")
                line = decode(text)
                fault = fault_of(line)
            except DuplicateKeyError:
                fault = "duplicate_key"
            except ValueError:
                fault, text = "bad_json", raw.decode(errors="replace").rstrip("\r\n")
            except (KeyError, TypeError, AttributeError):
                fault = "schema"
            if fault:
                source_ref = line.get("source-ref", "") if isinstance(line, dict) else ""
                rejected.append((number, fault, source_ref, text))
                continue
            source_ref = line["source-ref"]
            if source_ref in latest:
                before, replaced = latest.pop(source_ref)
                rejected.append((before, "duplicate", source_ref, compact(replaced)))
            names.update(line[METADATA]["class-map"].values())
            latest[source_ref] = number, line
    write_rejected(folder, rejected)
    write_splits(folder, [line for _, line in latest.values()], names)


def write_splits(folder: Path, lines: Iterable[dict[str, Any]], names: set[str]) -> None:
    """Unify ids by name, split the lines, shuffle train, and write all."""
    ids = {name: number for number, name in enumerate(sorted(names))}
    class_map = {str(number): name for name, number in ids.items()}
    new_ids: dict[tuple[tuple[str, str], ...], dict[int, int]] = {}
    splits: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    for line in lines:
        splits[split_of(line["source-ref"])].append(line)
    random.Random(SEED).shuffle(splits["train"])  # noqa: S311  nothing here is secret
    for split, part in splits.items():
        with (folder / f"{split}.manifest").open("w", encoding="utf-8") as written:
            for line in part:
                metadata = line[METADATA]
                own = tuple(metadata["class-map"].items())
                changes = new_ids.get(own)
                if changes is None:
                    changes = new_ids[own] = {int(old): ids[name] for old, name in own}
                for box in line[ATTRIBUTE]["annotations"]:
                    box["class_id"] = changes[box["class_id"]]
                metadata["class-map"] = class_map
                written.write(compact({NEW_NAMES.get(name, name): value for name, value in line.items()}))
                written.write("\n")


if __name__ == "__main__":
    gc.disable()
    prepare(Path(sys.argv[-2]), Path(sys.argv[-1]), duplicate_keys="--duplicate-keys" in sys.argv)
