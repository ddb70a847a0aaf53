"""What `predict` and `count` share: their options, and a run over images that can be interrupted and goes on later."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.output import print_error, print_line

if TYPE_CHECKING:
    from groundloop.prediction.bulk import BulkResult
    from groundloop.prediction.client_capture import ClientCapture
    from groundloop.prediction.detector import Detector
    from groundloop.prediction.journal import ImageResult, Journal
    from groundloop.prediction.running import ImageFailure
    from groundloop.prediction.sources import SourceImage

Sources = Annotated[
    list[str],
    typer.Argument(help="Pictures, folders, patterns, S3 objects and prefixes, manifests.", metavar="SOURCE"),
]
SomeSources = Annotated[
    list[str] | None,
    typer.Argument(help="Pictures, folders, patterns, S3 objects and prefixes, manifests.", metavar="SOURCE"),
]
ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--model", help="ONNX file, model.tar.gz or a local run's folder, to run here; default: the endpoint."
    ),
]
EndpointName = Annotated[str | None, typer.Option("--endpoint", help="Endpoint; default: deploy.endpoint.name.")]
Classes = Annotated[
    list[str] | None, typer.Option(help="Class names in the model's order, nut,bolt; repeatable. For a model.tar.gz.")
]
MinScore = Annotated[
    float | None, typer.Option("--threshold", min=0, max=1, help="Minimum score; default: the evaluation's, by class.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, max=64, help="Images at a time; default: 4 for an endpoint, 2 for a model.")
]
ImagesFolder = Annotated[Path | None, typer.Option("--images", help="Folder with the images of a manifest.")]
DrawFolder = Annotated[
    Path | None, typer.Option("--draw", help="Folder for copies of the images with the objects numbered.")
]
CapturePlace = Annotated[
    str | None,
    typer.Option(
        "--capture",
        help="Folder or S3 prefix: keep each request with its response there, as an endpoint's data capture does.",
        metavar="DIR|s3://...",
    ),
]
TimeoutMinutes = Annotated[
    float, typer.Option("--timeout-minutes", min=0.01, help="How long to wait for an asynchronous endpoint.")
]

_ENDPOINT_WORKERS, _MODEL_WORKERS = 4, 2


@dataclass(frozen=True)
class PredictionOptions:
    """What to predict on, and with what, as the command line has it."""

    sources: list[str]
    model: Path | None
    classes: list[str] | None
    endpoint: str | None
    threshold: float | None
    workers: int | None
    images: Path | None
    timeout_minutes: float
    config: list[Path] | None
    assignments: list[str] | None
    capture: str | None = None

    def find_images(self) -> list[SourceImage]:
        """Return the images of all sources.

        Raises:
            UserError: a source does not exist or has no images.
        """
        from groundloop.prediction.sources import ImageSources

        return ImageSources(_s3_images, _s3_client, self.images).find(self.sources)

    def open_capture(self) -> ClientCapture | None:
        """Return what keeps requests and responses; None without `--capture`.

        Raises:
            UserError: the folder can't be made.
        """
        from groundloop.prediction.client_capture import ClientCapture
        from pipeline.cli.options import load

        if self.capture is None:
            return None
        if self.model is not None:
            return ClientCapture(self.capture)
        aws = load(self.config, self.assignments).aws
        return ClientCapture(self.capture, aws.region, aws.kms_key)

    def open_detector(self, capture: ClientCapture | None = None) -> Detector:
        """Return the model or the endpoint.

        Args:
            capture: keeps its requests and responses.

        Raises:
            UserError: there is no such model or endpoint.
        """
        from groundloop.errors import UserError
        from groundloop.prediction.detector import Detector
        from pipeline.cli.options import class_names, load
        from pipeline.served_detector import served_detector

        names = class_names(self.classes or [])
        if self.model is not None:
            if self.endpoint is not None:
                raise UserError("--model and --endpoint exclude each other")
            return Detector.from_model(self.model, names, capture=capture)
        if names:
            raise UserError("--classes is for --model with a model.tar.gz; a version has its class names")
        return served_detector(
            load(self.config, self.assignments),
            self.endpoint,
            timeout_seconds=60 * self.timeout_minutes,
            workers=self.worker_count,
            capture=capture,
        )

    @property
    def worker_count(self) -> int:
        """Images at a time."""
        return self.workers or (_ENDPOINT_WORKERS if self.model is None else _MODEL_WORKERS)

    def thresholds(self, detector: Detector) -> dict[str, float]:
        """Return the minimum score by class: the option's, or those of the evaluation.

        Raises:
            UserError: there is neither.
        """
        from groundloop.errors import UserError

        if self.threshold is not None:
            return dict.fromkeys(detector.classes, self.threshold)
        if len(detector.thresholds) < len(detector.classes):
            raise UserError(f"no operating thresholds are known of {detector.name}: give one, such as --threshold 0.5")
        return detector.thresholds


def run_prediction(
    options: PredictionOptions,
    detector: Detector,
    images: list[SourceImage],
    journal: Journal | None,
    draw: Path | None,
) -> BulkResult:
    """Predict on images with a progress bar; Ctrl-C or SIGTERM stops without losing what has begun."""
    from groundloop.prediction.bulk import BulkPrediction
    from groundloop.prediction.running import ImageFailure
    from pipeline.cli.image_progress import ImageProgress

    known = journal.done if journal else {}
    missing = sum(image.name not in known for image in images)
    if missing < len(images):
        print_line(f"{len(images) - missing} of {len(images)} images are done already", to_stderr=True)
    progress = ImageProgress(missing) if missing > 1 else None

    def show(outcome: ImageResult | ImageFailure) -> None:
        failed = isinstance(outcome, ImageFailure)
        if isinstance(outcome, ImageFailure):
            if progress:
                progress.clear()
            print_error(f"{outcome.image}: {outcome.message}")
        if progress:
            progress.add(failed=failed)

    work = BulkPrediction(detector, options.thresholds(detector), journal, draw)
    with _stopped_by_signals() as stop:
        result = work.run(images, options.worker_count, stop, show)
    if progress:
        progress.finish()
    if draw is not None:
        from groundloop.images.fonts import font_note

        if note := font_note(detector.classes):
            print_line(f"note: {note}", to_stderr=True)
    return result


def finish(result: BulkResult, output: Path | None) -> None:
    """End the command with the exit code that the result has.

    Raises:
        typer.Exit: 130 for an interrupted run, 1 when images failed.
    """
    done = len(result.results)
    if result.interrupted:
        how = "the same command goes on where this one stopped" if output else "with --output, a run can go on later"
        print_line(f"interrupted: {done} {'image is' if done == 1 else 'images are'} done; {how}", to_stderr=True)
        raise typer.Exit(130)
    if result.failures:
        failed = len(result.failures)
        print_error(f"{failed} {'image' if failed == 1 else 'images'} failed, {done} are done")
        raise typer.Exit(1)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Set an event at the first Ctrl-C or SIGTERM; raise KeyboardInterrupt at the second."""
    stop = threading.Event()

    def handle(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        print_line("\nstopping: requests that have begun are finished; Ctrl-C again stops at once", to_stderr=True)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _s3_images() -> Any:
    from groundloop.images.s3 import S3Images

    return S3Images()


def _s3_client() -> Any:
    from groundloop.aws import image_client

    return image_client(None)
