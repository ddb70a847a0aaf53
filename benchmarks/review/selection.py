"""What the chosen images are worth: mistakes found on an image, against images drawn at random and the best possible.

Needs a trained model: the folder of a `groundloop local run` on the demo's scenes. Every seed draws new scenes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundloop.boxes import iou_matrix
from groundloop.detections.arrays import Floats
from groundloop.detections.calibration import Calibration
from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.expected_mistakes import ImageDetections, doubt
from groundloop.detections.predictions import Detections
from pipeline.demo.synthetic_images import HEIGHT, WIDTH, draw_image
from pipeline.review.detectors import detector_of
from pipeline.review.evaluated_model import EvaluatedModel, evaluated_model


@dataclass(frozen=True)
class SelectionResult:
    """Mistakes at the operating threshold on one draw of scenes.

    Attributes:
        chosen, at_random, best, lowest_score: mistakes an image on the images with most expected mistakes, on all, on
            those with most mistakes, and on those whose best score is lowest.
        expected, true: mistakes on all images.
    """

    chosen: float
    at_random: float
    best: float
    lowest_score: float
    expected: float
    true: float

    @property
    def gain(self) -> float:
        """How many times more mistakes the chosen images have than random ones."""
        return self.chosen / self.at_random


def run(folder: Path, scenes: int = 150, chosen: int = 20, seed: int = 1) -> SelectionResult:
    """Draw scenes, choose some by the model of a local run, and count its mistakes."""

    def no_settings() -> None:
        raise AssertionError("a local run needs no configuration")

    model = evaluated_model(str(folder), no_settings)  # type: ignore[arg-type]
    calibration = Calibration.fit(model.rows)
    detector = detector_of(model, no_settings)  # type: ignore[arg-type]
    chance = random.Random(1000 + seed)  # noqa: S311 (scenes, not secrets)
    expected, true, top = [], [], []
    for _ in range(scenes):
        import io

        scene = draw_image(chance)
        stream = io.BytesIO()
        scene.image.save(stream, "JPEG", quality=88)
        found = detector.detect(stream.getvalue())
        detections = ImageDetections(tuple(found.names), found.confidence, found.pixels(WIDTH, HEIGHT))
        expected.append(doubt(detections, calibration, model.thresholds).mistakes)
        true.append(mistakes(found, scene.objects, model))
        top.append(float(found.confidence.max()) if len(found) else 0.0)
    return _compared(np.array(expected), np.array(true), np.array(top), chosen)


def run_on_test_split(folder: Path, images: int = 150, chosen: int = 20, seed: int = 1) -> SelectionResult:
    """Draw test images of a local run on labelled images, choose some by its model, and count its mistakes."""

    def no_settings() -> None:
        raise AssertionError("a local run needs no configuration")

    model = evaluated_model(str(folder), no_settings)  # type: ignore[arg-type]
    calibration = Calibration.fit(model.rows)
    rows: dict[str, list[OutcomeRow]] = {}
    for row in model.rows:
        if row.split == "test":
            rows.setdefault(row.source_ref, []).append(row)
    drawn = random.Random(seed).sample(sorted(rows), min(images, len(rows)))  # noqa: S311 (images, not secrets)
    expected, true, top = [], [], []
    for source_ref in drawn:
        found = [row for row in rows[source_ref] if row.score is not None]
        scores = np.array([row.score for row in found], dtype=np.float64)
        boxes = np.array([row.box for row in found], dtype=np.float64).reshape(-1, 4)
        detections = ImageDetections(tuple(row.class_name for row in found), scores, boxes)
        expected.append(doubt(detections, calibration, model.thresholds).mistakes)
        true.append(sum(row.outcome in ("FP", "FN") for row in rows[source_ref]))
        top.append(float(scores.max()) if len(scores) else 0.0)
    return _compared(np.array(expected), np.array(true), np.array(top), chosen)


def _compared(expected: Floats, made: NDArray[np.int64], top: Floats, chosen: int) -> SelectionResult:
    by_expected = np.argsort(-expected, kind="stable")[:chosen]
    return SelectionResult(
        chosen=float(made[by_expected].mean()),
        at_random=float(made.mean()),
        best=float(np.sort(made)[-chosen:].mean()),
        lowest_score=float(made[np.argsort(top, kind="stable")[:chosen]].mean()),
        expected=float(np.sum(expected)),
        true=float(made.sum()),
    )


def mistakes(found: Detections, objects: list[tuple[str, tuple[int, int, int, int]]], model: EvaluatedModel) -> int:
    """Count false positives and missed objects: detections that count, best first, take a free object at IoU 0.5."""
    counted = found.filter(model.thresholds)
    boxes = counted.pixels(WIDTH, HEIGHT)
    truth = np.array([(x, y, x + w, y + h) for _, (x, y, w, h) in objects], dtype=np.float64).reshape(-1, 4)
    free = [True] * len(objects)
    overlaps = iou_matrix(boxes, truth)
    right = 0
    for index in np.argsort(-counted.confidence, kind="stable").tolist():
        fitting = [
            place
            for place, (name, _) in enumerate(objects)
            if free[place] and name == counted.names[index] and overlaps[index, place] >= 0.5
        ]
        if fitting:
            free[max(fitting, key=lambda place: overlaps[index, place])] = False
            right += 1
    return len(counted) - right + sum(free)
