"""`groundloop review restore`: a queue from its backup."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.output import print_line
from pipeline.cli.review.queues import QueueName, queue_folder


def restore(
    name: QueueName,
    backup: Annotated[str, typer.Argument(metavar="S3_URI", help="The prefix that was given as --backup.")],
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the images are now, if they are on disk.", file_okay=False),
    ] = None,
) -> None:
    """Make a queue again from the answers in S3.

    The answers keep their reviewers and times; the reviewers' links are made anew by review serve.

    Example: groundloop review restore week-47 s3://my-bucket/backups
    """
    from groundloop.review.backup import restore as restored
    from groundloop.s3 import join_uri

    folder = queue_folder(name)
    on_disk = str(images.resolve()) if images else None
    with contextlib.closing(restored(join_uri(backup, folder.name), folder, on_disk)) as queue:
        progress, info = queue.progress(""), queue.info
    print_line(f"restored queue {info.name}: {progress.total} images, {progress.answered} answered")
    if info.images and not Path(info.images).is_dir():
        print_line(f"note: its images were in {info.images}: put them there, or restore with --images DIR")
    print_line(f"serve its page:  groundloop review serve {info.name}")
