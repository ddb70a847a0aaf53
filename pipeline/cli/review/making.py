"""Making a queue: from images alone, from labels, or from what a model doubts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.options import class_names, load
from pipeline.cli.output import print_line
from pipeline.cli.review.queues import queue_folder

if TYPE_CHECKING:
    from groundloop.review.image_list import ImageList
    from groundloop.review.queue import NewTask, Queue, QueueInfo
    from groundloop.review.selection import Candidate, Selection
    from pipeline.config import Config
    from pipeline.review_sources import EvaluatedModel


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


def doubts_queue(
    folder: Path,
    given: QueueInfo,
    which: str,
    settings: Callable[[], Config],
    *,
    images: str | None = None,
    evaluated_in: str | None = None,
    classes: list[str] | None = None,
    limit: int = 100,
    by: str = "expected_mistakes",
    conditions: list[str] | None = None,
    audit: float = 0.1,
    per_group: int = 3,
) -> Queue:
    """Make a queue of the images on which a model is expected to err most, chosen as the options say.

    Args:
        folder: of the queue.
        given: what the options say of it.
        which: execution, version, or folder of a local run.
        settings: reads the configuration.
        images: folder on disk or S3 prefix of new images; None for those that the model was evaluated on.
        evaluated_in: folder with the images that the model was evaluated on; None where the model's run says it.
        classes: names as the option has them, which must be the model's.
        limit, by, conditions, audit, per_group: how images are chosen, see the command's options.

    Raises:
        UserError: there is no such model, or it has other classes.
    """
    from groundloop.errors import UserError
    from groundloop.review.conditions import parse_condition
    from groundloop.review.selection import Selection
    from pipeline.review_sources import evaluated_model

    model = evaluated_model(which, settings)
    if classes and tuple(class_names(classes)) != model.classes:
        raise UserError(f"the model has the classes {', '.join(model.classes)}: leave --classes out")
    selection = Selection(
        images=limit,
        by="condition" if conditions else by,
        conditions=tuple(parse_condition(text, model.classes) for text in conditions or ()),
        audit=audit,
        per_group=per_group,
    )
    return model_queue(folder, given, model, images, selection, settings, evaluated_in=evaluated_in)


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


def labels_queue(
    folder: Path,
    given: QueueInfo,
    labels: str,
    images: str | None,
    classes: list[str] | None,
    settings: Callable[[], Config],
) -> Queue:
    """Make a queue of all images that are labelled, to look at the labels and adjust them.

    Args:
        folder: of the queue.
        given: what the options say of it.
        labels: path or S3 URI, in any format.
        images: folder on disk or S3 prefix; None for images that the labels name by S3 URI.
        classes: names as the option has them.
        settings: reads the configuration.
    """
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


def cached_settings(config: list[Path] | None, assignments: list[str] | None) -> Callable[[], Config]:
    """Return a function that reads the configuration when it is first called: folders on disk need none."""
    from functools import cache

    return cache(lambda: load(config, assignments))


def print_made(queue: Queue) -> None:
    """Print what a new queue has, and close it."""
    from contextlib import closing

    with closing(queue):
        total = queue.progress("").total
    print_line(f"made queue {queue.info.name}: {total} images, classes {', '.join(queue.info.classes)}")
