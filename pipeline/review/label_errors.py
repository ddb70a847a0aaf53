"""The labelled images on which a model was evaluated, with its detections: out of its sample."""

from __future__ import annotations

import numpy as np

from groundloop.detections.dataset import ScoredImage, scored_image
from groundloop.detections.outcomes import scored_from_table
from groundloop.detections.predictions import Detections
from groundloop.labels.attributes import CANONICAL
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Record
from groundloop.review.label_errors import LabelledImage
from pipeline.review.evaluated_model import SPLITS, EvaluatedModel


def labelled_images(model: EvaluatedModel) -> list[LabelledImage]:
    """Return the validation and test images with their labels and the model's detections.

    The images that it was trained on are not among them: a detector repeats the wrong labels that it has learnt.
    """
    found: list[LabelledImage] = []
    for split in SPLITS:
        reader = ManifestReader(CANONICAL, model.classes)
        lines = ((reader.read_line(number, line), line) for number, line in enumerate(model.manifests[split], start=1))
        usable = [(read.record, line) for read, line in lines if read.record is not None]
        scored, _ = scored_from_table(
            model.rows, [_without_detections(record, model.classes) for record, _ in usable], model.classes, split
        )
        found += [
            LabelledImage(split, image, record.width, record.height, line)
            for image, (record, line) in zip(scored, usable, strict=True)
        ]
    return found


def _without_detections(record: Record, classes: tuple[str, ...]) -> ScoredImage:
    nothing = Detections(classes, np.array([], dtype=np.int64), np.array([]), np.empty((0, 4)))
    return scored_image(record, {name: number for number, name in enumerate(classes)}, nothing)
