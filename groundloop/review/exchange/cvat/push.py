"""From a queue to CVAT tasks. Each step looks what is there already, so it can be interrupted anywhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from groundloop.errors import UserError
from groundloop.review.exchange.cvat.api import IMAGE_QUALITY, MAX_LABEL_NAME, Cvat, Frame, Job, Meta, RemoteTask
from groundloop.review.exchange.http import AGAIN
from groundloop.review.exchange.link import Link, changed_labels, new_key, write_link
from groundloop.review.exchange.tasks import (
    Pushed,
    PushedTask,
    UploadedImages,
    file_groups,
    task_of_file,
    unanswered_tasks,
)
from groundloop.review.queue import Queue, QueueInfo
from groundloop.s3 import split_uri

#: Images of one job: what one person does at a sitting.
_SEGMENT_SIZE = 100
#: Seconds between two looks at a background request, and how many looks.
_POLL_SECONDS = 2.0
_MAX_POLLS = 1800
_S3 = "AWS_S3_BUCKET"


class Batch(msgspec.Struct, kw_only=True):
    """A CVAT task with images of the queue: CVAT takes no further images into a task.

    Attributes:
        name: of the task; a random part makes it the only one.
        tasks: ids in the queue, in the order of the frames.
        task: id in CVAT; None until it is known to be there.
        uploading: whether files may have been sent.
        complete: whether the shown boxes are there too.
    """

    name: str
    tasks: list[int]
    task: int | None = None
    uploading: bool = False
    complete: bool = False


class CvatLink(Link, kw_only=True):
    """The tasks of a queue.

    Attributes:
        organization: to which they belong; None: to the user alone.
    """

    organization: str | None = None
    batches: list[Batch] = msgspec.field(default_factory=list)


def push_to_cvat(
    queue: Queue,
    cvat: Cvat,
    link: CvatLink | None,
    path: Path,
    images: UploadedImages,
    *,
    upload: bool,
    cloud_storage: int | None,
    organization: str | None = None,
) -> Pushed:
    """Push the images that need an answer and aren't there yet.

    Args:
        link: of an earlier push.
        path: file of the link.
        images: are uploaded if they are files.
        upload: whether images in S3 are uploaded too.
        cloud_storage: id of their bucket in CVAT otherwise.

    Raises:
        UserError: the server fails, or images can't be read there.
    """
    too_long = [name for name in queue.info.classes if len(name) > MAX_LABEL_NAME]
    if too_long:
        raise UserError(f"CVAT's labels have at most {MAX_LABEL_NAME} characters, and {too_long[0]!r} has more")
    link = link or CvatLink(url=cvat.server.url, key=new_key(), organization=organization)
    begun = {number for batch in link.batches for number in batch.tasks}
    missing = [one for one in unanswered_tasks(queue) if one.id not in begun]
    known = sum(len(batch.tasks) for batch in link.batches if batch.complete)
    for part in _parts(missing, upload=upload):
        name = f"groundloop {queue.info.name} {new_key()[:12]}"
        link.batches.append(Batch(name=name, tasks=[one.id for one in part]))
    write_link(path, link)
    tasks = {number: PushedTask(number, task) for number, task in queue.tasks()}
    new = boxes = 0
    for batch in link.batches:
        if batch.complete:
            continue
        ours = [tasks[number] for number in batch.tasks]
        _BatchPush(cvat, queue.info, link, path, batch, ours).run(images, cloud_storage, upload=upload)
        new += len(ours)
        boxes += sum(len(one.boxes) for one in ours)
    url = f"{link.url}/tasks/{link.batches[-1].task}" if link.batches else link.url
    return Pushed(url=url, new=new, known=known, boxes=boxes)


def _parts(tasks: Sequence[PushedTask], *, upload: bool) -> list[list[PushedTask]]:
    """Return the images that can be in one task each: uploaded ones, or those of a bucket, each of these once."""
    parts: dict[int, list[PushedTask]] = defaultdict(list)
    seen: Counter[str] = Counter()
    for one in tasks:
        sent = upload or not one.in_s3
        seen[one.task.source_ref] += not sent
        parts[0 if sent else seen[one.task.source_ref]].append(one)
    return [parts[number] for number in sorted(parts)]


class _BatchPush:
    """One batch on its way."""

    def __init__(
        self, cvat: Cvat, info: QueueInfo, link: CvatLink, path: Path, batch: Batch, tasks: Sequence[PushedTask]
    ) -> None:
        self._cvat = cvat
        self._info = info
        self._link = link
        self._path = path
        self._batch = batch
        self._tasks = tasks

    def run(self, images: UploadedImages, cloud_storage: int | None, *, upload: bool) -> None:
        """Bring the batch to where it is complete."""
        task = self._task()
        if not task.size:
            task = self._with_data(task, images, cloud_storage, upload=upload)
        self._put_boxes(task.id)
        self._batch.complete = True
        self._save()

    def _save(self) -> None:
        write_link(self._path, self._link)

    def _task(self) -> RemoteTask:
        if self._batch.task is not None:
            known = self._cvat.task(self._batch.task)
            if known is not None:
                return known
            self._forget()
        content = {
            "name": self._batch.name,
            "labels": [{"name": name, "type": "rectangle"} for name in self._info.classes],
            "segment_size": _SEGMENT_SIZE,
            "overlap": 0,
            "consensus_replicas": self._info.answers if self._info.answers > 1 else 0,
        }
        found = self._cvat.task_named(self._batch.name) or self._cvat.create_task(content)
        self._batch.task = found.id
        self._save()
        return found

    def _forget(self) -> None:
        self._batch.task, self._batch.uploading = None, False
        self._save()

    def _with_data(
        self, task: RemoteTask, images: UploadedImages, cloud_storage: int | None, *, upload: bool
    ) -> RemoteTask:
        request = self._cvat.creation(task.id)
        if request is None and self._batch.uploading:
            # Part of the files may be there, and CVAT doesn't say which: nobody has worked on a task without data.
            self._cvat.delete_task(task.id)
            self._forget()
            task = self._task()
        if request is not None:
            number = request.id
        elif upload or not self._tasks[0].in_s3:
            number = self._uploaded(task.id, images)
        else:
            number = self._attached(task.id, cloud_storage)
        return self._finished(task.id, number)

    def _uploaded(self, task: int, images: UploadedImages) -> str:
        self._batch.uploading = True
        self._save()
        self._cvat.begin_upload(task)
        names: list[str] = []
        for files in file_groups(images, self._tasks, "client_files"):
            self._cvat.upload(task, files)
            names += [file.name for file in files]
        return self._cvat.attach(task, {**_data(), "upload_file_order": names}, uploaded=True)

    def _attached(self, task: int, cloud_storage: int | None) -> str:
        places = [split_uri(one.task.source_ref) for one in self._tasks]
        bucket = places[0][0]
        if cloud_storage is None:
            raise UserError(
                f"the images are in s3://{bucket}: give --cloud-storage with the number of that bucket among CVAT's "
                "cloud storages, or upload the images with --upload"
            )
        storage = self._cvat.cloud_storage(cloud_storage)
        others = sorted({name for name, _ in places} - {storage.resource})
        if others or storage.provider_type != _S3:
            raise UserError(
                f"--cloud-storage {cloud_storage} is {storage.resource} ({storage.provider_type}), and images are in "
                f"s3://{others[0] if others else bucket}: register that bucket in CVAT, or give --upload"
            )
        data = {**_data(), "cloud_storage_id": cloud_storage, "server_files": [key for _, key in places]}
        return self._cvat.attach(task, data, uploaded=False)

    def _finished(self, task: int, number: str) -> RemoteTask:
        for _ in range(_MAX_POLLS):
            request = self._cvat.request(number)
            if request.status == "finished":
                break
            if request.status == "failed":
                # Without data it is of no use, and would be taken for begun.
                self._cvat.delete_task(task)
                self._forget()
                lines = request.message.strip().splitlines() or ["no reason given"]
                raise UserError(f"CVAT at {self._cvat.server.url} could not read the images: {lines[-1]}; {AGAIN}")
            self._cvat.server.pause(_POLL_SECONDS)
        else:
            raise UserError(f"CVAT at {self._cvat.server.url} is still reading the images; {AGAIN}")
        found = existing_task(self._cvat, task)
        if found.size != len(self._tasks):
            raise UserError(
                f"task {task} in CVAT has {found.size} frames, and {len(self._tasks)} images were pushed: delete it "
                f"there and {self._path}, then push again"
            )
        return found

    def _put_boxes(self, task: int) -> None:
        """Put the shown boxes onto jobs that nobody has begun: putting replaces what is there."""
        labels = label_ids(self._cvat, task, self._info)
        frames = frames_of(self._cvat.meta(task), {one.id: one for one in self._tasks})
        for job in self._cvat.jobs(task):
            shapes = list(_shapes(job, frames, labels))
            if job.type == "ground_truth" or not shapes or job.state != "new":
                continue
            there = self._cvat.annotations(job.id)
            if not (there.shapes or there.tracks or there.tags):
                content = {"version": 0, "tags": [], "tracks": [], "shapes": shapes}
                self._cvat.put_annotations(job.id, content)


def existing_task(cvat: Cvat, number: int) -> RemoteTask:
    """Return a task.

    Raises:
        UserError: it is gone.
    """
    task = cvat.task(number)
    if task is None:
        raise UserError(
            f"task {number} is not in CVAT at {cvat.server.url} any more, or not for the owner of the token: delete "
            "cvat.json in the queue's folder to push it anew"
        )
    return task


def label_ids(cvat: Cvat, task: int, info: QueueInfo) -> list[int]:
    """Return the ids of a task's labels, by class id.

    Raises:
        UserError: the labels are not the queue's classes (any more).
    """
    ids = {label.name: label.id for label in cvat.labels(task)}
    changed = changed_labels(info.classes, ids)
    if changed:
        raise UserError(
            f"the labels of task {task} were changed: it {changed}: restore them in {cvat.server.url}/tasks/{task}"
        )
    return [ids[name] for name in info.classes]


def frames_of(meta: Meta, tasks: Mapping[int, PushedTask]) -> dict[int, tuple[PushedTask, Frame]]:
    """Return the queue's tasks by frame number, found by the images' names, whatever their order."""
    by_key = {split_uri(one.task.source_ref)[1]: one for one in tasks.values() if one.in_s3}
    found = {}
    for number, frame in enumerate(meta.frames or []):
        task = tasks.get(task_of_file(frame.name) or 0) or by_key.get(frame.name)
        if task is not None:
            found[number] = task, frame
    return found


def _data() -> dict[str, object]:
    return {"image_quality": IMAGE_QUALITY, "sorting_method": "predefined", "use_cache": True}


def _shapes(
    job: Job, frames: Mapping[int, tuple[PushedTask, Frame]], labels: Sequence[int]
) -> Iterator[dict[str, object]]:
    for number in range(job.start_frame, job.stop_frame + 1):
        if number not in frames:
            continue
        for _, box in frames[number][0].boxes:
            shape: dict[str, object] = {
                "type": "rectangle",
                "frame": number,
                "label_id": labels[box.class_id],
                "points": [box.left, box.top, box.left + box.width, box.top + box.height],
                "occluded": False,
                "z_order": 0,
                "rotation": 0,
                "source": "auto",
                "group": 0,
                "attributes": [],
            }
            if box.score is not None:
                # Servers without scores ignore it.
                shape["score"] = box.score
            yield shape
