"""What the commands on labels say about labels that they were given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from groundloop.escaping import shortened
from pipeline.cli.output import print_line

if TYPE_CHECKING:
    from groundloop.labels.records import Line


def print_notes(place: str, notes: Iterable[str]) -> None:
    """Print notes on how labels were read to stderr, where they don't mix with a command's result."""
    for note in notes:
        print_line(shortened(f"note: {place}: {note}"), to_stderr=True)


def require_usable(place: str, lines: Sequence[Line]) -> None:
    """Check that labels hold at least one image that can be used.

    Raises:
        UserError: they don't; the message says what is wrong with the first line.
    """
    from groundloop.errors import UserError

    if any(line.record for line in lines):
        return
    why = next((f": line {line.number}: {finding.message}" for line in lines for finding in line.findings), "")
    raise UserError(f"{place}: none of {len(lines)} lines can be used{why}")
