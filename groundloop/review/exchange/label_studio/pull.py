"""From a Label Studio project to answers of the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from groundloop.review.exchange.label_studio.api import Annotation, LabelStudio, Region, RemoteTask
from groundloop.review.exchange.label_studio.push import (
    LABEL_TAG,
    RECTANGLE,
    LabelStudioLink,
    check_labels,
    existing_project,
)
from groundloop.review.exchange.pulled import DrawnBox, PulledAnswer, RemoteWork, enclosing
from groundloop.review.queue import NewTask, Queue
from groundloop.review.wire import Outcome


def label_studio_work(queue: Queue, studio: LabelStudio, link: LabelStudioLink) -> RemoteWork:
    """Return the work that people have done on a queue in Label Studio.

    A submitted annotation is an answer, one without boxes a negative; a skipped task is skipped. Of several
    annotations of one person the last counts.

    Raises:
        UserError: the server fails, or the project's labels were changed.
    """
    project = existing_project(studio, link)
    check_labels(project, queue.info, studio.server.url)
    tasks = dict(queue.tasks())
    classes = {name: number for number, name in enumerate(queue.info.classes)}
    emails = studio.emails()
    work = RemoteWork()
    seen: set[int] = set()
    for remote in studio.tasks(project.id, annotations=True):
        number = remote.data.get("groundloop_task")
        if remote.data.get("groundloop_queue") != link.key or number not in tasks:
            work.foreign += 1
            continue
        seen.add(number)
        last = _last_annotations(remote)
        if not last or remote.drafts:
            work.unfinished.add(number)
        for annotation in last:
            answer = _answer(annotation, number, tasks[number], classes, emails, work)
            if answer is not None:
                work.answers.append(answer)
    work.images = len(seen)
    return work


def _last_annotations(remote: RemoteTask) -> list[Annotation]:
    """Return the newest annotation of each person."""
    last: dict[int | None, Annotation] = {}
    for annotation in sorted(remote.annotations, key=lambda one: (one.updated_at, one.id)):
        last[annotation.completed_by] = annotation
    return list(last.values())


def _answer(
    annotation: Annotation,
    number: int,
    task: NewTask,
    classes: Mapping[str, int],
    emails: Mapping[int, str],
    work: RemoteWork,
) -> PulledAnswer | None:
    person = annotation.completed_by
    name = emails.get(person, f"user-{person}") if person is not None else "nobody"
    answer = PulledAnswer(
        task=number,
        reviewer=f"label-studio:{name}",
        outcome=Outcome.SKIP,
        boxes=(),
        submitted=annotation.updated_at,
        seconds=max(0.0, annotation.lead_time or 0.0),
    )
    if annotation.was_cancelled:
        return answer
    boxes = []
    for region in annotation.result:
        if not _is_shape(region):
            continue
        box = _box(region, task, classes)
        if isinstance(box, str):
            work.left_out.append(f"{task.source_ref}: {box}")
            return None
        if region.value.get("rotation", 0):
            work.notes.append(f"{task.source_ref}: a rotated box became the upright box around it")
        boxes.append(box)
    return replace(answer, outcome=Outcome.BOXES, boxes=tuple(boxes))


def _is_shape(region: Region) -> bool:
    """Return whether a region lies somewhere on the image; others are choices, texts and relations."""
    return not {"x", "points", "vertices", "rle"}.isdisjoint(region.value)


def _box(region: Region, task: NewTask, classes: Mapping[str, int]) -> DrawnBox | str:
    """Return a region as a box, or why it can't be one."""
    if region.type != RECTANGLE:
        return f"a region is {region.type}: only rectangles are boxes; draw one and delete the region"
    names = region.value.get(RECTANGLE) or []
    if len(names) != 1 or names[0] not in classes:
        return f"a box has the labels {names}: give it exactly one of {LABEL_TAG!r}"
    shown, stored = (region.original_width or 0, region.original_height or 0), (task.width, task.height)
    turned_by = (region.image_rotation or 0) % 360
    if (all(stored) and all(shown) and shown != stored) or turned_by:
        return (
            f"it was shown with {shown[0]:g} x {shown[1]:g} pixels and turned by {turned_by:g} degrees, and is "
            f"stored with {stored[0]} x {stored[1]}: push images with an EXIF orientation with --upload, and turn "
            "none there"
        )
    width, height = stored if all(stored) else shown
    x, y = region.value["x"] * width / 100, region.value["y"] * height / 100
    corners = (x, y, x + region.value["width"] * width / 100, y + region.value["height"] * height / 100)
    # Label Studio turns boxes about their top left corner.
    turned = enclosing(corners, (x, y), region.value.get("rotation") or 0)
    place = region.id.removeprefix("shown-")
    known = region.id.startswith("shown-") and place.isdecimal() and int(place) < len(task.boxes)
    return DrawnBox(classes[names[0]], turned, int(place) if known else None)
