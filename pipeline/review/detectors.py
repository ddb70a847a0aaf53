"""What detects objects on new images: the endpoint that serves a version, or the stand-in with a local run's files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundloop.errors import UserError
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
    from groundloop.models.packages import served_by
    from groundloop.models.predict import detector

    config = settings()
    endpoint = config.deploy.endpoint.name
    served = served_by(config.aws.region, endpoint, config.registry.group)
    if model.package is None or served.arn != model.package:
        raise UserError(
            f"endpoint {endpoint!r} serves version {served.version}, and its detections are needed: give that version, "
            "or deploy the one that you mean first"
        )
    upload_prefix = f"s3://{config.aws.bucket}/{config.aws.prefix}/predict"
    return detector(config.aws.region, endpoint, model.classes, upload_prefix=upload_prefix)


def trained_model(folder: Path) -> Path:
    """Return the folder of the newest model that a local run trained.

    Raises:
        UserError: there is none.
    """
    models = sorted(folder.glob("jobs/*Train*/model"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise UserError(f"{folder} holds no trained model (jobs/*Train*/model)")
    return models[-1]


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
