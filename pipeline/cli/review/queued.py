"""The tasks of a queue that the monitor pipeline has made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundloop.review.queue import NewTask, QueueInfo
    from pipeline.cli.review.settings import ReviewConfig


def queued_tasks(given: QueueInfo, manifest: str, settings: ReviewConfig) -> tuple[QueueInfo, list[NewTask]]:
    """Return the images of a queue's manifest, with the detections that the endpoint answered.

    Args:
        given: what the options say of the queue.
        manifest: path or S3 URI, as the monitor pipeline names it.
        settings: the configuration.

    Returns:
        The queue's description and its tasks.

    Raises:
        UserError: it can't be read, or is no manifest of a queue.
    """
    import msgspec

    from groundloop.aws import client
    from groundloop.errors import UserError
    from groundloop.review.queue_manifest import read_queue
    from groundloop.s3 import SCHEME, read_bytes

    region = settings().aws.region
    if manifest.startswith(SCHEME):
        content = read_bytes(client("s3", region), manifest)
    else:
        try:
            content = Path(manifest).read_bytes()
        except OSError as error:
            raise UserError(f"--queue {manifest}: can't be read: {error.strerror}") from None
    tasks, classes, model = read_queue(content, manifest)
    return msgspec.structs.replace(given, classes=classes, region=region, model=model, source=manifest), tasks
