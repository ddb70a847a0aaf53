"""`groundloop label`: from a folder of pictures to labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.option_groups import with_option_groups
from pipeline.cli.options import Assignments, ConfigFiles
from pipeline.cli.output import print_line
from pipeline.cli.review.making import QueueOptions
from pipeline.cli.review.new import Classes
from pipeline.cli.review.queues import as_name, queue_folder
from pipeline.cli.review.serving import NoBrowser, Port, ReviewerNames


@with_option_groups
def label(
    images: Annotated[str, typer.Argument(metavar="DIR", help="Folder with images, or an S3 prefix.")],
    options: QueueOptions,
    classes: Classes = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="QUEUE", help="Name of the queue; default: that of the folder.")
    ] = None,
    reviewers: ReviewerNames = None,
    port: Port = 0,
    no_browser: NoBrowser = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Label a folder of images on a page in the browser.

    Each answer is saved at once; the same command goes on where you stopped. groundloop review finish then writes a
    Ground Truth manifest.

    Example: groundloop label photos/ --classes bolt,nut
    """
    from groundloop.errors import UserError
    from groundloop.review.queue import FILE_NAME
    from groundloop.review.serve import Address
    from pipeline.cli.options import class_names
    from pipeline.cli.review.making import images_tasks, make_queue
    from pipeline.cli.review.queues import open_queue
    from pipeline.cli.review.serve import serve_queue
    from pipeline.cli.review.settings import ReviewConfig

    chosen = name or as_name(Path(images.rstrip("/")).resolve().name if "://" not in images else images.split("://")[1])
    folder = queue_folder(chosen or "labels")
    if (folder / FILE_NAME).is_file():
        queue = open_queue(folder.name)
        known = queue.info.classes
        queue.close()
        if classes and tuple(class_names(classes)) != known:
            raise UserError(
                f"the queue {folder.name!r} has the classes {', '.join(known)}: leave --classes out to go on with it, "
                "or give another --name"
            )
        print_line(f"going on with the queue {folder.name}")
    else:
        settings = ReviewConfig(config, assignments)
        given = options.info(folder.name, settings.review)
        make_queue(folder.name, *images_tasks(given, images, classes, settings)).close()
    serve_queue(folder.name, reviewers, Address(port=port), browser=not no_browser)
