"""From a queue to a Label Studio project. Each step looks what is there already, so it can be interrupted anywhere."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from os.path import commonpath
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from groundloop.aws import offline_endpoint
from groundloop.errors import UserError
from groundloop.review.exchange.http import AGAIN, RejectedRequestError
from groundloop.review.exchange.label_studio.api import LabelStudio, Project
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
from groundloop.review.wire import Shown, ShownBox
from groundloop.s3 import split_uri

#: Names of the tags in the labelling interface, to which regions refer.
IMAGE_TAG, LABEL_TAG = "image", "label"
RECTANGLE = "rectanglelabels"
_MAX_TITLE = 50
#: Tasks of one import, far below Label Studio's 250,000 and 200 MB.
_IMPORTED_TASKS = 100
_PRESIGNED_MINUTES = 60


class LabelStudioLink(Link, kw_only=True):
    """The project of a queue; its id is None until it is known to be there."""

    project: int | None = None


def push_to_label_studio(
    queue: Queue, studio: LabelStudio, link: LabelStudioLink | None, path: Path, images: UploadedImages, *, upload: bool
) -> Pushed:
    """Push the images that need an answer and aren't there yet.

    Args:
        link: of an earlier push.
        path: file of the link.
        images: are uploaded if they are files.
        upload: whether images in S3 are uploaded too, instead of connecting the project with their bucket.

    Raises:
        UserError: the server fails, or the project was changed so that answers would be lost.
    """
    link = link or LabelStudioLink(url=studio.server.url, key=new_key())
    write_link(path, link)
    project = _project(queue.info, studio, link)
    if link.project is None:
        link.project = project.id
        write_link(path, link)
    check_labels(project, queue.info, studio.server.url)
    there = _there(studio, project.id, link.key)
    missing = [pushed for pushed in unanswered_tasks(queue) if pushed.id not in there]
    sent_as_files = [pushed for pushed in missing if upload or not pushed.in_s3]
    _connect_buckets(studio, project.id, queue.info, set(missing) - set(sent_as_files))
    uploaded = {number: one.file for one in studio.uploads(project.id) if (number := task_of_file(one.file))}
    by_file = {pushed.id for pushed in sent_as_files}
    # A server below a path of its host shows that path to the browser.
    below = f"{urlsplit(studio.server.url).path}/data/"
    for batch in _batches(missing, _IMPORTED_TASKS):
        _upload(studio, project.id, images, [one for one in batch if one.id in by_file and one.id not in uploaded])
        if not by_file.isdisjoint(one.id for one in batch):
            uploaded |= {number: one.file for one in studio.uploads(project.id) if (number := task_of_file(one.file))}
        lost = [one.task.source_ref for one in batch if one.id in by_file and one.id not in uploaded]
        if lost:
            raise UserError(f"Label Studio at {studio.server.url} did not keep {lost[0]}: free space there; {AGAIN}")
        names = {one.id: below + uploaded[one.id] if one.id in by_file else one.task.source_ref for one in batch}
        studio.import_tasks(project.id, [remote_task(one, queue.info, names[one.id], link.key) for one in batch])
    return Pushed(
        url=f"{studio.server.url}/projects/{project.id}/data",
        new=len(missing),
        known=len(there),
        boxes=sum(len(one.boxes) for one in missing),
    )


def _there(studio: LabelStudio, project: int, key: str) -> set[int]:
    """Return the queue's ids of the tasks that a project has."""
    return {
        int(task.data["groundloop_task"])
        for task in studio.tasks(project, annotations=False)
        if task.data.get("groundloop_queue") == key
    }


def check_labels(project: Project, info: QueueInfo, url: str) -> None:
    """Check that the project's labels are the queue's classes.

    Raises:
        UserError: they are not (any more).
    """
    tag = project.parsed_label_config.get(LABEL_TAG)
    changed = changed_labels(info.classes, tag.labels if tag and tag.type.lower() == RECTANGLE else [])
    if changed:
        raise UserError(
            f"the labels of project {project.id} were changed: it {changed}: restore them in {url}/projects/"
            f"{project.id}/settings/labeling (RectangleLabels named {LABEL_TAG!r})"
        )


def label_config(classes: Iterable[str]) -> str:
    """Return the labelling interface for boxes of some classes.

    Example:
        >>> label_config(["M3 <short>"]).count('<Label value="M3 &lt;short&gt;"/>')
        1
    """
    labels = "".join(f"<Label value={quoteattr(name)}/>" for name in classes)
    return (
        f'<View><Image name="{IMAGE_TAG}" value="$image" zoom="true"/>'
        f'<RectangleLabels name="{LABEL_TAG}" toName="{IMAGE_TAG}">{labels}</RectangleLabels></View>'
    )


def _project(info: QueueInfo, studio: LabelStudio, link: LabelStudioLink) -> Project:
    if link.project is not None:
        return existing_project(studio, link)
    title = f"groundloop {info.name}"[:_MAX_TITLE]
    content = {
        "title": title,
        "description": f"The queue {info.name} of groundloop, {link.key}",
        "label_config": label_config(info.classes),
        # In the order of import, which is the queue's.
        "sampling": "Sequential sampling",
        "show_collab_predictions": True,
        # Without boxes an image is a negative.
        "enable_empty_annotation": True,
        "expert_instruction": info.instructions or "",
        "show_instruction": bool(info.instructions),
        "maximum_annotations": info.answers,
    }
    return studio.project_with(link.key, title) or studio.create_project(content)


def existing_project(studio: LabelStudio, link: LabelStudioLink) -> Project:
    """Return the project of a link.

    Raises:
        UserError: it is gone.
    """
    project = studio.project(link.project) if link.project is not None else None
    if project is None:
        raise UserError(
            f"project {link.project} is not in Label Studio at {studio.server.url} any more, or not for the owner of "
            "the token: delete label-studio.json in the queue's folder to push it anew"
        )
    return project


def _connect_buckets(studio: LabelStudio, project: int, info: QueueInfo, tasks: Iterable[PushedTask]) -> None:
    keys: dict[str, list[str]] = defaultdict(list)
    for pushed in tasks:
        bucket, key = split_uri(pushed.task.source_ref)
        keys[bucket].append(key)
    for bucket, names in sorted(keys.items()):
        content: dict[str, object] = {
            "project": project,
            "title": f"groundloop {info.name}",
            "bucket": bucket,
            "prefix": commonpath([name.rpartition("/")[0] for name in names]),
            "region_name": info.region,
            "presign": True,
            "presign_ttl": _PRESIGNED_MINUTES,
        }
        if endpoint := offline_endpoint():
            content["s3_endpoint"] = endpoint
        if studio.s3_storage(project, bucket) is not None:
            continue
        try:
            studio.create_s3_storage(content)
        except RejectedRequestError as error:
            raise UserError(
                f"{error}: Label Studio has to read s3://{bucket}: give its server AWS credentials, or connect the "
                "bucket in the project's settings, or upload the images with --upload"
            ) from None


def _upload(studio: LabelStudio, project: int, images: UploadedImages, tasks: Sequence[PushedTask]) -> None:
    for files in file_groups(images, tasks):
        studio.upload(project, files)


def remote_task(pushed: PushedTask, info: QueueInfo, image: str, key: str) -> dict[str, object]:
    """Return a task as Label Studio imports it."""
    task = pushed.task
    # In the order in which the columns of Label Studio's list appear.
    data: dict[str, object] = {"image": image, "name": task.source_ref}
    if task.expected_mistakes is not None and task.shown is not Shown.NOTHING:
        data["expected_mistakes"] = round(task.expected_mistakes, 3)
    data |= {"groundloop_task": pushed.id, "groundloop_queue": key}
    content: dict[str, object] = {"data": data}
    if pushed.boxes and task.width and task.height:
        prediction: dict[str, object] = {
            "model_version": _model_version(info, task.shown),
            "result": [_region(pushed, place, box, info) for place, box in pushed.boxes],
        }
        if task.expected_mistakes is not None:
            # The probability of no mistake, if they come independently: sorted by it, the most doubtful come first.
            prediction["score"] = round(math.exp(-task.expected_mistakes), 4)
        content["predictions"] = [prediction]
    return content


def _region(pushed: PushedTask, place: int, box: ShownBox, info: QueueInfo) -> dict[str, object]:
    width, height = pushed.task.width, pushed.task.height
    region: dict[str, object] = {
        "id": f"shown-{place}",
        "type": RECTANGLE,
        "from_name": LABEL_TAG,
        "to_name": IMAGE_TAG,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {
            "x": 100 * box.left / width,
            "y": 100 * box.top / height,
            "width": 100 * box.width / width,
            "height": 100 * box.height / height,
            "rotation": 0,
            RECTANGLE: [info.classes[box.class_id]],
        },
    }
    if box.score is not None:
        region["score"] = box.score
    return region


def _model_version(info: QueueInfo, shown: Shown) -> str:
    if shown is Shown.LABELS or info.model is None:
        return "groundloop labels"
    return f"groundloop {info.model.package.rstrip('/').rpartition('/')[2]}"


def _batches(tasks: Sequence[PushedTask], size: int) -> Iterator[Sequence[PushedTask]]:
    for start in range(0, len(tasks), size):
        yield tasks[start : start + size]
