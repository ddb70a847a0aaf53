"""Ground truth and detections of an image, from which every metric is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundloop.detections.predictions import Detections
from groundloop.labels.records import Record


@dataclass(frozen=True, slots=True)
class ScoredImage:
    """One image with its ground-truth boxes and its detections, all in pixels.

    Attributes:
        source_ref: the image's S3 URI.
        true_boxes: (m, 4) xmin, ymin, xmax, ymax; true_ids: (m,) class ids.
        boxes: (n, 4); class_ids: (n,); scores: (n,): the detections, in the detector's order.
    """

    source_ref: str
    true_boxes: NDArray[np.float64]
    true_ids: NDArray[np.int64]
    boxes: NDArray[np.float64]
    class_ids: NDArray[np.int64]
    scores: NDArray[np.float64]


def scored_image(record: Record, ids: Mapping[str, int], detections: Detections) -> ScoredImage:
    """Put ground truth and detections in pixels of the image as labelled.

    Args:
        ids: class id by name, the class list that the detections were decoded with.
    """
    corners = [(box.left, box.top, box.left + box.width, box.top + box.height) for box in record.boxes]
    return ScoredImage(
        source_ref=record.source_ref,
        true_boxes=np.array(corners, dtype=np.float64).reshape(-1, 4),
        true_ids=np.array([ids[box.class_name] for box in record.boxes], dtype=np.int64),
        boxes=detections.pixels(record.width, record.height),
        class_ids=detections.class_id,
        scores=detections.confidence,
    )
