"""Consolidation of the boxes that several workers drew on one image: for the review page, A2I and Ground Truth outputs.

Ground Truth does the same inside its jobs: "Bounding box annotation consolidation finds the most similar boxes from
each worker based on the Jaccard index, or intersection over union, of the boxes and averages them" (Amazon SageMaker
developer guide, "Annotation consolidation"). The guide leaves open how similar and how many. Here the boxes of one
object (`groundloop.labels.box_groups`) count when more than half of the workers drew one (of two both, of three two)
and more than half of those gave it the same class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from groundloop.labels.box_groups import MIN_IOU, BoxGroup, WorkerBoxes, box_groups
from groundloop.labels.records import Box


@dataclass(frozen=True, slots=True)
class ConsolidatedBox:
    """A box that the workers agree on.

    Attributes:
        box: the mean of two boxes, from three on the median of each edge; its sides are floats.
        votes: how many workers drew it with this class.
        confidence: from 0 to 1: the votes, as a share of the workers who answered the image, times the mean IoU of the
            workers' boxes with this one. 0 for the work of one person, as Ground Truth writes it.
    """

    box: Box
    votes: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Consolidated:
    """The answer of several workers to one image.

    Attributes:
        workers: who answered.
        boxes: what they agree on, in the order of the first worker who drew it.
        without_quorum: groups of boxes that at most half of the workers drew.
        without_class_majority: groups that a majority drew without a majority of them for one class.
        empty: how many of the workers marked nothing.
    """

    workers: tuple[str, ...]
    boxes: tuple[ConsolidatedBox, ...]
    without_quorum: tuple[BoxGroup, ...]
    without_class_majority: tuple[BoxGroup, ...]
    empty: int

    @property
    def agreed(self) -> bool:
        """Whether a majority agrees on anything: a box, or that there is nothing to mark."""
        return bool(self.boxes) or 2 * self.empty > len(self.workers)

    @property
    def decided(self) -> bool:
        """Whether one more worker could not be needed: a majority is for or against each box, and for its class."""
        tied = any(2 * len(group) == len(self.workers) for group in self.without_quorum)
        return self.agreed and not tied and not self.without_class_majority

    @property
    def left_out(self) -> int:
        """How many of the workers' boxes are in no box of the result."""
        return sum(map(len, self.without_quorum)) + sum(map(len, self.without_class_majority))


def consolidated(answers: Sequence[WorkerBoxes], min_iou: float = MIN_IOU) -> Consolidated:
    """Consolidate the boxes of several workers.

    Args:
        answers: of the workers who answered the image, one of each; at least one. The boxes of a single one stay as
            they are.
        min_iou: of any two boxes that are taken for one object.

    Raises:
        ValueError: there is no answer, or two of one worker.

    Example:
        >>> ann = WorkerBoxes("ann", (Box("nut", 0, 0, 100, 100),))
        >>> bob = WorkerBoxes("bob", (Box("nut", 20, 0, 100, 100), Box("nut", 300, 0, 50, 50)))
        >>> result = consolidated([ann, bob])
        >>> [(one.box, round(one.confidence, 2)) for one in result.boxes]
        [(Box(class_name='nut', left=10.0, top=0.0, width=100.0, height=100.0), 0.82)]
        >>> len(result.without_quorum), result.decided
        (1, False)
    """
    workers = tuple(answer.worker for answer in answers)
    if not workers or len(set(workers)) != len(workers):
        raise ValueError(f"one answer of each worker is needed, at least one; the workers are {workers}")
    empty = sum(not answer.boxes for answer in answers)
    if len(answers) == 1:
        return Consolidated(workers, tuple(ConsolidatedBox(box, 1, 0.0) for box in answers[0].boxes), (), (), empty)
    boxes: list[ConsolidatedBox] = []
    without_quorum: list[BoxGroup] = []
    without_class_majority: list[BoxGroup] = []
    for group in box_groups(answers, min_iou):
        ((class_name, votes),) = Counter(one.box.class_name for one in group).most_common(1)
        if 2 * len(group) <= len(workers):
            without_quorum.append(group)
        elif 2 * votes <= len(group):
            without_class_majority.append(group)
        else:
            boxes.append(_joined(group, class_name, votes, len(workers)))
    return Consolidated(workers, tuple(boxes), tuple(without_quorum), tuple(without_class_majority), empty)


def _joined(group: BoxGroup, class_name: str, votes: int, workers: int) -> ConsolidatedBox:
    # Only here: most labels need no NumPy.
    import numpy as np

    from groundloop.boxes import sized_iou

    sides = np.array([(one.box.left, one.box.top, one.box.width, one.box.height) for one in group], dtype=np.float64)
    if len(group) < 3:
        joined = sides.mean(axis=0)
    else:  # one sloppy edge of three doesn't move the median
        edges = np.median(np.hstack([sides[:, :2], sides[:, :2] + sides[:, 2:]]), axis=0)
        joined = np.hstack([edges[:2], edges[2:] - edges[:2]])
    left, top, width, height = joined.tolist()
    confidence = votes / workers * float(sized_iou(sides, joined).mean())
    return ConsolidatedBox(Box(class_name, left, top, width, height), votes, min(confidence, 1.0))
