"""Conversion of the network's output into boxes with scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from groundloop.boxes import iou_matrix
from groundloop.local.detector.boxes import Detections, Floats, Ints

SCORE_FLOOR = 0.03
MAX_DETECTIONS = 200
# exp() of a side's logarithm must not overflow on a wild answer; no box is larger than the image.
MAX_LOG_SIDE = 8.0


def decode(output: Floats, num_classes: int, *, nms_threshold: float) -> list[Detections]:
    """Return the detections of each image of a batch, from the output of Network.forward.

    Peaks of the heat maps (3x3 local maxima) above the score floor, at most 200, then non-maximum suppression per
    class at `nms_threshold` of intersection over union.
    """
    heat = 1 / (1 + np.exp(-np.clip(output[..., :num_classes], -30, 30)))
    padded = np.pad(heat, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = heat.shape[1:3]
    largest = heat.copy()
    for dy in range(3):
        for dx in range(3):
            np.maximum(largest, padded[:, dy : dy + height, dx : dx + width], out=largest)
    peaks = (heat == largest) & (heat > SCORE_FLOOR)
    return [_decode_image(heat[i], peaks[i], output[i, :, :, num_classes:], nms_threshold) for i in range(len(output))]


def _decode_image(heat: Floats, peaks: npt.NDArray[np.bool_], values: Floats, nms_threshold: float) -> Detections:
    rows, columns, classes = np.nonzero(peaks)
    scores = heat[rows, columns, classes]
    best = np.argsort(-scores, kind="stable")[:MAX_DETECTIONS]
    rows, columns, classes, scores = rows[best], columns[best], classes[best], scores[best]
    dx, dy, log_width, log_height = values[rows, columns].T
    size = np.array([heat.shape[1], heat.shape[0]])
    centres = np.stack([columns + 0.5 + dx, rows + 0.5 + dy], axis=1) / size
    halves = np.exp(np.minimum(np.stack([log_width, log_height], axis=1), MAX_LOG_SIDE)) / 2 / size
    corners = np.clip(np.concatenate([centres - halves, centres + halves], axis=1), 0, 1)
    kept = suppress(classes, corners, nms_threshold)
    return Detections(classes[kept], scores[kept], corners[kept])


def suppress(classes: Ints, corners: Floats, threshold: float) -> list[int]:
    """Return the indices that survive greedy non-maximum suppression within each class; the boxes come best first."""
    same_object = (iou_matrix(corners, corners) > threshold) & (classes[:, None] == classes)
    suppressed = np.zeros(len(classes), bool)
    kept = []
    for i in range(len(classes)):
        if not suppressed[i]:
            kept.append(i)
            suppressed |= same_object[i]
    return kept
