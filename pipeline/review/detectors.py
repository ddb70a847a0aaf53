"""What detects objects on new images: the endpoint that serves a version, or the stand-in with a local run's files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundloop.errors import UserError
from groundloop.prediction.local_run import trained_model
from pipeline.review.evaluated_model import EvaluatedModel

if TYPE_CHECKING:
    from groundloop.detections.endpoint import SupportsDetect
    from pipeline.config import Config


def detector_of(model: EvaluatedModel, settings: Callable[[], Config]) -> SupportsDetect:
    """Return what detects objects with a model: the endpoint that serves it, or the stand-in with a local run's files.

    Args:
        model: the model.
        settings: reads the configuration, which names the endpoint.

    Raises:
        UserError: the endpoint serves another model, or there is none.
    """
    if model.folder is not None:
        return _LocalDetector(model.folder, model.classes)
    from groundloop.models.version_selection import version_of
    from pipeline.served_detector import served_detector

    served = served_detector(settings())
    if model.package is None or served.name != model.package:
        raise UserError(
            f"the endpoint serves version {version_of(served.name)}, and its detections are needed: give that "
            "version, or deploy the one that you mean first"
        )
    return served


class _LocalDetector:
    """The stand-in of the offline AWS with the model that a local run trained."""

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        import threading

        from groundloop.local.detector.artifact import load
        from groundloop.local.detector.errors import StandInError

        try:
            self._detector = load(trained_model(folder))
        except StandInError as error:
            raise UserError(str(error)) from None
        self._classes = classes
        self._lock = threading.Lock()

    def detect(self, image: bytes) -> Any:
        """Return the detections of one image."""
        from groundloop.detections.predictions import Detections
        from groundloop.local.detector.images import UnreadableImageError

        try:
            with self._lock:
                rows = self._detector.detect(image)
        except UnreadableImageError:  # the reviewer will see it, and say so
            rows = []
        return Detections.from_sagemaker(json.dumps({"prediction": rows}).encode(), self._classes, "the local model")
