"""Statistics of a labelled data set: classes, sizes, boxes per image, classes that occur together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from groundloop.labels.records import Record


@dataclass
class Statistics:
    """Counts over the labelled images of a data set.

    Attributes:
        images: all of them, negatives included.
        negatives: images that a person found empty.
        boxes: class name to its boxes.
        images_with: class name to the images that show it.
        together: pairs of class names, sorted, to the images that show both.
        boxes_per_image: number of boxes to the images that have so many.
        sizes: class name to (width, height) of each of its boxes, pixels.
        places: class name to the middle of each of its boxes, fractions of the image's width and height.
        image_sizes: (width, height) in pixels to the images of that size.
    """

    images: int = 0
    negatives: int = 0
    boxes: Counter[str] = field(default_factory=Counter)
    images_with: Counter[str] = field(default_factory=Counter)
    together: Counter[tuple[str, str]] = field(default_factory=Counter)
    boxes_per_image: Counter[int] = field(default_factory=Counter)
    sizes: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    places: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    image_sizes: Counter[tuple[int, int]] = field(default_factory=Counter)

    @classmethod
    def of(cls, records: Iterable[Record]) -> Statistics:
        """Count the records, each an image with its boxes."""
        statistics = cls()
        for record in records:
            statistics.add(record)
        return statistics

    def add(self, record: Record) -> None:
        """Count the boxes, sizes and classes of one labelled image."""
        self.images += 1
        self.negatives += not record.boxes
        self.boxes_per_image[len(record.boxes)] += 1
        self.image_sizes[record.width, record.height] += 1
        for box in record.boxes:
            self.boxes[box.class_name] += 1
            self.sizes.setdefault(box.class_name, []).append((box.width, box.height))
            middle = ((box.left + box.width / 2) / record.width, (box.top + box.height / 2) / record.height)
            self.places.setdefault(box.class_name, []).append(middle)
        shown = sorted({box.class_name for box in record.boxes})
        self.images_with.update(shown)
        self.together.update((a, b) for index, a in enumerate(shown) for b in shown[index + 1 :])

    @property
    def classes(self) -> list[str]:
        """Return the class names that a box has, sorted."""
        return sorted(self.boxes)


def quantile(values: list[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed (nearest rank).

    Raises:
        ValueError: there are no values, or the share is not in 0 to 1.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError(f"the {share} quantile of {len(values)} values is not defined")
    ordered = sorted(values)
    rank = -int(-share * len(ordered) // 1)  # rounded up
    return ordered[max(rank - 1, 0)]
