"""The anchor boxes and the decoding of the single-shot detector (SSD), as MXNet's MultiBox operators compute them.

Formulas and the order of operations: `multibox_prior.cc` and `multibox_detection.cc` of MXNet 1.x; the method is
Liu et al., "SSD: Single Shot MultiBox Detector" (ECCV 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from groundloop.boxes import iou_matrix

Floats = NDArray[np.floating[Any]]


class MultiBoxDecoder(msgspec.Struct, frozen=True, tag="multibox", kw_only=True):
    """The arguments of `MultiBoxDetection`.

    Attributes:
        threshold: minimum score of a detection.
        nms_threshold: IoU from which the detection with the lower score is suppressed; nothing is, outside (0, 1].
        nms_topk: how many detections, those with the highest scores, take part; -1 for all.
        class_agnostic: whether boxes suppress those of other classes too (`force_suppress`).
        clip: whether coordinates are clipped to [0, 1].
        variances: what the four offsets are multiplied by.
    """

    threshold: float = 0.01
    nms_threshold: float = 0.5
    nms_topk: int = -1
    class_agnostic: bool = False
    clip: bool = True
    variances: tuple[float, float, float, float] = (0.1, 0.1, 0.2, 0.2)

    def rows(self, probabilities: Floats, offsets: Floats, anchors: Floats) -> NDArray[np.float32]:
        """Decode the network's outputs for one image.

        Args:
            probabilities: (classes + 1, anchors), the background first.
            offsets: (anchors * 4,), centre and size relative to the anchors.
            anchors: (anchors, 4) xmin, ymin, xmax, ymax as fractions of the image.

        Returns:
            (n, 6) class id, score, xmin, ymin, xmax, ymax, those with the highest scores first.
        """
        foreground = probabilities[1:]
        class_ids = foreground.argmax(axis=0)
        scores = foreground[class_ids, np.arange(foreground.shape[1])]
        kept = np.nonzero(scores >= self.threshold)[0]
        if 0 < self.nms_threshold <= 1:
            kept = kept[np.argsort(-scores[kept], kind="stable")]
            if self.nms_topk > 0:
                kept = kept[: self.nms_topk]
        boxes = self.boxes(offsets.reshape(-1, 4)[kept], anchors[kept])
        class_ids, scores = class_ids[kept], scores[kept]
        if 0 < self.nms_threshold <= 1:
            survivors = self._suppress(class_ids, boxes)
            class_ids, scores, boxes = class_ids[survivors], scores[survivors], boxes[survivors]
        return np.column_stack([class_ids, scores, boxes]).astype(np.float32, copy=False)

    def boxes(self, offsets: Floats, anchors: Floats) -> Floats:
        """Move and scale anchors by offsets; both (n, 4), the result xmin, ymin, xmax, ymax."""
        size = anchors[:, 2:] - anchors[:, :2]
        centres = (anchors[:, :2] + anchors[:, 2:]) / 2
        variances = np.array(self.variances, dtype=offsets.dtype)
        centres = offsets[:, :2] * variances[:2] * size + centres
        with np.errstate(over="ignore"):  # a wild size is clipped, or infinite as with MXNet
            halves = np.exp(offsets[:, 2:] * variances[2:]) * size / 2
        boxes = np.concatenate([centres - halves, centres + halves], axis=1)
        return np.clip(boxes, 0, 1) if self.clip else boxes

    def _suppress(self, class_ids: NDArray[np.integer[Any]], boxes: Floats) -> list[int]:
        same = iou_matrix(boxes, boxes) >= self.nms_threshold
        if not self.class_agnostic:
            same &= class_ids[:, None] == class_ids
        suppressed = np.zeros(len(boxes), bool)
        kept = []
        for index in range(len(boxes)):
            if not suppressed[index]:
                kept.append(index)
                suppressed |= same[index]
        return kept


def prior_boxes(
    height: int,
    width: int,
    *,
    sizes: Sequence[float],
    ratios: Sequence[float],
    steps: Sequence[float] = (-1, -1),
    offsets: Sequence[float] = (0.5, 0.5),
    clip: bool = False,
) -> NDArray[np.float32]:
    """Return the anchors of one feature map, as `MultiBoxPrior` does.

    Each cell has one anchor per size with the ratio 1, then one with the first size per further ratio.

    Args:
        height: of the feature map, in cells.
        width: of the feature map, in cells.
        sizes: sides as fractions of the image's height.
        ratios: width over height; the first one isn't used.
        steps: distance of the cells by y and x, as fractions; not positive for 1 / height and 1 / width.
        offsets: position of the centre in its cell, by y and x.
        clip: whether coordinates are clipped to [0, 1].

    Returns:
        (height * width * (sizes + ratios - 1), 4) xmin, ymin, xmax, ymax.
    """
    step_y = steps[0] if steps[0] > 0 else 1 / height
    step_x = steps[1] if steps[1] > 0 else 1 / width
    # Square in pixels of a square image whose feature map is not square.
    shape = height / width
    halves = [(size * shape / 2, size / 2) for size in sizes]
    halves += [(sizes[0] * shape * ratio**0.5 / 2, sizes[0] / ratio**0.5 / 2) for ratio in ratios[1:]]
    half = np.array(halves, dtype=np.float32)
    y = (np.arange(height, dtype=np.float32) + np.float32(offsets[0])) * np.float32(step_y)
    x = (np.arange(width, dtype=np.float32) + np.float32(offsets[1])) * np.float32(step_x)
    centres = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)[:, :, None, :]
    boxes = np.concatenate([centres - half, centres + half], axis=-1).reshape(-1, 4)
    return np.clip(boxes, 0, 1) if clip else boxes
