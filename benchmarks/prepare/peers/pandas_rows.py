"""The job with pandas, row by row: `python -m benchmarks.prepare.peers.pandas_rows MANIFEST FOLDER`.

As most scripts do it: `read_json`, then a loop over the rows. `pandas_frames` checks all boxes at once as columns,
which takes more care to write.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.prepare.peers.pandas_frames import read
from benchmarks.prepare.peers.stdlib_json import fault_of, write_splits
from benchmarks.prepare.peers.task import METADATA, compact, write_rejected


def prepare(manifest: Path, folder: Path) -> None:
    """Do the whole job."""
    latest: dict[str, tuple[int, dict[str, Any]]] = {}
    rejected: list[tuple[int, str, str, str]] = []
    names: set[str] = set()
    for index, row in read(manifest).iterrows():
        number = int(str(index)) + 1
        # What a line lacks is NaN in its row.
        line = {str(name): value for name, value in row.items() if value == value}
        source_ref, fault = line["source-ref"], fault_of(line)
        if fault:
            rejected.append((number, fault, source_ref, compact(line)))
            continue
        if source_ref in latest:
            before, replaced = latest.pop(source_ref)
            rejected.append((before, "duplicate", source_ref, compact(replaced)))
        names.update(line[METADATA]["class-map"].values())
        latest[source_ref] = number, line
    write_rejected(folder, rejected)
    write_splits(folder, [line for _, line in latest.values()], names)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
