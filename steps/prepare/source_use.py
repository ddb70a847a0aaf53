"""How the lines of each source are used, and the share of them that may be rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from groundloop.errors import UserError
from groundloop.labels.findings import LabelCode
from groundloop.labels.records import LineStatus

#: A label that a later one of the same image replaces is rejected too, but nothing is wrong with it.
_REPLACED = LabelCode.DUPLICATE_SOURCE_REF


@dataclass
class SourceUse:
    """The counts of one source's lines.

    Attributes:
        name: the source's URI.
        statuses: lines by status.
        reasons: rejected lines by the code that rejected them.
    """

    name: str
    statuses: Counter[LineStatus] = field(default_factory=Counter)
    reasons: Counter[LabelCode] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        """The lines that are rejected because something is wrong with them."""
        return self.statuses[LineStatus.REJECTED] - self.reasons[_REPLACED]

    @property
    def used(self) -> int:
        """The lines whose labels count."""
        return self.statuses[LineStatus.LABELLED] + self.statuses[LineStatus.NEGATIVE]

    @property
    def with_labels(self) -> int:
        """The lines with labels, whether they are used or not."""
        return self.used + self.statuses[LineStatus.REJECTED]

    @property
    def rejected_share(self) -> float:
        """The share of the lines with labels that is rejected; 0 if no line has labels."""
        return self.rejected / max(1, self.with_labels)

    def as_json(self) -> dict[str, Any]:
        """Return the counts for summary.json."""
        return {
            "name": self.name,
            "read": self.statuses.total(),
            "used": self.used,
            "rejected": self.rejected,
            "reasons": {code.value: count for code, count in self._most_frequent()},
            "replaced": self.reasons[_REPLACED],
            "failed": self.statuses[LineStatus.FAILED],
            "unlabelled": self.statuses[LineStatus.UNLABELLED],
        }

    def reasons_in_words(self) -> str:
        """Return `CODE 3, OTHER_CODE 1`, the most frequent first."""
        return ", ".join(f"{code.value} {count}" for code, count in self._most_frequent())

    def _most_frequent(self) -> list[tuple[LabelCode, int]]:
        faults = [(code, count) for code, count in self.reasons.items() if count and code is not _REPLACED]
        return sorted(faults, key=lambda item: (-item[1], item[0].value))


def check_rejected(sources: Iterable[SourceUse], max_rejected: float) -> None:
    """Check that no source has more rejected lines than allowed.

    Each source is checked by itself: a few new labels that are all rejected are a small share of all lines.

    Args:
        sources: all sources.
        max_rejected: the allowed share of a source's lines with labels.

    Raises:
        UserError: a source has more.
    """
    for source in sources:
        if source.rejected_share > max_rejected:
            raise UserError(
                f"{source.rejected} of {source.with_labels} lines with labels in {source.name} are "
                f"rejected, more than prepare.max_rejected, {max_rejected:g}, allows: {source.reasons_in_words()}; "
                "Prepare's log shows examples; correct the labels or images, or raise prepare.max_rejected"
            )
