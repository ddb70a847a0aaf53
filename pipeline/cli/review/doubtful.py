"""The tasks of a queue of images on which a model is expected to err."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pipeline.cli.options import class_names
from pipeline.cli.output import print_line
from pipeline.cli.review.places import image_reader, listed_images, on_disk
from pipeline.cli.review.queues import FOLDER

if TYPE_CHECKING:
    from groundloop.review.candidates import Candidate
    from groundloop.review.diversity import NearCopies
    from groundloop.review.queue import NewTask, QueueInfo
    from pipeline.cli.review.selecting import SelectionOptions
    from pipeline.cli.review.settings import ReviewConfig
    from pipeline.review.evaluated_model import EvaluatedModel


def doubts_tasks(
    given: QueueInfo,
    which: str,
    settings: ReviewConfig,
    options: SelectionOptions,
    *,
    images: str | None = None,
    evaluated_in: str | None = None,
    classes: list[str] | None = None,
) -> tuple[QueueInfo, list[NewTask]]:
    """Return the images on which a model is expected to err most, chosen as the options say.

    Args:
        given: what the options say of the queue.
        which: execution, version, or folder of a local run.
        settings: the configuration.
        options: how images are chosen.
        images: folder on disk or S3 prefix of new images; None for those that the model was evaluated on.
        evaluated_in: folder with the images that the model was evaluated on; None where the model's run says it.
        classes: names as the option has them, which must be the model's.

    Returns:
        The queue's description and its tasks.

    Raises:
        UserError: there is no such model, or it has other classes.
    """
    model = model_with_classes(which, settings, classes)
    options.check(settings.review.select, model.classes)
    hashes: dict[str, int | None] = {}
    candidates, image_folder = _candidates(model, images, evaluated_in, settings, hashes)
    body = image_reader(image_folder, settings)

    def hash_of(name: str) -> int | None:
        """Return the difference hash of an image, which detecting objects on it has left."""
        return hashes[name] if name in hashes else _hash(body, name)

    source = f"{images} by {model.name}" if images else model.name
    info = model_info(given, model, source, image_folder, None if image_folder else settings().aws.region)
    return info, chosen_tasks(candidates, model, settings, options, new=images is not None, hash_of=hash_of)


def model_with_classes(which: str | None, settings: ReviewConfig, classes: list[str] | None) -> EvaluatedModel:
    """Read the evaluation of a model, whose classes are those of `--classes` if these are given.

    Raises:
        UserError: there is no such model, or it has other classes.
    """
    from groundloop.errors import UserError
    from pipeline.review.evaluated_model import evaluated_model

    model = evaluated_model(which, settings)
    if classes and tuple(class_names(classes)) != model.classes:
        raise UserError(f"the model has the classes {', '.join(model.classes)}: leave --classes out")
    return model


def model_info(
    given: QueueInfo, model: EvaluatedModel, source: str, images: str | None, region: str | None
) -> QueueInfo:
    """Return the description of a queue that shows a model's detections.

    Args:
        given: what the options say of it.
        model: the model.
        source: what the tasks are chosen from, in words.
        images: folder of the images; None for S3.
        region: AWS region of images in S3.
    """
    import msgspec

    return msgspec.structs.replace(
        given,
        classes=model.classes,
        images=images,
        region=region,
        unsure_edges=model.unsure_edges,
        model=model.model,
        source=source,
    )


def chosen_tasks(
    candidates: list[Candidate],
    model: EvaluatedModel,
    settings: ReviewConfig,
    options: SelectionOptions,
    *,
    new: bool,
    hash_of: Callable[[str], int | None],
) -> list[NewTask]:
    """Return the tasks of the images that are chosen, and say how many near copies are left out.

    Args:
        candidates: the images to choose from.
        model: the model.
        settings: the configuration.
        options: how images are chosen.
        new: whether the images are not in the data set yet.
        hash_of: returns the difference hash of an image.
    """
    from groundloop.detections.calibration import Calibration
    from groundloop.review.diversity import NearCopies
    from groundloop.review.effort import Effort, fit_effort
    from groundloop.review.selection import select

    chosen_by = settings.review.select
    bits = options.near_copy_bits(chosen_by)
    effort = Effort()
    if (options.per or chosen_by.per) == "effort":
        effort = fit_effort(list(_answers()))
        source = f"by {effort.answers} answers" if effort.answers else "by default"
        print_line(f"an image takes {effort.per_image:.1f} s and {effort.per_box:.1f} s for each object, {source}")
    copies: NearCopies | None = None if bits is None else NearCopies(hash_of, bits)
    tasks = select(
        candidates,
        Calibration.fit(model.rows),
        model.thresholds,
        model.classes,
        options.selection(chosen_by, model.classes, effort),
        new=new,
        frequency=model.frequency,
        copies=copies,
    )
    if copies is not None and copies.found:
        print_line(
            f"note: {len(copies.found)} near copies of chosen images are left out; with --keep-near-copies they are not"
        )
    return tasks


def _answers() -> Iterator[tuple[int, float]]:
    """Yield the number of boxes and the seconds of each answer in the queues of the working folder that show boxes."""
    from contextlib import closing

    from groundloop.review.queue import FILE_NAME, Queue
    from groundloop.review.wire import Outcome

    for path in sorted(FOLDER.glob(f"*/{FILE_NAME}"), key=lambda one: one.stat().st_mtime):
        with closing(Queue.open(path.parent)) as queue:
            if queue.info.mode != "review":
                continue
            for stored in queue.answers.stored():
                if stored.answer.outcome is Outcome.BOXES:
                    yield len(stored.answer.boxes), stored.answer.seconds


def _hash(body: Callable[[str], bytes], name: str) -> int | None:
    from groundloop.images.access import UnusableImageError
    from groundloop.images.difference_hash import difference_hash

    try:
        return difference_hash(body(name))
    except UnusableImageError:  # the reviewer will see it, and say so
        return None


def _candidates(
    model: EvaluatedModel,
    images: str | None,
    evaluated_in: str | None,
    settings: ReviewConfig,
    hashes: dict[str, int | None],
) -> tuple[list[Candidate], str | None]:
    """Return the images to choose from, and their folder if they are on disk; keep the hashes of what is read."""
    from groundloop.images.difference_hash import difference_hash
    from groundloop.labels.grouping import Grouping
    from pipeline.review.candidates import evaluated_images, predicted_images
    from pipeline.review.detectors import detector_of
    from pipeline.review.evaluated_model import SPLITS

    group = None if model.folder is not None else settings().prepare.split.group
    grouping = Grouping(group.pattern, group.key) if group else Grouping()
    if images is None:
        folder = on_disk(evaluated_in) if evaluated_in else local_images(model)
        return evaluated_images(model, SPLITS, grouping), folder
    listed, folder = listed_images(images, settings), on_disk(images)
    detector = detector_of(model, settings)
    print_line(f"detecting objects on {len(listed.images)} images")
    body = image_reader(folder, settings)

    def read(name: str) -> bytes:
        """Read an image, and keep its hash."""
        content = body(name)
        hashes[name] = difference_hash(content)
        return content

    return predicted_images(listed.images, read, detector, grouping), folder


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
