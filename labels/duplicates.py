"""One line per image: of several usable lines for the same image, the last one counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from labels.findings import Code, Finding
from labels.records import Kind, Line


def last_wins(lines: Sequence[Line]) -> Iterator[Line]:
    """The same lines in the same order; a labelled or negative line that a later one replaces comes out rejected.

    Labels are corrected by appending, so the later line is the newer one. A later line that is itself not usable
    replaces nothing.
    """
    last = {line.record.source_ref: line.number for line in lines if line.record is not None}
    for line in lines:
        if line.record is None or last[line.record.source_ref] == line.number:
            yield line
            continue
        finding = Finding(
            Code.DUPLICATE_SOURCE_REF,
            f"line {last[line.record.source_ref]} labels the same image again, and the last one counts",
            line.number,
            line.record.source_ref,
        )
        yield msgspec.structs.replace(line, kind=Kind.REJECTED, record=None, findings=(*line.findings, finding))
