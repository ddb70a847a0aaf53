"""How far several workers agree on the boxes of the same images.

- F1 and mean IoU of the boxes that two workers have in common: what people understand.
- Krippendorff's alpha for nominal values, over boxes: agreement beyond what chance would give. 1 is perfect, 0 what
  chance gives, below 0 worse. The units are the groups of boxes around one object, whatever their class
  (`groundloop.labels.box_groups`); a worker who answered the image and has no box in the group has the value "none".
  Places where all workers agree that there is nothing are in no unit: agreement is not overstated by empty background.

Formula: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section C (nominal data, any number of
observers, missing data).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from groundloop.labels.box_groups import MIN_IOU, BoxGroup, WorkerBoxes, box_groups
from groundloop.labels.records import Box

#: Value of a worker who has no box where others have one.
NONE = None


@dataclass(frozen=True, slots=True)
class BoxAgreement:
    """How far the boxes of two workers agree; agreements on several images and pairs can be added.

    Attributes:
        boxes: of both workers together.
        matched: pairs of boxes of one class, one of each worker, with the IoU asked for.
        iou_sum: over the pairs.
    """

    boxes: int = 0
    matched: int = 0
    iou_sum: float = 0.0

    def __add__(self, other: BoxAgreement) -> BoxAgreement:
        return BoxAgreement(self.boxes + other.boxes, self.matched + other.matched, self.iou_sum + other.iou_sum)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, the same whoever is taken for the truth; None without any box."""
        return 2 * self.matched / self.boxes if self.boxes else None

    @property
    def mean_iou(self) -> float | None:
        """Mean IoU of the pairs; None without any."""
        return self.iou_sum / self.matched if self.matched else None


@dataclass(frozen=True, slots=True)
class PairwiseAgreement:
    """How far workers agree, over all pairs of workers who answered the same image.

    Attributes:
        images: that two workers or more answered.
        overall: over all pairs.
        by_class: by class name, sorted.
        by_pair: by the names of the two workers, sorted.
    """

    images: int
    overall: BoxAgreement
    by_class: Mapping[str, BoxAgreement]
    by_pair: Mapping[tuple[str, str], BoxAgreement]


def box_agreement(first: Sequence[Box], second: Sequence[Box], min_iou: float = MIN_IOU) -> dict[str, BoxAgreement]:
    """Compare two sets of boxes of one image, such as two workers' or a worker's and the consolidated ones.

    Args:
        first, second: boxes of one image.
        min_iou: from which two boxes of one class match; each box matches one at most, the most similar first.

    Returns:
        The agreement by class name; add them up for all classes: `sum(found.values(), BoxAgreement())`.

    Example:
        >>> ann = [Box("nut", 0, 0, 100, 100), Box("bolt", 300, 0, 50, 50)]
        >>> bob = [Box("nut", 20, 0, 100, 100)]
        >>> found = box_agreement(ann, bob)
        >>> found["nut"].f1, round(found["nut"].mean_iou, 2), found["bolt"].f1
        (1.0, 0.67, 0.0)
    """
    # Only here: most labels need no NumPy.
    import numpy as np

    from groundloop.boxes import sized_iou

    found = {
        class_name: BoxAgreement(boxes=count)
        for class_name, count in Counter(box.class_name for box in (*first, *second)).items()
    }
    answers = (WorkerBoxes("first", tuple(first)), WorkerBoxes("second", tuple(second)))
    pairs = [group for group in box_groups(answers, min_iou, by_class=True) if len(group) == 2]
    sides = np.array([[(b.left, b.top, b.width, b.height) for b in (one.box for one in pair)] for pair in pairs])
    sides = sides.astype(np.float64).reshape(-1, 2, 4)
    for (one, _), iou in zip(pairs, sized_iou(sides[:, 0], sides[:, 1]).tolist(), strict=True):
        found[one.box.class_name] += BoxAgreement(matched=1, iou_sum=iou)
    return found


def pairwise_agreement(images: Iterable[Sequence[WorkerBoxes]], min_iou: float = MIN_IOU) -> PairwiseAgreement:
    """Compare each two workers who answered the same image.

    Args:
        images: for each image one answer of each worker who answered it.
        min_iou: from which two boxes of one class match.
    """
    compared = 0
    by_class: dict[str, BoxAgreement] = {}
    by_pair: dict[tuple[str, str], BoxAgreement] = {}
    for answers in images:
        compared += len(answers) > 1
        for first, second in combinations(sorted(answers, key=lambda answer: answer.worker), 2):
            names = (first.worker, second.worker)
            by_pair.setdefault(names, BoxAgreement())
            for class_name, found in box_agreement(first.boxes, second.boxes, min_iou).items():
                by_class[class_name] = by_class.get(class_name, BoxAgreement()) + found
                by_pair[names] += found
    overall = sum(by_pair.values(), BoxAgreement())
    return PairwiseAgreement(compared, overall, dict(sorted(by_class.items())), dict(sorted(by_pair.items())))


def box_alpha(images: Iterable[Sequence[WorkerBoxes]], min_iou: float = MIN_IOU) -> float | None:
    """Return Krippendorff's alpha of the workers' boxes.

    Args:
        images: for each image one answer of each worker who answered it; images with one answer say nothing.
        min_iou: from which boxes are of one object; at 0.75 it also tells how well the edges agree.

    Returns:
        Alpha, at most 1; None where it is not defined: nobody marked anything on an image with several answers, or all
        boxes have one class and nobody missed any.

    Example:
        >>> nut, bolt = Box("nut", 0, 0, 100, 100), Box("bolt", 300, 0, 50, 50)
        >>> both, missed = (nut, bolt), (nut,)
        >>> box_alpha([[WorkerBoxes("ann", both), WorkerBoxes("bob", both)]])
        1.0
        >>> round(box_alpha([[WorkerBoxes("ann", both), WorkerBoxes("bob", missed)]]), 3)
        0.4
    """
    return nominal_alpha(
        _values(group, len(answers)) for answers in images if len(answers) > 1 for group in box_groups(answers, min_iou)
    )


def nominal_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Return Krippendorff's alpha for nominal values.

    Args:
        units: for each unit the values that the observers gave it, missing ones left out; a unit with one value counts
            for nothing.

    Returns:
        Alpha, at most 1; None where it is not defined, without two different values.

    Example:
        >>> round(nominal_alpha([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")]), 3)
        0.533
    """
    totals: Counter[Hashable] = Counter()
    coincidences: list[float] = []
    for values in units:
        if len(values) < 2:
            continue
        counts = Counter(values)
        totals.update(counts)
        coincidences += [count * (count - 1) / (len(values) - 1) for count in counts.values()]
    pairable = totals.total()
    by_chance = sum(count * (count - 1) for count in totals.values())
    possible = pairable * (pairable - 1)
    if possible == by_chance:
        return None
    return ((pairable - 1) * math.fsum(coincidences) - by_chance) / (possible - by_chance)


def _values(group: BoxGroup, workers: int) -> list[str | None]:
    """Return the value of each worker who answered the image: the class, or that there is nothing."""
    return [*(one.box.class_name for one in group), *[NONE] * (workers - len(group))]
