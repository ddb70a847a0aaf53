"""Choice of one line per image where several valid lines name the same image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

import msgspec

from groundloop.errors import UserError
from groundloop.labels.findings import LabelCode, LabelFinding
from groundloop.labels.records import Line, LineStatus


class Duplicates(str, Enum):
    """What to do when an image is labelled more than once.

    LAST: labels are corrected by appending, so the later line is the newer one. FIRST: earlier work is not to be
    overwritten. REFUSE: it is a mistake that somebody has to correct.
    """

    LAST = "last"
    FIRST = "first"
    REFUSE = "refuse"


def one_line_per_image(lines: Sequence[Line], policy: Duplicates = Duplicates.LAST) -> Iterator[Line]:
    """Yield the same lines in the same order, with every line that another one replaces rejected.

    A line that is itself not usable replaces nothing.

    Raises:
        UserError: an image is labelled more than once and the policy is to refuse that.
    """
    counts: dict[str, int] = {}
    for line in lines:
        if line.record is None:
            continue
        source_ref = line.record.source_ref
        if policy is Duplicates.REFUSE and source_ref in counts:
            raise duplicate_labels_error(source_ref, counts[source_ref], line.number)
        if policy is not Duplicates.FIRST or source_ref not in counts:
            counts[source_ref] = line.number
    for line in lines:
        if line.record is None or counts[line.record.source_ref] == line.number:
            yield line
            continue
        message = f"line {counts[line.record.source_ref]} labels the same image too, and the {policy.value} one counts"
        finding = LabelFinding(LabelCode.DUPLICATE_SOURCE_REF, message, line.number, line.record.source_ref)
        yield msgspec.structs.replace(line, status=LineStatus.REJECTED, record=None, findings=(*line.findings, finding))


def duplicate_labels_error(source_ref: str, one: int, other: int) -> UserError:
    """Return the error for an image that two lines label: which lines, and what to do."""
    return UserError(
        f"lines {one} and {other} both label {source_ref}: remove one, or choose which line counts with "
        "--duplicates last or first"
    )
