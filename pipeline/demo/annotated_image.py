"""A test image with the detections of an evaluation, for a run that has no endpoint to ask."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from groundloop.aws import client
from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.predictions import Detections
from groundloop.detections.table import NAME, parse_outcomes
from groundloop.errors import UserError
from groundloop.s3 import join_uri, read_bytes


def annotate_evaluated_image(region: str, prefix: str, metrics: Mapping[str, Any], path: Path) -> bool:
    """Draw the detections of a test image on it, those that Evaluate has scored.

    Args:
        region: AWS region.
        prefix: S3 prefix of what Evaluate wrote.
        metrics: content of evaluation.json.
        path: file to write.

    Returns:
        Whether there is such an image: one of the test split with a detection or an object on it, that can be read.
    """
    s3 = client("s3", region)
    rows = [row for row in parse_outcomes(read_bytes(s3, join_uri(prefix, NAME))) if row.split == "test"]
    source = _best_example(rows)
    if source is None:
        return False
    try:
        picture = Image.open(io.BytesIO(read_bytes(s3, source)))
        picture.load()
    except (UserError, UnidentifiedImageError, OSError):
        return False  # Prepare had its reasons to keep it, and the report says why it is not shown
    classes = metrics["classes"]
    thresholds = {name: metrics["class_thresholds"].get(name, metrics["threshold"]) for name in classes}
    found = _detections([row for row in rows if row.source_ref == source], classes, picture.size)
    found.draw(picture, thresholds).save(path, quality=92)
    return True


def _best_example(rows: Iterable[OutcomeRow]) -> str | None:
    """Return the image with the most correct detections, the first of those in the table; None without any row."""
    correct: dict[str, int] = {}
    for row in rows:
        correct[row.source_ref] = correct.get(row.source_ref, 0) + (row.outcome == "TP")
    return max(correct, key=correct.__getitem__, default=None)


def _detections(rows: Iterable[OutcomeRow], classes: Sequence[str], size: tuple[int, int]) -> Detections:
    kept = [(row.class_name, row.score, row.box) for row in rows if row.score is not None and row.box is not None]
    boxes = np.array([box for _, _, box in kept], dtype=np.float64).reshape(-1, 4)
    return Detections(
        tuple(classes),
        np.array([classes.index(name) for name, _, _ in kept], dtype=np.int64),
        np.array([score for _, score, _ in kept], dtype=np.float64),
        boxes / np.array([*size, *size], dtype=np.float64),
    )
