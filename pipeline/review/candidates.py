"""The images that a review queue is chosen from, with a model's detections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.expected_mistakes import ImageDetections
from groundloop.labels.attributes import CANONICAL
from groundloop.labels.grouping import Grouping
from groundloop.labels.manifest import ManifestReader
from groundloop.review.candidates import Candidate
from groundloop.review.image_list import ListedImage
from pipeline.review.evaluated_model import EvaluatedModel

if TYPE_CHECKING:
    from groundloop.detections.endpoint import SupportsDetect

_THREADS = 4


def evaluated_images(model: EvaluatedModel, splits: Sequence[str], grouping: Grouping) -> list[Candidate]:
    """Return the images on which a model was evaluated, with its detections.

    Test images are shown without boxes: correcting the ground truth of the test split only where it differs from a
    model's detections would favour that model.
    """
    found: defaultdict[str, list[OutcomeRow]] = defaultdict(list)
    for row in model.rows:
        if row.score is not None:
            found[row.source_ref].append(row)
    reader = ManifestReader(CANONICAL)
    candidates: list[Candidate] = []
    for split in splits:
        for number, line in enumerate(model.manifests[split], start=1):
            record = reader.read_line(number, line).record
            if record is None:
                continue
            candidates.append(
                Candidate(
                    source_ref=record.source_ref,
                    width=record.width,
                    height=record.height,
                    detections=_from_rows(found[record.source_ref]),
                    group=grouping(record.source_ref, line) if grouping else "",
                    line=line,
                    blind=split == "test",
                )
            )
    return candidates


def _from_rows(rows: Sequence[OutcomeRow]) -> ImageDetections:
    return ImageDetections(
        tuple(row.class_name for row in rows),
        np.array([row.score for row in rows], dtype=np.float64),
        np.array([row.box for row in rows], dtype=np.float64).reshape(-1, 4),
    )


def predicted_images(
    images: Iterable[ListedImage],
    body: Callable[[str], bytes],
    detector: SupportsDetect,
    grouping: Grouping,
) -> list[Candidate]:
    """Return images with the detections that a detector finds on them now.

    Args:
        images: to look at.
        body: reads an image by its name.
        detector: the endpoint, or the stand-in.
        grouping: how images belong together.
    """

    def predicted(image: ListedImage) -> Candidate:
        """Ask the detector."""
        found = detector.detect(body(image.source_ref))
        detections = ImageDetections(tuple(found.names), found.confidence, found.pixels(image.width, image.height))
        group = grouping(image.source_ref, b"{}") if grouping else ""
        return Candidate(image.source_ref, image.width, image.height, detections, group)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(predicted, images))
