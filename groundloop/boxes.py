"""Intersection over union of boxes, for everything that compares boxes.

Boxes are continuous and half-open, `area = (xmax - xmin) * (ymax - ymin)`, as in the COCO API (cocoapi, `maskApi.c`,
`bbIou`) and as Ground Truth draws them. The original VOC devkit counts pixels inclusively (`+ 1` in width and height),
which changes the IoU of small boxes a little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating[Any]]


def iou_matrix(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union of every pair of boxes.

    Args:
        first: (n, 4) xmin, ymin, xmax, ymax, in any unit.
        second: (m, 4), in the same unit.

    Returns:
        (n, m), from 0 to 1; 0 where both areas are 0.

    Example:
        >>> import numpy as np
        >>> iou_matrix(np.array([[0.0, 0, 10, 10]]), np.array([[0.0, 0, 5, 10], [20, 20, 30, 30]]))
        array([[0.5, 0. ]])
    """
    return paired_iou(first[:, None, :], second[None, :, :])


def paired_iou(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union of corresponding boxes.

    To the last bit what the COCO API computes from xmin, ymin, width and height, so that an IoU that equals a threshold
    falls on the same side of it.

    Args:
        first: (..., 4) xmin, ymin, xmax, ymax.
        second: (..., 4), in the same unit and of a shape that broadcasts with the first.

    Returns:
        (...), from 0 to 1; 0 where both areas are 0.
    """
    return _iou(first[..., :2], first[..., 2:] - first[..., :2], second[..., :2], second[..., 2:] - second[..., :2])


def sized_iou(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union of corresponding boxes that are given by their sizes.

    Args:
        first: (..., 4) left, top, width, height, as COCO and Ground Truth write boxes.
        second: (..., 4), in the same unit and of a shape that broadcasts with the first.

    Returns:
        (...), from 0 to 1; 0 where both areas are 0.
    """
    return _iou(first[..., :2], first[..., 2:], second[..., :2], second[..., 2:])


def _iou(low: Boxes, size: Boxes, other_low: Boxes, other_size: Boxes) -> NDArray[np.float64]:
    overlap = np.maximum(np.minimum(low + size, other_low + other_size) - np.maximum(low, other_low), 0)
    intersection: NDArray[np.float64] = overlap[..., 0] * overlap[..., 1]
    union = size[..., 0] * size[..., 1] + other_size[..., 0] * other_size[..., 1] - intersection
    ratio: NDArray[np.float64] = np.zeros_like(intersection)
    np.divide(intersection, union, out=ratio, where=union > 0)
    return ratio
