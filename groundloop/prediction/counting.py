"""Counts of objects per image, zone and class, and their totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from groundloop.detections.zones import Zones
from groundloop.prediction.journal import ImageResult


@dataclass(frozen=True, slots=True)
class CountRow:
    """The objects of an image, or of one zone of it.

    Attributes:
        image: path or S3 URI; empty for a total over all images.
        zone: name of the zone; empty for the whole image.
        counts: objects by class, of every class.
    """

    image: str
    zone: str
    counts: dict[str, int]

    @property
    def objects(self) -> int:
        """Objects of all classes."""
        return sum(self.counts.values())


def count_rows(results: Sequence[ImageResult], zones: Zones | None = None) -> list[CountRow]:
    """Count the objects of each image, in each zone where there are zones.

    Raises:
        UserError: zones can't be applied.
    """
    rows = []
    for result in results:
        detections = result.as_detections()
        parts = {"": detections} if zones is None else zones.parts(detections)
        rows += [CountRow(result.image, zone, part.count()) for zone, part in parts.items()]
    return rows


def totals(rows: Sequence[CountRow]) -> list[CountRow]:
    """Add the counts of all images up, for each zone by itself."""
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        sums.setdefault(row.zone, Counter()).update(row.counts)
    return [CountRow("", zone, dict(counts)) for zone, counts in sums.items()]
