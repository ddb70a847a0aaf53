"""What detects objects on new images: the endpoint that serves a version, or the stand-in with a local run's files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from groundloop.errors import UserError
from pipeline.review.evaluated_model import EvaluatedModel

if TYPE_CHECKING:
    from groundloop.detections.endpoint import SupportsDetect
    from groundloop.detections.predictions import Detections
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
    """The model that a local run trained; images that can't be decoded have no detections."""

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        from groundloop.prediction.model_files import open_model

        self._source = open_model(folder).source
        self._classes = classes

    def detect(self, image: bytes) -> Detections:
        """Return the detections of one image."""
        from groundloop.detections.predictions import Detections
        from groundloop.prediction.model_files import UndecodableImageError

        try:
            return self._source.detect(image)
        except UndecodableImageError:  # the reviewer will see it, and say so
            return Detections.from_sagemaker(b'{"prediction": []}', self._classes, "the local model")
