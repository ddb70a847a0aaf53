"""ObjectLab's label quality scores: whether an image's labels agree with what a detector is sure of.

Of Tkachenko, Thyagarajan, Mueller, "ObjectLab: Automated Diagnosis of Mislabeled Images in Object Detection Data"
(2023), with the constants and the conventions of cleanlab 2.9.0 (`cleanlab.object_detection.rank`), so that the numbers
are the same. 1 means that nothing speaks against a label, 0 that it is likely wrong. The detector's scores are taken as
they are: a detector that is never sure (0.95) leaves most labels at 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundloop.detections.arrays import Bools, Floats, Ints
from groundloop.detections.matching import PooledDetections, grouped_pairs

_IOU_WEIGHT = 0.9
_DISTANCE_RATE = 0.1  # per pixel
#: Scores from which a detection speaks for a badly located label, and for an overlooked or swapped one.
_LOW_SCORE = 0.5
_HIGH_SCORE = 0.95
_TEMPERATURE = 0.1
#: Labels of different classes that overlap this much contradict each other.
_CONFLICT_IOU = 0.95
#: They keep the logarithm of 0 and the IoU of boxes without area finite.
_TINY = 1e-100
_MIN_UNION = 1e-6


@dataclass(frozen=True, slots=True)
class ObjectLabScores:
    """The scores of n images, each from 0 (likely wrong) to 1.

    Attributes:
        overlooked: (n,) no object without a label.
        badly_located: (n,) no label with wrong edges.
        swapped: (n,) no label of a wrong class.
        image: (n,) geometric mean of the three.
    """

    overlooked: Floats
    badly_located: Floats
    swapped: Floats
    image: Floats


def objectlab_scores(pool: PooledDetections) -> ObjectLabScores:
    """Score the labels of images.

    Args:
        pool: labels and detections, boxes in pixels; the detections of a model that was not trained on the images.

    Example:
        >>> from groundloop.detections.dataset import ScoredImage
        >>> from groundloop.detections.matching import pool_detections
        >>> box, nothing = np.array([[10.0, 10, 50, 50]]), np.array([], dtype=np.int64)
        >>> unlabelled = ScoredImage("a.jpg", box[:0], nothing, box, np.array([0]), np.array([0.97]))
        >>> objectlab_scores(pool_detections([unlabelled], classes=1)).overlooked.round(6).tolist()
        [0.03]
    """
    found = _Similarities.of(pool)
    smallest = found.smallest
    sure = (pool.scores >= _HIGH_SCORE) & ~found.touched
    overlooked = np.where(found.own_label < 0, smallest * (1 - pool.scores), found.own_label)
    badly_located = np.where(found.own_detection < 0, 1.0, found.own_detection)
    swapped = np.where(found.other_detection < 0, 1.0, np.maximum(smallest, 1 - found.other_detection))
    swapped[_in_conflict(pool)] = smallest
    scores = (
        _softmin(overlooked[sure], pool.image[sure], pool.images),
        _softmin(badly_located, pool.true_images, pool.images),
        _softmin(swapped, pool.true_images, pool.images),
    )
    return ObjectLabScores(*scores, image=np.exp(sum(np.log(_TINY + score) for score in scores) / len(scores)))


@dataclass(frozen=True, slots=True)
class _Similarities:
    """What the pairs of a label and a detection of one image come to; -1 where there is no such pair.

    Attributes:
        touched: (n,) whether a detection overlaps any label.
        own_label: (n,) similarity of a detection to the label of its class that is most similar.
        own_detection: (m,) that of a label to detections of its class that overlap it and are not unlikely.
        other_detection: (m,) that of a label to sure detections of other classes.
        smallest: of all similarities above 0, and 1.
    """

    touched: Bools
    own_label: Floats
    own_detection: Floats
    other_detection: Floats
    smallest: float

    @classmethod
    def of(cls, pool: PooledDetections) -> _Similarities:
        """Compute them."""
        touched = np.zeros(len(pool.scores), dtype=bool)
        own_label = np.full(len(pool.scores), -1.0)
        own_detection, other_detection = np.full((2, len(pool.true_ids)), -1.0)
        smallest = 1.0
        for detection, label in grouped_pairs(pool.image, pool.true_images):
            overlap = _iou(pool.boxes[detection], pool.true_boxes[label])
            similarity = _similarity(overlap, pool.boxes[detection], pool.true_boxes[label])
            smallest = min(smallest, float(similarity[similarity > 0].min(initial=1.0)))
            own, scores = pool.class_ids[detection] == pool.true_ids[label], pool.scores[detection]
            touched[detection[overlap > 0]] = True
            np.maximum.at(own_label, detection[own], similarity[own])
            likely = own & (overlap > 0) & (scores > _LOW_SCORE)
            np.maximum.at(own_detection, label[likely], similarity[likely])
            other = ~own & (scores > _HIGH_SCORE)
            np.maximum.at(other_detection, label[other], similarity[other])
        return cls(touched, own_label, own_detection, other_detection, smallest)


def _similarity(overlap: Floats, boxes: Floats, others: Floats) -> Floats:
    between = (boxes[:, :2] + boxes[:, 2:]) / 2 - (others[:, :2] + others[:, 2:]) / 2
    distance = 1 - np.exp(-_DISTANCE_RATE * np.sqrt((between**2).sum(axis=1)))
    # 1 - (1 - x) is not x: what is below the last digit of 1 is lost. The smallest similarity of all depends on it.
    similarity: Floats = _IOU_WEIGHT * overlap + (1 - _IOU_WEIGHT) * (1 - distance)
    return similarity


def _iou(boxes: Floats, others: Floats) -> Floats:
    """Return the IoU of corresponding boxes; exactly 0 where they touch, as corners are compared, not sizes."""
    sides = np.minimum(boxes[:, 2:], others[:, 2:]) - np.maximum(boxes[:, :2], others[:, :2])
    intersection = np.where((sides < 0).any(axis=1), 0.0, sides[:, 0] * sides[:, 1])
    union = _area(boxes) + _area(others) - intersection
    ratio: Floats = intersection / np.maximum(union, _MIN_UNION)
    return ratio


def _area(boxes: Floats) -> Floats:
    area: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area


def _in_conflict(pool: PooledDetections) -> Ints:
    """Return the labels on whose place there is a label of another class."""
    found = [np.empty(0, dtype=np.int64)]
    for label, other in grouped_pairs(pool.true_images, pool.true_images):
        conflict = pool.true_ids[label] != pool.true_ids[other]
        label, other = label[conflict], other[conflict]
        found.append(label[_iou(pool.true_boxes[label], pool.true_boxes[other]) >= _CONFLICT_IOU])
    return np.unique(np.concatenate(found))


def _softmin(scores: Floats, image: Ints, images: int) -> Floats:
    """Return (images,) the mean of each image's scores, weighted towards the smallest; 1 without any."""
    weights = np.exp(-scores / _TEMPERATURE)
    total = np.bincount(image, weights, images)
    weighted = np.bincount(image, weights * scores, images)
    return np.divide(weighted, total, out=np.ones(images), where=total > 0)
