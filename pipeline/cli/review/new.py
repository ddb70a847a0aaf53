"""`groundloop review new`: a queue of images, from a model's detections, from labels or from images alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles
from pipeline.cli.output import print_line
from pipeline.cli.review.making import (
    cached_settings,
    common,
    doubts_queue,
    images_queue,
    labels_queue,
    print_made,
)
from pipeline.cli.review.queues import QueueName, queue_folder

From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="MODEL",
        help="Images that a model was evaluated on: execution, version, or a local run's folder.",
    ),
]
Images = Annotated[
    str | None,
    typer.Option(metavar="DIR|S3_URI", help="Folder with the images; with --from or --labels, with theirs."),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="Most images of the queue.")]
By = Annotated[str, typer.Option(metavar="CRITERION", help="expected_mistakes, condition or random.")]
Conditions = Annotated[
    list[str] | None,
    typer.Option("--condition", metavar="CONDITION", help="Such as 'top_score < 0.5'; repeatable; any is enough."),
]
Audit = Annotated[
    float, typer.Option(min=0, max=1, metavar="SHARE", help="Share drawn at random; half of it shown without boxes.")
]
PerGroup = Annotated[int, typer.Option(min=1, metavar="N", help="Most images of one prepare.split.group.")]
Instructions = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Text that the page shows to the reviewers.", dir_okay=False)
]
Classes = Annotated[list[str] | None, typer.Option(metavar="NAMES", help="Class names, nut,bolt; repeatable.")]
Prefix = Annotated[
    str | None, typer.Option(metavar="S3_URI", help="S3 folder that holds the images of a folder on disk already.")
]

#: What a queue is made of, as the commands say it.
_SOURCES = "--images, --labels or --from"


def new(
    name: QueueName,
    images: Images = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="With --images: whose detections are shown; as for --from."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="LABELS", help="Labels in any format, to look at and adjust all of them.")
    ] = None,
    from_: From = None,
    classes: Classes = None,
    limit: Limit = 100,
    by: By = "expected_mistakes",
    conditions: Conditions = None,
    audit: Audit = 0.1,
    per_group: PerGroup = 3,
    instructions: Instructions = None,
    prefix: Prefix = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Make a queue of images to review.

    With --from or --model the images are chosen on which the model is expected to err most, from its calibrated scores.
    New images with --model need the endpoint that serves it, or the folder of a local run.

    Example: groundloop review new week-47 --images photos/ --model 7
    """
    if sum(value is not None for value in (images, labels, from_)) == 0:
        raise typer.BadParameter(f"give one of {_SOURCES}")
    if from_ is not None and (labels or model):
        raise typer.BadParameter("--from takes the images that the model was evaluated on; for others give --model")
    if model is not None and (images is None or labels is not None):
        raise typer.BadParameter("--model goes with --images, and not with --labels")
    settings = cached_settings(config, assignments)
    folder = queue_folder(name)
    given = common(name, instructions, prefix)
    if from_ is None and model is None:
        if conditions or by != "expected_mistakes":
            raise typer.BadParameter("--by and --condition need detections: give --from or --model")
        queue = (
            labels_queue(folder, given, labels, images, classes, settings)
            if labels is not None
            else images_queue(folder, given, str(images), classes, settings)
        )
    else:
        queue = doubts_queue(
            folder,
            given,
            str(from_ or model),
            settings,
            images=None if from_ else images,
            evaluated_in=images if from_ else None,
            classes=classes,
            limit=limit,
            by=by,
            conditions=conditions,
            audit=audit,
            per_group=per_group,
        )
    print_made(queue)
    print_line(f"serve its page:  groundloop review serve {queue.info.name}")
