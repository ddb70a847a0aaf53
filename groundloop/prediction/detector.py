"""A detector behind an endpoint, in a file or in the registry, with its classes and operating thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from groundloop.detections.count_error import CountError
from groundloop.detections.endpoint import ASYNC_TIMEOUT_SECONDS, SupportsDetect
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.prediction.payload import Payload, payload
from groundloop.prediction.retries import concerns_all, with_retries

if TYPE_CHECKING:
    from groundloop.prediction.client_capture import ClientCapture


class Detector:
    """Detects objects on images; several threads may use one.

    Make one with `from_endpoint`, `from_model` or `from_package`.

    Args:
        source: what detects.
        classes: the class list, in id order.
        thresholds: operating threshold by class, where an evaluation chose them.
        name: what messages and results call the model.
        max_bytes: maximum size of a request; None for a model on this machine.
        count_error: the counting error in the model's evaluation.
        on_aws: whether calls go to AWS, and are repeated when it is busy.

    Example:
        >>> from groundloop.detections import Detector
        >>> detector = Detector.from_model("detector.onnx")  # doctest: +SKIP
        >>> detector.detect("photo.jpg").filter(detector.thresholds).count()  # doctest: +SKIP
        {'bolt': 3, 'nut': 5}
    """

    def __init__(
        self,
        source: SupportsDetect,
        classes: Sequence[str],
        thresholds: dict[str, float] | None = None,
        *,
        name: str,
        max_bytes: int | None = None,
        count_error: CountError | None = None,
        on_aws: bool = False,
    ) -> None:
        self._source = source
        self.classes = tuple(classes)
        self.thresholds = {key: thresholds[key] for key in self.classes if key in thresholds} if thresholds else {}
        self.name = name
        self.count_error = count_error
        self._max_bytes, self._on_aws = max_bytes, on_aws

    @classmethod
    def from_endpoint(
        cls,
        name: str,
        *,
        region: str | None = None,
        group: str | None = None,
        upload_prefix: str | None = None,
        timeout_seconds: float = ASYNC_TIMEOUT_SECONDS,
        workers: int = 8,
        capture: ClientCapture | None = None,
    ) -> Detector:
        """Return the detector that an endpoint serves: real-time, serverless or asynchronous.

        Args:
            name: of the endpoint.
            region: AWS region; None takes the region of the environment.
            group: model package group of its version, where the endpoint's model does not say it.
            upload_prefix: S3 prefix for the images that an asynchronous endpoint reads; None takes one beside its
                outputs.
            timeout_seconds: how long to wait for an asynchronous endpoint's response.
            workers: threads that will use it.
            capture: keeps every request with its response.

        Raises:
            UserError: there is no such endpoint, or its model is in no registry.
        """
        from groundloop.prediction.endpoints import from_endpoint

        observe = capture.of_endpoint(name) if capture else None
        found = from_endpoint(name, region, group, upload_prefix, timeout_seconds, workers, observe)
        package = found.package
        return cls(
            found.client,
            package.classes,
            package.thresholds,
            name=package.arn,
            max_bytes=found.max_bytes,
            count_error=CountError.of_evaluation(package.evaluation),
            on_aws=True,
        )

    @classmethod
    def from_model(
        cls, path: str | Path, classes: Sequence[str] = (), *, capture: ClientCapture | None = None
    ) -> Detector:
        """Return the detector in a file: ONNX, a `model.tar.gz`, or the folder of a local run or its model.

        Args:
            path: the file or folder.
            classes: names in id order, for a `model.tar.gz` or a model's folder, which have none.
            capture: keeps every image with its detections.

        Raises:
            UserError: there is no such model, or its classes are not known.
        """
        from groundloop.prediction.model_files import open_model

        model = open_model(Path(path), classes)
        source = capture.of_model(model.source, Path(path), model.name) if capture else model.source
        return cls(source, model.classes, model.thresholds, name=model.name, count_error=model.count_error)

    @classmethod
    def from_package(cls, arn: str) -> Detector:
        """Return the detector of a model package, to run on this machine.

        Args:
            arn: ARN of the version.

        Raises:
            UserError: this project did not register it, or its model can't be run here.
        """
        from groundloop.prediction.model_files import open_package

        model, package = open_package(arn)
        error = CountError.of_evaluation(package.evaluation)
        return cls(model.source, package.classes, package.thresholds, name=arn, count_error=error)

    def detect(self, image: bytes | str | Path) -> Detections:
        """Detect the objects on an image; return them unfiltered, with the size of the image.

        Boxes are in the pixels as they are stored, whatever the EXIF orientation says, as those of Ground Truth are.

        Args:
            image: a path, or the content of an image file that Pillow opens.

        Raises:
            UserError: the image can't be read, or the endpoint rejects it.
            botocore.exceptions.ClientError: access is denied, or there is no such endpoint any more.
        """
        if isinstance(image, bytes):
            return self.detect_payload(self.payload(image))
        path = Path(image)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: can't be read: {error.strerror}") from None
        return self.detect_payload(self.payload(content))

    def payload(self, content: bytes) -> Payload:
        """Return an image as `detect_payload` takes it."""
        return payload(content, self._max_bytes)

    def detect_payload(self, request: Payload) -> Detections:
        """Detect the objects on a prepared image; see `detect`."""
        return self._detected(request.body).sized(request.width, request.height)

    def _detected(self, body: bytes) -> Detections:
        if not self._on_aws:
            return self._source.detect(body)
        from botocore.exceptions import BotoCoreError, ClientError

        from groundloop.aws import explain

        try:
            return with_retries(lambda: self._source.detect(body))
        except (BotoCoreError, ClientError) as error:
            if concerns_all(error):
                raise
            raise UserError(explain(error)) from None
