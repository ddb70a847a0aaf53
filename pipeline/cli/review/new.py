"""`groundloop review new`: a queue of images, from a model's detections, from labels or from images alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, class_names, load
from pipeline.cli.output import print_line
from pipeline.cli.review.queues import QueueName, queue_folder

if TYPE_CHECKING:
    from groundloop.review.image_list import ImageList
    from groundloop.review.queue import NewTask, Queue, QueueInfo
    from groundloop.review.selection import Candidate, Selection
    from pipeline.config import Config
    from pipeline.review_sources import EvaluatedModel

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
    from groundloop.errors import UserError
    from groundloop.review.selection import Selection

    if sum(value is not None for value in (images, labels, from_)) == 0:
        raise typer.BadParameter(f"give one of {_SOURCES}")
    if from_ is not None and (labels or model):
        raise typer.BadParameter("--from takes the images that the model was evaluated on; for others give --model")
    if model is not None and (images is None or labels is not None):
        raise typer.BadParameter("--model goes with --images, and not with --labels")
    settings = _cached(lambda: load(config, assignments))
    folder = queue_folder(name)
    given = common(name, instructions, prefix)
    if from_ is None and model is None:
        if conditions or by != "expected_mistakes":
            raise typer.BadParameter("--by and --condition need detections: give --from or --model")
        queue = (
            _of_labels(folder, given, labels, images, classes, settings)
            if labels is not None
            else images_queue(folder, given, str(images), classes, settings)
        )
    else:
        from groundloop.review.conditions import parse_condition
        from pipeline.review_sources import evaluated_model

        evaluated = evaluated_model(from_ or model, settings)
        if classes and tuple(class_names(classes)) != evaluated.classes:
            raise UserError(f"the model has the classes {', '.join(evaluated.classes)}: leave --classes out")
        selection = Selection(
            images=limit,
            by="condition" if conditions else by,
            conditions=tuple(parse_condition(text, evaluated.classes) for text in conditions or ()),
            audit=audit,
            per_group=per_group,
        )
        queue = (
            model_queue(folder, given, evaluated, None, selection, settings, evaluated_in=images)
            if from_
            else model_queue(folder, given, evaluated, images, selection, settings)
        )
    _print_made(queue)


def images_queue(
    folder: Path, given: QueueInfo, images: str, classes: list[str] | None, settings: Callable[[], Config]
) -> Queue:
    """Make a queue of images that nobody and no model has looked at.

    Args:
        folder: of the queue.
        given: what the options say of it.
        images: folder on disk or S3 prefix.
        classes: names as the option has them; None takes `labels.classes`.
        settings: reads the configuration.
    """
    import msgspec

    from groundloop.review.queue import NewTask, Queue

    names = tuple(class_names(classes)) if classes else _configured_classes(settings)
    listed = _listed(images, settings)
    info = msgspec.structs.replace(
        given, classes=names, mode="label", images=_on_disk(images), region=_region(images, settings), source=images
    )
    tasks = [NewTask(source_ref=one.source_ref, width=one.width, height=one.height) for one in listed.images]
    return Queue.create(folder, info, tasks)


def model_queue(
    folder: Path,
    given: QueueInfo,
    model: EvaluatedModel,
    images: str | None,
    selection: Selection,
    settings: Callable[[], Config],
    evaluated_in: str | None = None,
) -> Queue:
    """Make a queue of the images on which a model is expected to err most.

    Args:
        folder: of the queue.
        given: what the options say of it.
        model: the model, with its evaluation.
        images: folder on disk or S3 prefix of new images; None for those that the model was evaluated on.
        selection: how images are chosen.
        settings: reads the configuration.
        evaluated_in: folder with the images that the model was evaluated on; None where the model's run says it.
    """
    import msgspec

    from groundloop.detections.calibration import Calibration
    from groundloop.review.queue import Queue
    from groundloop.review.selection import select

    candidates, image_folder = _candidates(model, images, evaluated_in, settings)
    tasks: list[NewTask] = select(
        candidates,
        Calibration.fit(model.rows),
        model.thresholds,
        model.classes,
        selection,
        new=images is not None,
        frequency=model.frequency,
    )
    info = msgspec.structs.replace(
        given,
        classes=model.classes,
        images=image_folder,
        region=None if image_folder else settings().aws.region,
        unsure_edges=model.unsure_edges,
        model=model.model,
        source=f"{images} by {model.name}" if images else model.name,
    )
    return Queue.create(folder, info, tasks)


def _candidates(
    model: EvaluatedModel, images: str | None, evaluated_in: str | None, settings: Callable[[], Config]
) -> tuple[list[Candidate], str | None]:
    """Return the images to choose from, and their folder if they are on disk."""
    from groundloop.labels.grouping import Grouping
    from pipeline.review_sources import SPLITS, detector_of, evaluated_images, predicted_images

    group = None if model.folder is not None else settings().prepare.split.group
    grouping = Grouping(group.pattern, group.key) if group else Grouping()
    if images is None:
        return evaluated_images(model, SPLITS, grouping), _on_disk(evaluated_in) if evaluated_in else local_images(
            model
        )
    listed, reader = _listed(images, settings), _reader(images, settings)
    detector = detector_of(model, settings)
    print_line(f"detecting objects on {len(listed.images)} images")
    return predicted_images(listed.images, reader, detector, grouping), _on_disk(images)


def local_images(model: EvaluatedModel) -> str | None:
    """Return the folder with the images of a local run, whose own S3 is gone with it; None for models on AWS.

    Raises:
        UserError: the run didn't keep its images.
    """
    if model.folder is None:
        return None
    from groundloop.errors import UserError

    kept = model.folder / "data" / "images"
    if not kept.is_dir():
        raise UserError(
            f"the images of {model.folder} were in its own S3, which is gone: give their folder with --images"
        )
    return str(kept.resolve())


def _of_labels(
    folder: Path,
    given: QueueInfo,
    labels: str,
    images: str | None,
    classes: list[str] | None,
    settings: Callable[[], Config],
) -> Queue:
    import msgspec

    from groundloop.review.queue import Queue
    from pipeline.review_labels import labelled_tasks

    region = settings().aws.region if "s3://" in f"{labels} {images}" else "us-east-1"
    on_disk = _on_disk(images) if images else None
    tasks, names, notes = labelled_tasks(labels, region, on_disk, class_names(classes or []))
    for note in notes:
        print_line(f"note: {labels}: {note}")
    info = msgspec.structs.replace(given, classes=names, images=on_disk, region=region, source=labels)
    return Queue.create(folder, info, tasks)


def common(name: str, instructions: Path | None, prefix: str | None) -> QueueInfo:
    """Return what the options say of a queue, whatever it is made of.

    Raises:
        UserError: the instructions can't be read, or the prefix is no S3 URI.
    """
    from groundloop.errors import UserError
    from groundloop.review.queue import QueueInfo

    try:
        text = instructions.read_text("utf-8") if instructions else None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--instructions {instructions}: can't be read as UTF-8 text: {error}") from None
    if prefix is not None and not prefix.startswith("s3://"):
        raise UserError(f"--prefix {prefix}: give an S3 URI, s3://bucket/images/")
    return QueueInfo(name=queue_folder(name).name, classes=(), instructions=text, image_prefix=prefix or "")


def _configured_classes(settings: Callable[[], Config]) -> tuple[str, ...]:
    from groundloop.errors import ConfigError, UserError

    try:
        names = tuple(settings().labels.classes)
    except ConfigError:
        names = ()
    if not names:
        raise UserError("which classes? Name them with --classes bolt,nut, or in labels.classes of the configuration")
    return names


def _listed(images: str, settings: Callable[[], Config]) -> ImageList:
    from groundloop.review.image_list import list_folder, list_s3

    listed = list_s3(images, settings().aws.region) if images.startswith("s3://") else list_folder(Path(images))
    for note in listed.notes:
        print_line(f"note: {note}")
    return listed


def _reader(images: str, settings: Callable[[], Config]) -> Callable[[str], bytes]:
    from groundloop.images.s3 import S3Images
    from groundloop.review.images import FolderFiles

    return S3Images(settings().aws.region).body if images.startswith("s3://") else FolderFiles(Path(images)).body


def _on_disk(images: str) -> str | None:
    return None if images.startswith("s3://") else str(Path(images).resolve())


def _region(images: str, settings: Callable[[], Config]) -> str | None:
    return settings().aws.region if images.startswith("s3://") else None


def _cached(read: Callable[[], Config]) -> Callable[[], Config]:
    """Return a function that reads the configuration when it is first called: folders on disk need none."""
    from functools import cache

    return cache(read)


def _print_made(queue: Queue) -> None:
    from contextlib import closing

    with closing(queue):
        total = queue.progress("").total
    print_line(f"made queue {queue.info.name}: {total} images, classes {', '.join(queue.info.classes)}")
    print_line(f"serve its page:  groundloop review serve {queue.info.name}")
