"""Results as labels, for the formats of label tools, which have no scores."""

from __future__ import annotations

from collections.abc import Sequence

from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.records import Box
from groundloop.prediction.journal import ImageResult


def labels_of(results: Sequence[ImageResult]) -> LabelledDataset:
    """Return the detections of images as if they were their labels.

    Args:
        results: of models with one class list.
    """
    images = tuple(
        LabelledImage(
            result.image,
            result.width,
            result.height,
            tuple(
                Box(one.class_name, one.box[0], one.box[1], one.box[2] - one.box[0], one.box[3] - one.box[1])
                for one in result.detections
            ),
        )
        for result in results
    )
    classes = tuple(results[0].thresholds) if results else ()
    return LabelledDataset(images, classes, on_stored_pixels=True)
