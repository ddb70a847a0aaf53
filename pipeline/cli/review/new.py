"""`groundloop review new`: a queue of images, from a model's detections, from labels or from images alone."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.option_groups import with_option_groups
from pipeline.cli.options import Assignments, ConfigFiles
from pipeline.cli.output import print_line
from pipeline.cli.review.captured import captured_tasks
from pipeline.cli.review.doubtful import doubts_tasks
from pipeline.cli.review.label_errors import LabelErrorOptions, label_error_queue
from pipeline.cli.review.making import QueueOptions, images_tasks, labels_tasks, make_queue, print_made
from pipeline.cli.review.queued import queued_tasks
from pipeline.cli.review.queues import QueueName
from pipeline.cli.review.selecting import SelectionOptions
from pipeline.cli.review.settings import ReviewConfig

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
Classes = Annotated[list[str] | None, typer.Option(metavar="NAMES", help="Class names, nut,bolt; repeatable.")]

#: What a queue is made of, as the commands say it.
_SOURCES = "--images, --captured, --queue, --labels or --from"


@with_option_groups
def new(
    name: QueueName,
    options: QueueOptions,
    selection: SelectionOptions,
    label_errors: LabelErrorOptions,
    images: Images = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="With --images or --captured: whose detections are shown; as for --from."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="LABELS", help="Labels in any format, to look at and adjust all of them.")
    ] = None,
    from_: From = None,
    captured: Annotated[
        str | None,
        typer.Option(metavar="S3_URI|DIR", help="Images that an endpoint captured, with the detections it answered."),
    ] = None,
    hours: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="With --captured: only requests of the last N hours.")
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option(metavar="MANIFEST", help="Images that the monitor pipeline has chosen: its review.manifest."),
    ] = None,
    classes: Classes = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Make a queue of images to review.

    With --from or --model the images are chosen on which the model is expected to err most, from its calibrated scores.
    New images with --model need the endpoint that serves it, or the folder of a local run; with --captured, the
    detections are those that the endpoint answered. With --errors images are
    chosen whose labels look wrong by the model's detections.

    Example: groundloop review new week-47 --images photos/ --model 7
    """
    if label_errors != LabelErrorOptions() and not (label_errors.errors and from_):
        raise typer.BadParameter("--errors needs --from, and --no-blind-test and --json need --errors")
    if queue is not None and not all(value is None for value in (images, captured, labels, from_, model, classes)):
        raise typer.BadParameter("--queue has images, detections and classes: of the sources give it alone")
    if all(value is None for value in (images, captured, labels, from_, queue)):
        raise typer.BadParameter(f"give one of {_SOURCES}")
    if from_ is not None and (labels or model):
        raise typer.BadParameter("--from takes the images that the model was evaluated on; for others give --model")
    if captured is not None and (images or labels or from_):
        raise typer.BadParameter("--captured has images and detections: leave --images, --labels and --from out")
    if model is not None and ((images is None and captured is None) or labels is not None):
        raise typer.BadParameter("--model goes with --images or --captured, and not with --labels")
    if hours is not None and captured is None:
        raise typer.BadParameter("--hours goes with --captured")
    settings = ReviewConfig(config, assignments)
    given = options.info(name, settings.review)
    if label_errors.errors and from_ is not None:
        found = label_error_queue(given, from_, settings, selection, label_errors, images=images, classes=classes)
        found.make(as_json=label_errors.as_json)
        return
    if from_ is not None:
        info, tasks = doubts_tasks(given, from_, settings, selection, evaluated_in=images, classes=classes)
    elif captured is not None:
        info, tasks = captured_tasks(given, captured, settings, selection, model=model, classes=classes, hours=hours)
    elif model is not None:
        info, tasks = doubts_tasks(given, model, settings, selection, images=images, classes=classes)
    elif queue is not None and selection == SelectionOptions():
        info, tasks = queued_tasks(given, queue, settings)
    elif selection != SelectionOptions():
        raise typer.BadParameter("options that choose images need detections: give --from, --captured or --model")
    elif labels is not None:
        info, tasks = labels_tasks(given, labels, images, classes, settings)
    else:
        info, tasks = images_tasks(given, str(images), classes, settings)
    print_made(make_queue(name, info, tasks))
    print_line(f"serve its page:  groundloop review serve {info.name}")
