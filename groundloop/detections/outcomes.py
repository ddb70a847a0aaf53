"""The outcome of every detection, and of every ground-truth box that was missed: one row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from groundloop.boxes import paired_iou
from groundloop.detections.arrays import Floats
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.matching import match_detections, pool_detections

TEST = "test"


def outcomes(
    split: str, images: Sequence[ScoredImage], classes: Sequence[str], thresholds: Mapping[str, float]
) -> Iterator[OutcomeRow]:
    """Yield the rows of some images: for each its detections in the detector's order, then its missed boxes.

    A ground-truth box is missed when no detection with a score of at least the threshold takes it at IoU 0.5; one under
    the threshold may, and says so in its own row.

    Args:
        split: validation or test.
        classes: names in id order.
        thresholds: the score from which a class's detections count, by name.
    """
    matches = match_detections(pool_detections(images, len(classes)))
    pool, true = matches.pool, matches.truth[0]
    kept = pool.scores >= np.array([thresholds[name] for name in classes])[pool.class_ids]
    # A detection takes the best box that is free, which need not be the nearest.
    matching = np.flatnonzero(true >= 0)
    iou = matches.pairs.nearest.copy()
    iou[matching] = paired_iou(pool.boxes[matching], pool.true_boxes[true[matching]])
    missed = np.ones(len(pool.true_ids), dtype=bool)
    missed[true[kept & (true >= 0)]] = False
    true_boxes, is_missed, true_ids = _corners(pool.true_boxes), missed.tolist(), pool.true_ids.tolist()
    # As Python's own numbers, all at once: one by one takes NumPy several times as long. Of equal boxes, rounding may
    # make the IoU more than 1.
    columns = (pool.class_ids, kept, pool.scores, np.minimum(iou, 1.0), true)
    detections = zip(*(column.tolist() for column in columns), _corners(pool.boxes), strict=True)
    first_true = 0
    for image in images:
        for class_id, counts, score, overlap, taken, box in islice(detections, len(image.scores)):
            yield OutcomeRow(
                split=split,
                source_ref=image.source_ref,
                outcome=("TP" if taken >= 0 else "FP") if counts else "",
                class_name=classes[class_id],
                score=score,
                box=box,
                iou=overlap,
                true_box=true_boxes[taken] if taken >= 0 else None,
            )
        for number in range(first_true, first_true + len(image.true_ids)):
            if is_missed[number]:
                yield OutcomeRow(
                    split=split,
                    source_ref=image.source_ref,
                    outcome="FN",
                    class_name=classes[true_ids[number]],
                    score=None,
                    box=None,
                    iou=0.0,
                    true_box=true_boxes[number],
                )
        first_true += len(image.true_ids)


def scored_from_table(
    rows: Iterable[OutcomeRow], images: Sequence[ScoredImage], classes: Sequence[str], split: str = TEST
) -> tuple[list[ScoredImage], int]:
    """Put the detections of a table on today's ground truth, so that their model can be scored again.

    Args:
        rows: of a table, in its order; those of other splits and of other images are passed over.
        images: whose ground-truth boxes are taken, and in whose order the result is. The caller answers for the table's
            model having been tested on each: an image without rows is one on which it found nothing.
        classes: names in id order. Detections of other classes are dropped.
        split: whose detections are taken, test or validation.

    Returns:
        The images, and how many of their detections were dropped.
    """
    ids = {name: class_id for class_id, name in enumerate(classes)}
    found: dict[str, list[tuple[int, float, tuple[float, float, float, float]]]] = {
        image.source_ref: [] for image in images
    }
    dropped = 0
    for row in rows:
        if row.split != split or row.score is None or row.box is None or row.source_ref not in found:
            continue
        if row.class_name in ids:
            found[row.source_ref].append((ids[row.class_name], row.score, row.box))
        else:
            dropped += 1
    scored = []
    for image in images:
        detections = found[image.source_ref]
        scored.append(
            ScoredImage(
                source_ref=image.source_ref,
                true_boxes=image.true_boxes,
                true_ids=image.true_ids,
                boxes=np.array([box for _, _, box in detections], dtype=np.float64).reshape(-1, 4),
                class_ids=np.array([class_id for class_id, _, _ in detections], dtype=np.int64),
                scores=np.array([score for _, score, _ in detections], dtype=np.float64),
            )
        )
    return scored, dropped


def _corners(boxes: Floats) -> list[tuple[float, float, float, float]]:
    return [(xmin, ymin, xmax, ymax) for xmin, ymin, xmax, ymax in boxes.tolist()]
