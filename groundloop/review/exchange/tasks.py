"""The images of a queue that still need an answer, as they are sent to another tool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from groundloop.errors import UserError
from groundloop.images.access import Images, UnusableImageError
from groundloop.images.s3 import S3Images
from groundloop.review.exchange.http import UploadedFile
from groundloop.review.images import FolderFiles, QueueImages, Rendition
from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.wire import ShownBox
from groundloop.s3 import SCHEME

#: Bytes and files of one upload.
MAX_UPLOAD_BYTES = 20_000_000
MAX_UPLOAD_FILES = 50
_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}


@dataclass(frozen=True, slots=True)
class PushedTask:
    """An image of the queue with its task's id there."""

    id: int
    task: NewTask

    @property
    def boxes(self) -> tuple[tuple[int, ShownBox], ...]:
        """The shown boxes that count, by their place among the shown ones: no other tool has dotted boxes."""
        return tuple((place, box) for place, box in enumerate(self.task.boxes) if box.counted)

    @property
    def in_s3(self) -> bool:
        """Whether the image has an S3 URI."""
        return self.task.source_ref.startswith(SCHEME)


@dataclass(frozen=True, slots=True)
class Pushed:
    """The result of a push.

    Attributes:
        url: of the work in the tool.
        new: images that were pushed now; `known` ones were there before.
        boxes: on the new ones.
    """

    url: str
    new: int
    known: int
    boxes: int


def unanswered_tasks(queue: Queue) -> list[PushedTask]:
    """Return the tasks for which somebody is to be asked, in the queue's order."""
    tasks = dict(queue.tasks())
    return [PushedTask(number, tasks[number]) for number in queue.unanswered()]


class UploadedImages:
    """The images of a queue as files to upload: the stored pixels, whatever an EXIF orientation says of them.

    Args:
        info: says where the images are.
        images: reads them; None takes the place that the queue names.
    """

    def __init__(self, info: QueueInfo, images: Images | None = None) -> None:
        place = images or (FolderFiles(Path(info.images)) if info.images else S3Images(info.region))
        self._images = QueueImages(place)

    def file(self, pushed: PushedTask, field: str) -> UploadedFile:
        """Return the file of a task.

        Raises:
            UserError: the image can't be read.
        """
        try:
            image = self._images.get(pushed.task.source_ref, Rendition.FULL)
        except UnusableImageError as error:
            raise UserError(f"{pushed.task.source_ref}: {error}") from None
        return UploadedFile(field, file_name(pushed, _SUFFIXES[image.media_type]), image.body, image.media_type)


def file_groups(
    images: UploadedImages, tasks: Sequence[PushedTask], field: str = "file"
) -> Iterator[list[UploadedFile]]:
    """Yield the files of tasks in groups that fit into one request; their fields are numbered from 0."""
    group: list[UploadedFile] = []
    for pushed in tasks:
        file = images.file(pushed, f"{field}[{len(group)}]")
        size = len(file.body) + sum(len(one.body) for one in group)
        if group and (size > MAX_UPLOAD_BYTES or len(group) == MAX_UPLOAD_FILES):
            yield group
            file = UploadedFile(f"{field}[0]", file.name, file.body, file.media_type)
            group = []
        group.append(file)
    if group:
        yield group


def file_name(pushed: PushedTask, suffix: str) -> str:
    """Return the name of an uploaded file: it begins with the task's id, by which it is found again."""
    stem = "".join(
        one if one.isascii() and one.isalnum() else "-" for one in PurePosixPath(pushed.task.source_ref).stem
    )
    return f"groundloop-{pushed.id:06}-{stem[:60]}{suffix}"


def task_of_file(name: str) -> int | None:
    """Return the task's id in the name of an uploaded file; None where it has none.

    Label Studio puts eight letters and a hyphen in front of it.

    Example:
        >>> task_of_file("upload/3/1a2b3c4d-groundloop-000017-nut.png")
        17
    """
    _, found, rest = name.rpartition("groundloop-")
    number = rest.partition("-")[0]
    return int(number) if found and number.isdecimal() else None
