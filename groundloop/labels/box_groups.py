"""Groups of the boxes that several workers drew around one object, whatever class they gave it.

A group is boxes of one image, at most one of each worker, any two of which have at least some IoU (complete linkage).
The most similar boxes meet first, and boxes of one class before those of different classes: two workers who both mark a
nut and a bolt in one place agree on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundloop.labels.records import Box

#: IoU from which two boxes are taken for the same object.
MIN_IOU = 0.5


@dataclass(frozen=True, slots=True)
class WorkerBoxes:
    """One worker's answer to one image.

    Attributes:
        worker: any name that tells workers apart.
        boxes: what the worker marked; none is an answer too (there is nothing to mark).
    """

    worker: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True, order=True)
class GroupedBox:
    """A box of a group.

    Attributes:
        answer: position of the worker's answer among those of the image.
        position: of the box in that answer.
        box: the box.
    """

    answer: int
    position: int
    box: Box


#: The boxes of one object in the order of the answers; at most one of each.
BoxGroup = tuple[GroupedBox, ...]


def box_groups(answers: Sequence[WorkerBoxes], min_iou: float = MIN_IOU, *, by_class: bool = False) -> list[BoxGroup]:
    """Put every box of an image into one group.

    Args:
        answers: at most one of each worker.
        min_iou: of any two boxes of a group.
        by_class: whether the boxes of a group must be of one class.

    Returns:
        The groups in the order of the first worker who drew one of their boxes.

    Example:
        >>> nut, bolt = Box("nut", 0, 0, 100, 100), Box("bolt", 10, 0, 100, 100)
        >>> answers = [WorkerBoxes("ann", (nut,)), WorkerBoxes("bob", (bolt,))]
        >>> [len(group) for group in box_groups(answers)]
        [2]
        >>> [len(group) for group in box_groups(answers, by_class=True)]
        [1, 1]
    """
    drawn = [
        GroupedBox(answer, position, box)
        for answer, one in enumerate(answers)
        for position, box in enumerate(one.boxes)
    ]
    pairs = _similar_pairs(drawn, min_iou, by_class)
    similar = set(pairs)
    group_of = {index: [index] for index in range(len(drawn))}
    for a, b in pairs:
        first, second = group_of[a], group_of[b]
        # Boxes of one worker are not a pair, so they never meet in a group.
        if first is not second and all((min(c, d), max(c, d)) in similar for c in first for d in second):
            first += second
            for index in second:
                group_of[index] = first
    distinct = {id(group): group for group in group_of.values()}
    return sorted(tuple(drawn[index] for index in sorted(group)) for group in distinct.values())


def _similar_pairs(drawn: Sequence[GroupedBox], min_iou: float, by_class: bool) -> list[tuple[int, int]]:
    """Return the pairs of boxes that may be of one group, those of one class and the most similar first."""
    if len({one.answer for one in drawn}) < 2:
        return []
    # Only here: most labels need no NumPy.
    import numpy as np

    from groundloop.boxes import sized_iou

    names = {name: number for number, name in enumerate(dict.fromkeys(one.box.class_name for one in drawn))}
    classes = np.array([names[one.box.class_name] for one in drawn])
    workers = np.array([one.answer for one in drawn])
    sides = np.array([(one.box.left, one.box.top, one.box.width, one.box.height) for one in drawn], dtype=np.float64)
    overlaps = sized_iou(sides[:, None], sides[None])
    same_class = classes[:, None] == classes[None]
    possible = (overlaps >= min_iou) & (workers[:, None] < workers[None])
    if by_class:
        possible &= same_class
    first, second = possible.nonzero()
    # Sorting keeps the order of equals, so the same answers give the same groups.
    order = np.lexsort((-overlaps[first, second], ~same_class[first, second]))
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))
