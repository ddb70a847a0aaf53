"""The curves of the report: precision over recall, and precision, recall and F1 over the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundloop.detections.average_precision import RECALLS, curve, precision_at_recalls
from groundloop.detections.evaluation import Curves
from groundloop.detections.matching import Matches

#: (1001,) score thresholds 0, 0.001, ... 1.
THRESHOLDS = np.arange(1001) / 1000
#: The COCO API looks at no more detections an image and class.
MAX_DETECTIONS = 100


def class_curves(matches: Matches, class_id: int) -> Curves | None:
    """Compute the curves of one class at IoU 0.5; None when it has no ground-truth box.

    Precision over the threshold is 1 from where nothing is detected: no false positive is left.
    """
    pool = matches.pool
    truths = int(pool.truths_by_class()[class_id])
    if not truths:
        return None
    ranking = pool.ranking(class_id)
    is_true_positive = matches.truth[0, ranking] >= 0
    seen = pool.ranks[ranking] < MAX_DETECTIONS
    detected = np.searchsorted(-pool.scores[ranking], -THRESHOLDS, side="right")
    true = np.append(0, np.cumsum(is_true_positive))[detected]
    return Curves(
        precision_at_recall=precision_at_recalls(*curve(truths, is_true_positive[seen])),
        precision=np.divide(true, detected, out=np.ones(len(THRESHOLDS)), where=detected > 0),
        recall=true / truths,
        f1=2 * true / (detected + truths),
    )


def mean_curves(curves: Sequence[Curves]) -> Curves:
    """Average the curves of all classes; 0 everywhere without any."""
    if not curves:
        return Curves(np.zeros(len(RECALLS)), *(np.zeros(len(THRESHOLDS)) for _ in range(3)))
    return Curves(
        precision_at_recall=np.mean([each.precision_at_recall for each in curves], axis=0),
        precision=np.mean([each.precision for each in curves], axis=0),
        recall=np.mean([each.recall for each in curves], axis=0),
        f1=np.mean([each.f1 for each in curves], axis=0),
    )
