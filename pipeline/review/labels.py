"""Review queues of labels: all images of a manifest or data set, shown with their labels."""

from __future__ import annotations

from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.attributes import AUTO
from groundloop.labels.class_maps import class_map_of, order_of_classes
from groundloop.labels.label_input import read_manifest
from groundloop.labels.records import Box, Record
from groundloop.review.queue import NewTask
from groundloop.review.shown_boxes import pixel_box
from groundloop.review.wire import Shown


def labelled_tasks(
    labels: str, region: str, images: str | None, classes: list[str]
) -> tuple[list[NewTask], tuple[str, ...], list[str]]:
    """Return a task for each labelled image, the class list, and notes on what is left out.

    Args:
        labels: path or S3 URI of labels in any format.
        region: AWS region, for S3 URIs.
        images: folder with the images; None for images in S3.
        classes: the class list; empty: the names of the labels, in the order of their ids where lines agree.

    Raises:
        UserError: the labels can't be read, hold a class that is not in the list, or no image.
    """
    lines = read_manifest(labels, region, AUTO, images=Path(images) if images else None)
    usable = [(line, line.record) for line in lines.lines if line.record is not None]
    valid = {name for _, record in usable for name in record.class_names}
    maps = ((line.number, class_map_of(line.raw, lines.label_attribute)) for line, _ in usable)
    ordered, notes = order_of_classes(maps, valid)
    names = tuple(classes) or ordered
    unknown = sorted({box.class_name for _, record in usable for box in record.boxes} - set(names))
    if unknown:
        raise UserError(f"{labels} has boxes of classes that --classes does not name: {', '.join(unknown)}")
    folder = ImageFolder(Path(images)) if images else None
    missing = [record.source_ref for _, record in usable if folder and folder.find(record.source_ref) is None]
    tasks = [_task(record, line.raw, names) for line, record in usable if record.source_ref not in set(missing)]
    left_out = len(lines.lines) - len(usable)
    notes = [*lines.notes, *notes]
    if left_out:
        notes.append(f"{left_out} lines without labels that can be read are left out; see groundloop labels check")
    if missing:
        notes.append(f"{len(missing)} images are not in {images} and left out, first: {missing[0]}")
    return tasks, names, notes


def _task(record: Record, line: bytes, classes: tuple[str, ...]) -> NewTask:
    return NewTask(
        source_ref=record.source_ref,
        width=record.width,
        height=record.height,
        shown=Shown.LABELS,
        boxes=tuple(
            pixel_box(classes.index(box.class_name), _corners(box), record.width, record.height, score=None)
            for box in record.boxes
        ),
        why=("existing label",),
        line=line,
    )


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.left + box.width, box.top + box.height
