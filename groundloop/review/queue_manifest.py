"""A queue as a Ground Truth manifest, made where images are chosen by a job, and opened where people review them.

Each line has the boxes that count as its label, `"human-annotated": "no"`, so that other tools can read it. What only
the review page shows, such as detections under the threshold, stands under `groundloop-review`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import CANONICAL, METADATA
from groundloop.labels.classes import ClassList
from groundloop.labels.label_types import DETECTION_TYPE
from groundloop.labels.review_key import REVIEW_KEY, review_value
from groundloop.review.queue import Model, NewTask
from groundloop.review.wire import Shown, ShownBox

#: Name of a queue's manifest beside the report of the window that it was chosen from.
FILE_NAME = "review.manifest"


class _Review(msgspec.Struct, rename="kebab"):
    """What stands under `groundloop-review`."""

    selected_by: str
    shown: Shown
    boxes: tuple[ShownBox, ...]
    why: tuple[str, ...]
    model_package: str
    thresholds: dict[str, float]
    expected_mistakes: float | None = None
    split: str | None = None


class _ImageSize(msgspec.Struct):
    width: int
    height: int


class _Label(msgspec.Struct):
    image_size: tuple[_ImageSize]


class _LabelMetadata(msgspec.Struct, rename="kebab"):
    class_map: dict[str, str]


class _Line(msgspec.Struct):
    source_ref: str = msgspec.field(name="source-ref")
    label: _Label = msgspec.field(name=CANONICAL)
    metadata: _LabelMetadata = msgspec.field(name=CANONICAL + METADATA)
    review: _Review = msgspec.field(name=REVIEW_KEY)


_LINES = msgspec.json.Decoder(_Line)


def queue_line(
    task: NewTask, classes: Sequence[str], model: Model, *, queue: str, created: str, other: Mapping[str, object]
) -> bytes:
    """Return a line of the manifest, without its end.

    Args:
        task: the image; its boxes are those that the page shows.
        classes: names in id order.
        model: whose detections they are.
        queue: name of the queue.
        created: when it was made, ISO 8601 in UTC.
        other: further keys, which stay with the label that people make.
    """
    counted = [box for box in task.boxes if box.counted]
    review = review_value(
        queue=queue,
        selected_by=task.selected_by,
        shown=task.shown.value,
        split=task.split,
        model_package=model.package,
        expected_mistakes=task.expected_mistakes,
    )
    return msgspec.json.encode(
        {
            "source-ref": task.source_ref,
            **other,
            CANONICAL: {
                "image_size": [{"width": task.width, "height": task.height, "depth": 3}],
                "annotations": [
                    {
                        "class_id": box.class_id,
                        "left": box.left,
                        "top": box.top,
                        "width": box.width,
                        "height": box.height,
                    }
                    for box in counted
                ],
            },
            CANONICAL + METADATA: {
                "objects": [{"confidence": box.score or 0} for box in counted],
                "class-map": ClassList(tuple(classes)).class_map,
                "type": DETECTION_TYPE,
                "human-annotated": "no",
                "creation-date": created,
                "job-name": f"labeling-job/{queue}",
            },
            REVIEW_KEY: {**review, "boxes": task.boxes, "why": task.why, "thresholds": model.thresholds},
        }
    )


def read_queue(content: bytes, name: str) -> tuple[list[NewTask], tuple[str, ...], Model]:
    """Read a queue's manifest.

    Args:
        content: of the file.
        name: its path or URI, for error messages.

    Returns:
        The tasks, the class list in id order, and the model whose detections are shown.

    Raises:
        UserError: a line is none of a queue's manifest, or there is none.
    """
    lines = [(number, line) for number, line in enumerate(content.splitlines(), start=1) if line.strip()]
    if not lines:
        raise UserError(f"{name} has no image")
    tasks = []
    for number, line in lines:
        try:
            read = _LINES.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UserError(
                f"{name}, line {number}: no line of a queue that the monitor pipeline made: {error}; for other "
                "manifests give --labels"
            ) from None
        tasks.append(_task(read, line))
    # All lines of a queue have one class list; those of a queue of several variants are read one model at a time.
    ids = {int(key): class_name for key, class_name in read.metadata.class_map.items()}
    classes = tuple(ids[key] for key in sorted(ids))
    return tasks, classes, Model(package=read.review.model_package, thresholds=read.review.thresholds)


def images_of(content: bytes) -> list[str]:
    """Return the images of a queue's manifest."""
    return [_LINES.decode(line).source_ref for line in content.splitlines() if line.strip()]


def lines_of(lines: Iterable[bytes]) -> bytes:
    """Return the content of a manifest."""
    return b"".join(line + b"\n" for line in lines)


def _task(read: _Line, line: bytes) -> NewTask:
    review, size = read.review, read.label.image_size[0]
    return NewTask(
        source_ref=read.source_ref,
        width=size.width,
        height=size.height,
        shown=review.shown,
        boxes=review.boxes,
        why=review.why,
        expected_mistakes=review.expected_mistakes,
        selected_by=review.selected_by,
        split=review.split,
        line=line,
    )
