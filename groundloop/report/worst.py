"""The images a detector does worst on, each box of them marked with what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from groundloop.detections.boxes import Rule, match
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluation import Evaluation

LEAST_IOU = 0.5


class Outcome(str, Enum):
    """What became of a box at its class's threshold."""

    FOUND = "true box, found"
    MISSED = "true box, missed"
    RIGHT = "detection, right"
    FALSE = "detection, false"


@dataclass(frozen=True, slots=True)
class Mark:
    """A box to draw: xmin, ymin, xmax, ymax in pixels of the image as labelled; a true box has no score."""

    outcome: Outcome
    class_name: str
    box: tuple[float, float, float, float]
    score: float | None = None


@dataclass(frozen=True, slots=True)
class WorstChoice:
    """An image of the gallery, with all its true boxes and its detections at the thresholds."""

    source_ref: str
    marks: tuple[Mark, ...]

    def count(self, *outcomes: Outcome) -> int:
        return sum(mark.outcome in outcomes for mark in self.marks)

    @property
    def errors(self) -> int:
        """False detections and missed boxes."""
        return self.count(Outcome.FALSE, Outcome.MISSED)


@dataclass(frozen=True, slots=True)
class WorstImage:
    """A chosen image with its file.

    Attributes:
        content: the bytes of the image file; None where there are none.
        missing: why there are none, one clause for the reader, such as "the folder has no such image".
    """

    choice: WorstChoice
    content: bytes | None = None
    missing: str = ""


def worst_images(test: Sequence[ScoredImage], evaluation: Evaluation, count: int = 12) -> list[WorstChoice]:
    """The images with most errors first: false detections and missed boxes at each class's threshold.

    Detections are matched as for the metrics at the threshold: greedily by score, per class, at IoU 0.5.

    Args:
        test: the images that were scored.
        count: the most that are chosen. Images without errors are not.

    Returns:
        Equally bad images are in the order of their URIs.
    """
    choices = [_marked(image, evaluation) for image in test]
    ranked = sorted((-choice.errors, choice.source_ref, index) for index, choice in enumerate(choices))
    return [choices[index] for errors, _, index in ranked[:count] if errors]


def _marked(image: ScoredImage, evaluation: Evaluation) -> WorstChoice:
    marks: list[Mark] = []
    for class_id, metrics in enumerate(evaluation.per_class):
        truth = image.true_boxes[image.true_ids == class_id]
        kept = (image.class_ids == class_id) & (image.scores >= metrics.threshold)
        boxes, scores = image.boxes[kept], image.scores[kept]
        matched = match(truth, boxes, scores, Rule.BEST_FREE, LEAST_IOU)
        found = np.isin(np.arange(len(truth)), matched)
        for box, hit in zip(truth.tolist(), found.tolist(), strict=True):
            outcome = Outcome.FOUND if hit else Outcome.MISSED
            marks.append(Mark(outcome, metrics.name, (box[0], box[1], box[2], box[3])))
        for box, score, hit in zip(boxes.tolist(), scores.tolist(), (matched >= 0).tolist(), strict=True):
            outcome = Outcome.RIGHT if hit else Outcome.FALSE
            marks.append(Mark(outcome, metrics.name, (box[0], box[1], box[2], box[3]), score))
    return WorstChoice(image.source_ref, tuple(marks))
