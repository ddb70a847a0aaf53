"""The tasks of a queue of images that an endpoint captured, with the detections that it answered."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from pipeline.cli.output import print_line
from pipeline.cli.review.doubtful import chosen_tasks, model_info, model_with_classes
from pipeline.cli.review.queues import FOLDER

if TYPE_CHECKING:
    from groundloop.review.queue import NewTask, QueueInfo
    from pipeline.cli.review.selecting import SelectionOptions
    from pipeline.cli.review.settings import ReviewConfig

#: One folder for all queues: a file is named after its content.
IMAGES = FOLDER / "captured"


def captured_tasks(
    given: QueueInfo,
    captured: str,
    settings: ReviewConfig,
    options: SelectionOptions,
    *,
    model: str | None,
    classes: list[str] | None,
    hours: int | None,
) -> tuple[QueueInfo, list[NewTask]]:
    """Return the captured images on which a model is expected to err most, and store them in a folder.

    Args:
        given: what the options say of the queue.
        captured: S3 prefix or folder with the files of data capture.
        settings: the configuration.
        options: how images are chosen.
        model: that served; None takes the version that the endpoint serves now.
        classes: names as the option has them, which must be the model's.
        hours: only requests of the last so many hours; None takes all.

    Returns:
        The queue's description and its tasks.

    Raises:
        UserError: there are no captured images with detections of that model.
    """
    from groundloop.detections.captures.files import capture_files
    from groundloop.detections.captures.requests import CaptureReader
    from groundloop.errors import UserError
    from pipeline.review.captures import captured_images

    since = None if hours is None else datetime.now(timezone.utc) - timedelta(hours=hours)
    region = settings().aws.region if captured.startswith("s3://") else None
    served = model_with_classes(model or _served_version(settings), settings, classes)
    options.check(settings.review.select, served.classes)
    files = capture_files(captured, region, since)
    found = captured_images(CaptureReader(files), served.classes)
    for note in found.notes:
        print_line(f"note: {note}")
    if not found.by_name:
        raise UserError(
            f"{captured} holds no captured image with detections of {served.name}: give the endpoint's folder below "
            "DestinationS3Uri, and the version that served then (--model); a request is written minutes after it came"
        )
    print_line(f"{len(found.by_name)} different images in {found.requests} captured requests")
    candidates = list(found.by_name.values())
    tasks = chosen_tasks(candidates, served, settings, options, new=True, hash_of=found.hash_of)
    found.store(CaptureReader(files), [task.source_ref for task in tasks], IMAGES)
    source = f"requests captured in {captured}, by {served.name}"
    return model_info(given, served, source, str(IMAGES.resolve()), None), tasks


def _served_version(settings: ReviewConfig) -> str:
    from groundloop.models.packages import served_by

    config = settings()
    return str(served_by(config.aws.region, config.deploy.endpoint.name, config.registry.group).version)
