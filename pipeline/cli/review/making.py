"""Making a queue: of images alone, of labels, or of what was chosen from a model's detections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import class_names
from pipeline.cli.output import print_line
from pipeline.cli.review.places import listed_images, on_disk, region_of
from pipeline.cli.review.queues import queue_folder

if TYPE_CHECKING:
    from groundloop.review.queue import NewTask, Queue, QueueInfo
    from pipeline.cli.review.settings import ReviewConfig
    from pipeline.config.review import ReviewSettings

_S3 = "s3://"


@dataclass(frozen=True)
class QueueOptions:
    """What can be said of any queue, whatever it is made of."""

    instructions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Text that the page shows to the reviewers.", dir_okay=False)
    ] = None
    prefix: Annotated[
        str | None, typer.Option(metavar="S3_URI", help="S3 folder that holds the images of a folder on disk already.")
    ] = None
    backup: Annotated[
        str | None,
        typer.Option(metavar="S3_URI", help="S3 prefix to which each answer is written too; default: review.backup."),
    ] = None

    def info(self, name: str, settings: ReviewSettings) -> QueueInfo:
        """Return the description of a queue as far as it doesn't depend on its images.

        Raises:
            UserError: the instructions can't be read, or a prefix is no S3 URI.
        """
        from groundloop.errors import UserError
        from groundloop.review.queue import QueueInfo

        try:
            text = self.instructions.read_text("utf-8") if self.instructions else None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"--instructions {self.instructions}: can't be read as UTF-8 text: {error}") from None
        for option, value in (("--prefix", self.prefix), ("--backup", self.backup)):
            if value is not None and not value.startswith(_S3):
                raise UserError(f"{option} {value}: give an S3 URI, s3://bucket/prefix/")
        return QueueInfo(
            name=queue_folder(name).name,
            classes=(),
            instructions=text,
            image_prefix=self.prefix or "",
            lease_seconds=60 * settings.lease_minutes,
            answers=settings.answers,
            audit_answers=settings.audit_answers,
            max_answers=settings.max_answers,
            image_access=settings.images,
            backup=self.backup or settings.backup,
        )


def images_tasks(
    given: QueueInfo, images: str, classes: list[str] | None, settings: ReviewConfig
) -> tuple[QueueInfo, list[NewTask]]:
    """Return images that nobody and no model has looked at.

    Args:
        given: what the options say of the queue.
        images: folder on disk or S3 prefix.
        classes: names as the option has them; None takes `labels.classes`.
        settings: the configuration.

    Returns:
        The queue's description and its tasks.
    """
    import msgspec

    from groundloop.review.queue import NewTask

    names = tuple(class_names(classes)) if classes else _configured_classes(settings)
    listed = listed_images(images, settings)
    info = msgspec.structs.replace(
        given,
        classes=names,
        mode="label",
        images=on_disk(images),
        region=region_of(images, settings),
        source=images,
    )
    return info, [NewTask(source_ref=one.source_ref, width=one.width, height=one.height) for one in listed.images]


def labels_tasks(
    given: QueueInfo, labels: str, images: str | None, classes: list[str] | None, settings: ReviewConfig
) -> tuple[QueueInfo, list[NewTask]]:
    """Return all images that are labelled, to look at the labels and adjust them.

    Args:
        given: what the options say of the queue.
        labels: path or S3 URI, in any format.
        images: folder on disk or S3 prefix; None for images that the labels name by S3 URI.
        classes: names as the option has them.
        settings: the configuration.

    Returns:
        The queue's description and its tasks.
    """
    import msgspec

    from pipeline.review.labels import labelled_tasks

    region = settings().aws.region if _S3 in f"{labels} {images}" else "us-east-1"
    folder = on_disk(images) if images else None
    tasks, names, notes = labelled_tasks(labels, region, folder, class_names(classes or []))
    for note in notes:
        print_line(f"note: {labels}: {note}")
    return msgspec.structs.replace(given, classes=names, images=folder, region=region, source=labels), tasks


def make_queue(name: str, info: QueueInfo, tasks: list[NewTask]) -> Queue:
    """Make a queue below the working folder.

    Raises:
        UserError: there is one of that name, or there is no image.
    """
    from groundloop.review.queue import Queue

    return Queue.create(queue_folder(name), info, tasks)


def print_made(queue: Queue, *, to_stderr: bool = False) -> None:
    """Print what a new queue has, and close it."""
    from contextlib import closing

    from groundloop.review.queue import PRESIGNED

    with closing(queue):
        total = queue.progress("").total
    if queue.info.images and queue.info.image_access == PRESIGNED:
        print_line("note: presigned is for images in S3; these are on disk, so the page's server sends them")
    classes = ", ".join(queue.info.classes)
    print_line(f"made queue {queue.info.name}: {total} images, classes {classes}", to_stderr=to_stderr)


def _configured_classes(settings: ReviewConfig) -> tuple[str, ...]:
    from groundloop.errors import ConfigError, UserError

    try:
        names = tuple(settings().labels.classes)
    except ConfigError:
        names = ()
    if not names:
        raise UserError("which classes? Name them with --classes bolt,nut, or in labels.classes of the configuration")
    return names
