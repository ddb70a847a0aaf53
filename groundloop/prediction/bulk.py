"""Prediction on all images of a run: requests, drawings, and a journal to go on from after an interruption."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundloop.errors import UserError
from groundloop.prediction.detector import Detector
from groundloop.prediction.drawing import draw_result, drawn_names
from groundloop.prediction.journal import ImageResult, Journal
from groundloop.prediction.running import ImageFailure, predict_all
from groundloop.prediction.sources import SourceImage


@dataclass
class BulkResult:
    """What a run has.

    Attributes:
        results: in the order of the images; without those that failed.
        failures: images without a result, or whose annotated copy could not be made.
        resumed: how many results were there before.
        interrupted: whether images are missing because the run was stopped.
    """

    results: list[ImageResult]
    failures: list[ImageFailure] = field(default_factory=list)
    resumed: int = 0
    interrupted: bool = False


class BulkPrediction:
    """Predicts on images.

    Args:
        detector: what detects.
        thresholds: minimum score by class, for every class of the detector.
        journal: keeps results; None keeps them in memory only.
        draw: folder for annotated copies; None makes none.
    """

    def __init__(
        self,
        detector: Detector,
        thresholds: dict[str, float],
        journal: Journal | None = None,
        draw: Path | None = None,
    ) -> None:
        self._detector, self._thresholds = detector, thresholds
        self._journal, self._draw = journal, draw
        self._targets: dict[str, Path] = {}

    def run(
        self,
        images: Sequence[SourceImage],
        workers: int,
        stop: threading.Event,
        progress: Callable[[ImageResult | ImageFailure], None] = lambda outcome: None,
    ) -> BulkResult:
        """Predict on the images that the journal lacks, and draw on all whose annotated copy is missing.

        Args:
            images: each with a different name.
            workers: calls at a time.
            stop: ends the run early when it is set; calls that have begun are finished and recorded.
            progress: called with each outcome.
        """
        done = dict(self._journal.done) if self._journal else {}
        done = {image.name: done[image.name] for image in images if image.name in done}
        resumed = len(done)
        if self._draw is not None:
            names = drawn_names([image.file_name for image in images])
            self._targets = {image.name: self._draw / name for image, name in zip(images, names, strict=True)}
        failures = self._draw_missing(images, done)
        missing = [image for image in images if image.name not in done]
        for outcome in predict_all(missing, self._predict, workers, stop):
            if isinstance(outcome, ImageResult):
                if self._journal:
                    self._journal.add(outcome)
                done[outcome.image] = outcome
            else:
                failures.append(outcome)
            progress(outcome)
        results = [done[image.name] for image in images if image.name in done]
        left = len(missing) - (len(done) - resumed) - sum(one.image not in done for one in failures)
        return BulkResult(results, failures, resumed, interrupted=left > 0)

    def _predict(self, image: SourceImage) -> ImageResult:
        content = image.read()
        request = self._detector.payload(content)
        found = self._detector.detect_payload(request).filter(self._thresholds)
        result = ImageResult.of(image.name, found, self._detector.name, self._thresholds, request.orientation)
        if image.name in self._targets:
            draw_result(content, result, self._targets[image.name])
        return result

    def _draw_missing(self, images: Sequence[SourceImage], done: dict[str, ImageResult]) -> list[ImageFailure]:
        failures = []
        for image in images:
            target = self._targets.get(image.name)
            if target is None or image.name not in done or target.exists():
                continue
            try:
                draw_result(image.read(), done[image.name], target)
            except UserError as error:
                failures.append(ImageFailure(image.name, str(error)))
        return failures
