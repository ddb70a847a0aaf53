"""The confusion matrix, with the background as one more class."""

from __future__ import annotations

import numpy as np

from groundloop.detections.arrays import Floats, Ints
from groundloop.detections.matching import IOUS, Matches, candidate_pairs, match_greedily, ranks_in_group


def confusion(matches: Matches, thresholds: Floats) -> Ints:
    """Count (classes + 1, classes + 1) confusions: rows are true, columns detected, the last of each is the background.

    Of the detections with a score of at least their class's threshold, those that match a ground-truth box of their own
    class at IoU 0.5 are on the diagonal. The rest are matched in the same greedy way, over all classes, to the
    ground-truth boxes that are left: those are confusions. What is left then is a false positive (last row) or a missed
    object (last column).
    So a row sums to the ground-truth boxes of its class, and a column to its detections.
    """
    pool = matches.pool
    background = pool.classes
    detected_as = np.full(len(pool.true_ids), background)
    counting = pool.scores >= thresholds[pool.class_ids]
    right = counting & (matches.truth[0] >= 0)
    detected_as[matches.truth[0, right]] = pool.class_ids[right]
    left, open_truths = np.flatnonzero(counting & ~right), np.flatnonzero(detected_as == background)
    images, scores = pool.image[left], pool.scores[left]
    pairs = candidate_pairs(pool.true_boxes[open_truths], pool.true_images[open_truths], pool.boxes[left], images)
    taken = match_greedily(pairs, ranks_in_group(images, scores), len(open_truths), IOUS[:1])[0]
    wrong = taken >= 0
    detected_as[open_truths[taken[wrong]]] = pool.class_ids[left[wrong]]
    alarms = pool.class_ids[left[~wrong]]
    table = np.zeros((pool.classes + 1, pool.classes + 1), dtype=np.int64)
    np.add.at(table, (pool.true_ids, detected_as), 1)
    np.add.at(table, (background, alarms), 1)
    return table
