"""The report of an evaluation from a notebook: without quality gate and champion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from groundloop.detections.evaluation import Evaluation
from groundloop.detections.predictions import Detections
from groundloop.detections.scoring import scored_images
from groundloop.images.access import UnusableImageError
from groundloop.images.local import FolderImages
from groundloop.labels.formats.dataset import LabelledDataset
from groundloop.report.content import Report
from groundloop.report.page import write_report
from groundloop.report.worst import WorstChoice, WorstImage, worst_images

_GALLERY_IMAGES = 12


def write_evaluation_report(
    folder: str | Path,
    evaluation: Evaluation,
    labels: LabelledDataset,
    predictions: Mapping[str, Detections],
    *,
    images: str | Path | None = None,
    title: str = "Evaluation",
) -> Path:
    """Write `report.html`, and `results.csv` beside it, and return its path.

    Args:
        folder: made when missing; files of the same names are replaced.
        evaluation: of these predictions, as `groundloop.score_predictions` returns it.
        labels: the ground truth of the scored images.
        predictions: detections by the image's name.
        images: folder with the image files, for the gallery of the worst images; None draws boxes only.
        title: heading of the page.

    Raises:
        UserError: an image has no prediction, or `images` is not a folder.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from groundloop.detections.scoring import score_predictions
        >>> from groundloop.labels.formats.dataset import LabelledImage
        >>> from groundloop.labels.records import Box
        >>> labels = LabelledDataset((LabelledImage("a.jpg", 100, 100, (Box("nut", 10, 10, 40, 40),)),), ("nut",))
        >>> found = Detections(("nut",), np.array([0]), np.array([0.9]), np.array([[0.1, 0.1, 0.5, 0.5]]))
        >>> evaluation = score_predictions(labels, {"a.jpg": found}, resamples=0)
        >>> with TemporaryDirectory() as folder:
        ...     page = write_evaluation_report(folder, evaluation, labels, {"a.jpg": found})
        >>> page.name
        'report.html'
    """
    choices = worst_images(scored_images(labels, predictions), evaluation, _GALLERY_IMAGES)
    source = None if images is None else FolderImages(Path(images))
    report = Report(
        evaluation=evaluation,
        gate={
            "requirements": [],
            "missed": [],
            "thresholds_missed": 0,
            "message": "No thresholds are set for this evaluation.",
        },
        worst=[_with_image(choice, source) for choice in choices],
        title=title,
    )
    write_report(Path(folder), report)
    return Path(folder) / "report.html"


def _with_image(choice: WorstChoice, source: FolderImages | None) -> WorstImage:
    """Load the image of a gallery entry; where there is none, the report says why."""
    if source is None:
        return WorstImage(choice, missing="no folder of images was given")
    try:
        return WorstImage(choice, source.body(choice.source_ref))
    except UnusableImageError as error:
        return WorstImage(choice, missing=str(error))
