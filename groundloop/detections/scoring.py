"""Read and score predictions in one call each, for notebooks and scripts that have labels and outputs as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from groundloop.detections.dataset import ScoredImage, scored_image
from groundloop.detections.evaluate import evaluate
from groundloop.detections.evaluation import Evaluation
from groundloop.detections.predictions import Detections
from groundloop.detections.thresholds import ThresholdRule
from groundloop.detections.transform_output import read_outputs
from groundloop.errors import UserError
from groundloop.labels.formats.dataset import LabelledDataset
from groundloop.labels.records import Record


def read_predictions(
    folder: str | Path, labels: LabelledDataset, classes: Sequence[str] | None = None
) -> dict[str, Detections]:
    """Read the prediction of every labelled image from the output folder of a Batch Transform job.

    An output belongs to the image whose name shares the longest tail of path parts with it.

    Args:
        folder: holds one `.out` file for each image, in sub-folders or not.
        labels: the images to read predictions for, as `groundloop.read_labels` returns them.
        classes: the class list that the model was trained with, in the order of its ids; None takes the labels' own.

    Returns:
        The detections by the image's name.

    Raises:
        UserError: an output is missing, broken, or fits several images equally well.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from groundloop.labels.formats.dataset import LabelledImage
        >>> labels = LabelledDataset((LabelledImage("s3://bucket/images/a.jpg", 320, 240),), ("bolt", "nut"))
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.jpg.out").write_text('{"prediction": [[1, 0.9, 0.1, 0.1, 0.5, 0.5]]}')
        ...     predictions = read_predictions(folder, labels)
        >>> predictions["s3://bucket/images/a.jpg"].names
        ['nut']
    """
    names = [image.name for image in labels.images]
    detections, _ = read_outputs(Path(folder), names, labels.classes if classes is None else classes)
    return detections


def score_predictions(
    labels: LabelledDataset,
    predictions: Mapping[str, Detections],
    *,
    validation: LabelledDataset | None = None,
    rule: ThresholdRule | None = None,
    resamples: int = 1000,
) -> Evaluation:
    """Compute the COCO and Pascal VOC metrics, counts and thresholds of predictions.

    Args:
        labels: the ground truth of the images to score.
        predictions: detections by the image's name, as `read_predictions` returns them.
        validation: labels of the images that the thresholds are chosen on; their predictions must be given too. None
            chooses them on the scored images, which flatters the metrics at the threshold.
        rule: how the thresholds are chosen; None: the best F1 over all classes.
        resamples: bootstrap resamples for the confidence intervals; 0 computes none.

    Raises:
        UserError: an image has no prediction or no size, the class lists differ, or there is no ground-truth box.

    Example:
        >>> import numpy as np
        >>> from groundloop.labels.formats.dataset import LabelledImage
        >>> from groundloop.labels.records import Box
        >>> labels = LabelledDataset((LabelledImage("a.jpg", 100, 100, (Box("nut", 10, 10, 40, 40),)),), ("nut",))
        >>> found = Detections(("nut",), np.array([0]), np.array([0.9]), np.array([[0.1, 0.1, 0.5, 0.5]]))
        >>> evaluation = score_predictions(labels, {"a.jpg": found}, resamples=0)
        >>> evaluation.at_threshold.recall, evaluation.threshold
        (1.0, 0.9)
    """
    classes = _classes(labels, predictions)
    scored = scored_images(labels, predictions)
    if validation is None:
        return evaluate(
            scored, scored, classes, rule or ThresholdRule(), resamples=resamples, chosen_on="the scored images"
        )
    chosen_on = scored_images(validation, predictions)
    return evaluate(chosen_on, scored, classes, rule or ThresholdRule(), resamples=resamples)


def scored_images(labels: LabelledDataset, predictions: Mapping[str, Detections]) -> list[ScoredImage]:
    """Pair the ground truth of each image with its detections, all boxes in pixels.

    Raises:
        UserError: an image has no prediction or no size, or a box has a class that the predictions don't know.
    """
    classes = _classes(labels, predictions)
    ids = {name: class_id for class_id, name in enumerate(classes)}
    pairs = []
    for image in labels.images:
        if image.name not in predictions:
            raise UserError(f"{image.name} has no prediction: predict it too, or leave it out of the labels")
        if not (image.width and image.height):
            raise UserError(f"the size of {image.name} is not known: read the labels with images=FOLDER")
        unknown = sorted({box.class_name for box in image.boxes} - set(ids))
        if unknown:
            raise UserError(
                f"{image.name}: class {unknown[0]!r} is not in the predictions' class list ({', '.join(classes)})"
            )
        record = Record(image.name, image.width, image.height, image.boxes, ())
        pairs.append(scored_image(record, ids, predictions[image.name]))
    return pairs


def _classes(labels: LabelledDataset, predictions: Mapping[str, Detections]) -> tuple[str, ...]:
    """Return the class list that all predictions were decoded with; the labels' own where there are none."""
    lists = {detections.classes for detections in predictions.values()}
    if len(lists) > 1:
        raise UserError("the predictions were read with different class lists: read them all with the same")
    return lists.pop() if lists else labels.classes
