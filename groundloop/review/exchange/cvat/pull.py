"""From CVAT tasks to answers of the queue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

from groundloop.review.exchange.cvat.api import Cvat, Frame, Job, Shape
from groundloop.review.exchange.cvat.push import CvatLink, existing_task, frames_of, label_ids
from groundloop.review.exchange.pulled import DrawnBox, PulledAnswer, RemoteWork, enclosing
from groundloop.review.exchange.tasks import PushedTask
from groundloop.review.queue import NewTask, Queue
from groundloop.review.wire import Outcome

_OurFrames = Mapping[int, tuple[PushedTask, Frame]]


def cvat_work(queue: Queue, cvat: Cvat, link: CvatLink) -> RemoteWork:
    """Return the work that people have done on a queue in CVAT.

    Only jobs that are completed, or in the stage `acceptance`, are final: a frame of theirs without shapes is a
    negative. Of a job with replicas the replicas are the answers, each of its assignee.

    Raises:
        UserError: the server fails, or a task's labels were changed.
    """
    tasks = {number: PushedTask(number, task) for number, task in queue.tasks()}
    work = RemoteWork()
    for batch in link.batches:
        if batch.task is None or not existing_task(cvat, batch.task).size:
            continue
        meta = cvat.meta(batch.task)
        frames = frames_of(meta, {number: tasks[number] for number in batch.tasks})
        classes = {label: number for number, label in enumerate(label_ids(cvat, batch.task, queue.info))}
        work.images += len(frames)
        work.foreign += len(meta.frames or []) - len(frames)
        for number in sorted(frames.keys() & set(meta.deleted_frames)):
            task, _ = frames.pop(number)
            work.notes.append(f"{task.task.source_ref}: its frame was deleted there, so it has no answer")
        jobs = [job for job in cvat.jobs(batch.task) if job.type != "ground_truth"]
        with_replicas = {job.parent_job_id for job in jobs}
        for job in jobs:
            if job.id not in with_replicas:
                in_job = range(job.start_frame, job.stop_frame + 1)
                _read_job(cvat, job, {number: frames[number] for number in in_job if number in frames}, classes, work)
    return work


def _read_job(cvat: Cvat, job: Job, frames: _OurFrames, classes: Mapping[int, int], work: RemoteWork) -> None:
    if not job.finished:
        work.unfinished.update(task.id for task, _ in frames.values())
        return
    annotations = cvat.annotations(job.id)
    if annotations.tracks:
        work.left_out.append(f"job {job.id} has tracks, which cross frames: draw its boxes as shapes")
        return
    shapes: dict[int, list[Shape]] = defaultdict(list)
    for shape in annotations.shapes:
        shapes[shape.frame].append(shape)
    reviewer = f"cvat:{job.assignee.username if job.assignee else f'job-{job.id}'}"
    # CVAT has one time for the job, and none of work.
    submitted = job.updated_date or datetime.now(timezone.utc)
    for number, (task, frame) in frames.items():
        boxes = _boxes(shapes[number], task.task, frame, classes, work)
        if boxes is not None:
            work.answers.append(PulledAnswer(task.id, reviewer, Outcome.BOXES, boxes, submitted))


def _boxes(
    shapes: Sequence[Shape], task: NewTask, frame: Frame, classes: Mapping[int, int], work: RemoteWork
) -> tuple[DrawnBox, ...] | None:
    shown, stored = (frame.width, frame.height), (task.width, task.height)
    if all(shown) and all(stored) and shown != stored:
        work.left_out.append(
            f"{task.source_ref}: it was shown with {shown[0]} x {shown[1]} pixels, and is stored with {stored[0]} x "
            f"{stored[1]}: push images with an EXIF orientation with --upload"
        )
        return None
    boxes = []
    for shape in shapes:
        if shape.type != "rectangle" or len(shape.points) != 4 or shape.label_id not in classes:
            work.left_out.append(
                f"{task.source_ref}: a shape is {shape.type}: only rectangles are boxes; draw one and delete the shape"
            )
            return None
        left, top, right, bottom = shape.points
        corners = (left, top, right, bottom)
        if shape.rotation % 360:
            # CVAT turns boxes about their middle.
            corners = enclosing(corners, ((left + right) / 2, (top + bottom) / 2), shape.rotation)
            work.notes.append(f"{task.source_ref}: a rotated box became the upright box around it")
        class_id = classes[shape.label_id]
        boxes.append(DrawnBox(class_id, corners, _shown_place(task, class_id, corners)))
    return tuple(boxes)


def _shown_place(task: NewTask, class_id: int, corners: Sequence[float]) -> int | None:
    """Return the place of the shown box that was left as it was; CVAT keeps no trace of others."""
    for place, box in enumerate(task.boxes):
        if box.counted and (class_id, *map(round, corners)) == (
            *(box.class_id, box.left, box.top),
            *(box.left + box.width, box.top + box.height),
        ):
            return place
    return None
