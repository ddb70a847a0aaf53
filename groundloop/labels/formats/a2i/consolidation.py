"""Consolidation of the boxes that several workers drew on one image.

Ground Truth does the same inside its jobs: "Bounding box annotation consolidation finds the most similar boxes from
each worker based on the Jaccard index, or intersection over union, of the boxes and averages them" (Amazon SageMaker
developer guide, "Annotation consolidation"). A2I does not. The guide leaves open how similar and how many; here a
group is boxes of one class, one of each worker at most, any two of which have an IoU of `MIN_IOU` or more, and it
needs more than half of the workers (of two both, of three two).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from groundloop.labels.records import Box

MIN_IOU = 0.5


@dataclass(frozen=True, slots=True)
class ConsolidationResult:
    """The boxes that the workers agree on.

    Attributes:
        boxes: means of the groups that a majority drew, in the order of the first worker who drew them; None when the
            workers do not even agree that there is nothing.
        dropped: number of boxes drawn by too few.
    """

    boxes: tuple[Box, ...] | None
    dropped: int


@dataclass(frozen=True, slots=True)
class _WorkerBox:
    worker: int
    position: int
    box: Box


def consolidate(answers: Sequence[Sequence[Box]]) -> ConsolidationResult:
    """Consolidate the boxes of several workers into one set.

    Args:
        answers: at least one; an empty one means that this worker saw nothing to mark.

    Returns:
        The mean boxes, their sides as floats. No box is an answer, too, where more than half of the workers drew none.
    """
    if len(answers) == 1:
        return ConsolidationResult(tuple(answers[0]), 0)
    drawn = [
        _WorkerBox(worker, position, box) for worker, boxes in enumerate(answers) for position, box in enumerate(boxes)
    ]
    agreed = [group for group in _groups(drawn) if 2 * len(group) > len(answers)]
    dropped = len(drawn) - sum(map(len, agreed))
    empty = sum(not boxes for boxes in answers)
    if not agreed and 2 * empty <= len(answers):
        return ConsolidationResult(None, dropped)
    return ConsolidationResult(tuple(_mean(group) for group in sorted(agreed, key=_first)), dropped)


def _groups(drawn: Sequence[_WorkerBox]) -> list[list[_WorkerBox]]:
    """Put every box into one group; the most similar boxes meet first."""
    # Only here: most labels need no NumPy.
    import numpy as np

    from groundloop.boxes import sized_iou

    sides = np.array([(one.box.left, one.box.top, one.box.width, one.box.height) for one in drawn], dtype=np.float64)
    sides = sides.reshape(-1, 4)
    overlaps = sized_iou(sides[:, None], sides[None])
    similar = {
        frozenset((a, b)): float(overlaps[a, b])
        for a, b in combinations(range(len(drawn)), 2)
        if drawn[a].worker != drawn[b].worker and drawn[a].box.class_name == drawn[b].box.class_name
        if overlaps[a, b] >= MIN_IOU
    }
    group_of = {index: [index] for index in range(len(drawn))}
    # Sorting keeps the order of equals, so the same answers give the same groups.
    for pair in sorted(similar, key=lambda pair: -similar[pair]):
        first, second = (group_of[index] for index in sorted(pair))
        # Boxes of one worker are not a pair above, so they never meet in a group.
        if first is not second and all(frozenset((a, b)) in similar for a in first for b in second):
            first += second
            for index in second:
                group_of[index] = first
    distinct = {id(group): group for group in group_of.values()}
    return [[drawn[index] for index in group] for group in distinct.values()]


def _first(group: Sequence[_WorkerBox]) -> tuple[int, int]:
    return min((one.worker, one.position) for one in group)


def _mean(group: Sequence[_WorkerBox]) -> Box:
    boxes = [one.box for one in group]
    return Box(
        boxes[0].class_name,
        fmean(box.left for box in boxes),
        fmean(box.top for box in boxes),
        fmean(box.width for box in boxes),
        fmean(box.height for box in boxes),
    )
