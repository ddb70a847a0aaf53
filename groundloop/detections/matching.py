"""All boxes of a set of images in a few arrays, and the matching of detections to ground truth on all of them at once.

Two rules say which ground-truth box a detection may take, best score first. COCO: the best of those that are not taken
yet (cocoapi, `COCOeval.evaluateImg`). VOC: the best of all; if that one is taken, the detection is a duplicate and
false (VOC devkit, `VOCevaldet.m`). Both go one rank at a time for every image and class together: what takes a Python
loop over 5,000 images seconds takes NumPy a fraction of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from groundloop.boxes import paired_iou
from groundloop.detections.arrays import Bools, Floats, Ints
from groundloop.detections.dataset import ScoredImage

#: IoU 0.50, 0.55, ... 0.95, as the COCO API counts them up (`cocoeval.py`, `Params`).
IOUS: Floats = np.linspace(0.5, 0.95, 10)
_MAX_PAIRS = 1_000_000  # held at once while looking for overlaps: some 100 MB


@dataclass(frozen=True, slots=True)
class PooledDetections:
    """The ground-truth boxes and the detections of some images: m and n of them.

    Attributes:
        images, classes: how many.
        true_images, true_ids: (m,) position of the image, class id; true_boxes: (m, 4) xmin, ymin, xmax, ymax.
        image, class_ids, scores: (n,); boxes: (n, 4): the detections, image by image, in the detector's order.
        ranks: (n,) place of a detection among those of its image and class, best score first; equal scores keep their
            order.
    """

    images: int
    classes: int
    true_images: Ints
    true_ids: Ints
    true_boxes: Floats
    image: Ints
    class_ids: Ints
    scores: Floats
    boxes: Floats
    ranks: Ints

    @property
    def true_groups(self) -> Ints:
        """(m,) one number for each image and class."""
        return self.true_images * self.classes + self.true_ids

    @property
    def groups(self) -> Ints:
        """(n,) one number for each image and class."""
        return self.image * self.classes + self.class_ids

    def truths_by_class(self) -> Ints:
        """Return (classes,) how many ground-truth boxes there are of each."""
        return np.bincount(self.true_ids, minlength=self.classes)

    def ranking(self, class_id: int) -> Ints:
        """Return the detections of one class, best score first; equal scores keep the order of images and detector."""
        of_class = np.flatnonzero(self.class_ids == class_id)
        return of_class[np.argsort(-self.scores[of_class], kind="stable")]


@dataclass(frozen=True, slots=True)
class CandidatePairs:
    """Detections and ground-truth boxes of one group that overlap by a minimum: p of them, and what comes near.

    Attributes:
        detection, truth: (p,) positions in the pool.
        iou: (p,)
        nearest: (n,) each detection's best IoU with a ground-truth box of its group, however small; 0 without one.
    """

    detection: Ints
    truth: Ints
    iou: Floats
    nearest: Floats


@dataclass(frozen=True, slots=True)
class Matches:
    """A pool whose detections were matched to the ground-truth boxes of their image and class.

    Attributes:
        pool: what was matched.
        truth: (10, n) at each of IOUS the ground-truth box that a detection took by COCO's rule, or -1, without its
            limit of 100 detections.
        voc: (n,) whether a detection is true by VOC's rule at IoU 0.5.
        pairs: what could match.
    """

    pool: PooledDetections
    truth: Ints
    voc: Bools
    pairs: CandidatePairs


def pool_detections(images: Sequence[ScoredImage], classes: int) -> PooledDetections:
    """Put the boxes of all images into one array each."""
    class_ids = _concatenated([image.class_ids for image in images])
    scores = np.concatenate([np.empty(0), *(image.scores for image in images)])
    image = np.repeat(np.arange(len(images)), [len(image.scores) for image in images])
    return PooledDetections(
        images=len(images),
        classes=classes,
        true_images=np.repeat(np.arange(len(images)), [len(image.true_ids) for image in images]),
        true_ids=_concatenated([image.true_ids for image in images]),
        true_boxes=np.concatenate([np.empty((0, 4)), *(image.true_boxes for image in images)]),
        image=image,
        class_ids=class_ids,
        scores=scores,
        boxes=np.concatenate([np.empty((0, 4)), *(image.boxes for image in images)]),
        ranks=ranks_in_group(image * classes + class_ids, scores),
    )


def match_detections(pool: PooledDetections) -> Matches:
    """Match every detection to a ground-truth box of its image and class, by both rules."""
    pairs = candidate_pairs(pool.true_boxes, pool.true_groups, pool.boxes, pool.groups)
    return Matches(
        pool=pool,
        truth=match_greedily(pairs, pool.ranks, len(pool.true_ids), IOUS),
        voc=_first_at_best(pairs, pool.ranks),
        pairs=pairs,
    )


def ranks_in_group(groups: Ints, scores: Floats) -> Ints:
    """Return each detection's rank in its group, best score first, from 0; equal scores keep their order."""
    order = np.lexsort((-scores, groups))
    in_order = groups[order]
    starts = np.flatnonzero(np.diff(in_order, prepend=-1))
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[order] = np.arange(len(scores)) - np.repeat(starts, np.diff(starts, append=len(scores)))
    return ranks


def candidate_pairs(
    true_boxes: Floats, true_groups: Ints, boxes: Floats, groups: Ints, min_iou: float = float(IOUS[0])
) -> CandidatePairs:
    """Find the pairs within a group that overlap by a minimum; by default those that may match."""
    detection, truth, iou = [_concatenated([])], [_concatenated([])], [np.empty(0)]
    nearest = np.zeros(len(boxes))
    for owner, other in grouped_pairs(groups, true_groups):
        overlap = paired_iou(boxes[owner], true_boxes[other])
        np.maximum.at(nearest, owner, overlap)
        near = overlap >= min_iou
        detection.append(owner[near])
        truth.append(other[near])
        iou.append(overlap[near])
    return CandidatePairs(np.concatenate(detection), np.concatenate(truth), np.concatenate(iou), nearest)


def grouped_pairs(groups: Ints, other_groups: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield the pairs of members of the same group, some at a time: (p,) positions in each of the two.

    Args:
        groups: (n,) a number for each, such as the image of a detection.
        other_groups: (m,) the same for what they are paired with.
    """
    by_group = np.argsort(other_groups, kind="stable")
    starts = np.searchsorted(other_groups[by_group], groups)
    counts = np.searchsorted(other_groups[by_group], groups, side="right") - starts
    for first, last in _chunks(counts):
        some = counts[first:last]
        begins = np.cumsum(some) - some
        owner = np.repeat(np.arange(first, last), some)
        yield owner, by_group[np.arange(len(owner)) + np.repeat(starts[first:last] - begins, some)]


def match_greedily(
    pairs: CandidatePairs, ranks: Ints, truths: int, iou_thresholds: Floats, ignored: Bools | None = None
) -> Ints:
    """Match each detection, best rank first, to the best ground-truth box of its group that is free (COCO's rule).

    Of several with the same IoU the last is taken, as the COCO API does (`COCOeval.evaluateImg`).

    Args:
        ranks: (n,) of all detections; those of one group differ.
        truths: how many ground-truth boxes there are.
        iou_thresholds: (t,) each is a matching of its own; an IoU of exactly this much matches.
        ignored: (truths,) ground-truth boxes that a detection takes only if no other one is free.

    Returns:
        (t, n) the position of the ground-truth box, or -1.
    """
    result = np.full((len(iou_thresholds), len(ranks)), -1, dtype=np.int64)
    # Within a detection the best candidate comes last, so the last free one is the one to take.
    keys: list[Floats | Ints | Bools] = [pairs.truth, pairs.iou, pairs.detection, ranks[pairs.detection]]
    if ignored is not None:
        keys.insert(2, ~ignored[pairs.truth])
    order = np.lexsort(keys)
    detection, truth = pairs.detection[order], pairs.truth[order]
    fits = pairs.iou[order] >= iou_thresholds[:, None]
    taken = np.zeros((len(iou_thresholds), truths), dtype=bool)
    starts = np.flatnonzero(np.diff(detection, prepend=-1))
    # A round: the detections of one rank. No two are of one group, so they can't want the same ground-truth box.
    rounds = np.flatnonzero(np.diff(ranks[detection[starts]], prepend=-1, append=-1))
    edges = np.append(starts, len(detection))
    for begun, ended in pairwise(rounds):
        first, end = edges[begun], edges[ended]
        free = fits[:, first:end] & ~taken[:, truth[first:end]]
        places = np.where(free, np.arange(first, end), -1)
        chosen = np.maximum.reduceat(places, starts[begun:ended] - first, axis=1)
        which, column = np.nonzero(chosen >= 0)
        pair = chosen[which, column]
        taken[which, truth[pair]] = True
        result[which, detection[pair]] = truth[pair]
    return result


def _first_at_best(pairs: CandidatePairs, ranks: Ints) -> Bools:
    """Return (n,) whether a detection is true by VOC's rule: the best ranked of those that share their best box.

    Of equally good ground-truth boxes the first is the best one, as in the VOC devkit.
    """
    order = np.lexsort((pairs.truth, -pairs.iou, pairs.detection))
    detection, truth = pairs.detection[order], pairs.truth[order]
    best = np.flatnonzero(np.diff(detection, prepend=-1))
    detection, truth = detection[best], truth[best]
    order = np.lexsort((ranks[detection], truth))
    true = np.zeros(len(ranks), dtype=bool)
    true[detection[order][np.flatnonzero(np.diff(truth[order], prepend=-1))]] = True
    return true


def _chunks(counts: Ints) -> Iterator[tuple[int, int]]:
    """Yield ranges of detections that have about `_MAX_PAIRS` pairs together; at least one detection each."""
    total = np.cumsum(counts)
    first = 0
    while first < len(counts):
        done = total[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(total, done + _MAX_PAIRS, side="right")))
        yield first, last
        first = last


def _concatenated(arrays: Sequence[Ints]) -> Ints:
    return np.concatenate([np.empty(0, dtype=np.int64), *arrays])
