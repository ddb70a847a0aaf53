"""A queue as the output of a Ground Truth labelling job, or of A2I's human loops: for tools that read those.

Answers of each worker, under pseudonyms. What neither format has a place for stays in the queue: skipped, unsure and
bad images, answers that came late, decide between others, or were changed later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import METADATA
from groundloop.labels.classes import ClassList
from groundloop.labels.formats.a2i import input_content, output_json, output_key
from groundloop.labels.formats.worker_response import worker_response_json, worker_response_key
from groundloop.labels.formats.worker_response.job_folder import OUTPUT_MANIFEST
from groundloop.labels.label_input import LOCAL_PREFIX
from groundloop.labels.label_types import DETECTION_TYPE
from groundloop.labels.manifest import source_ref_of
from groundloop.labels.review_key import REVIEW_KEY, review_value
from groundloop.labels.worker_answers import WorkerAnswer
from groundloop.review.finish import as_manifest, finished, image_uri
from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.reviewers import pseudonym
from groundloop.review.wire import Shown
from groundloop.review.worker_answers import queue_answers

#: The label attribute of the boxes that were shown.
SHOWN_ATTRIBUTE = "shown"
_ACCOUNT = "123456789012"
_REGION = "us-east-1"


class ExportFormat(str, Enum):
    """What a queue can be exported as."""

    A2I = "a2i"
    WORKER_RESPONSE = "worker-response"


@dataclass(frozen=True, slots=True)
class Export:
    """The files of an export.

    Attributes:
        files: content by name below the folder.
        images: on which there are answers.
        answers: that are in the files.
        left_out: answers that are not, since they are no labels or were changed later.
    """

    files: Mapping[str, bytes]
    images: int
    answers: int
    left_out: int


def exported(queue: Queue, form: ExportFormat) -> Export:
    """Return a queue's answers as the files of another service.

    Raises:
        UserError: no image has an answer that is a label yet.
    """
    info, prefix = queue.info, image_prefix_of(queue.info)
    every = list(queue_answers(queue))
    tasks = list(queue.tasks())
    answered: dict[int, list[WorkerAnswer]] = defaultdict(list)
    for one in every:
        if one.is_label:
            outside = pseudonym(info.name, one.answer.worker)
            answered[one.task].append(replace(one.answer, image=image_uri(one.answer.image, prefix), worker=outside))
    if not answered:
        raise UserError(f"{info.name}: no image has an answer that is a label yet: groundloop review serve {info.name}")
    if form is ExportFormat.A2I:
        files = dict(_human_loops(info, tasks, answered))
    else:
        files = {
            OUTPUT_MANIFEST: as_manifest(_manifest_lines(queue, tasks, prefix, _first_time(answered))),
            **dict(_worker_responses(tasks, answered)),
        }
    count = sum(map(len, answered.values()))
    return Export(files, len(answered), count, len(every) - count)


def image_prefix_of(info: QueueInfo) -> str:
    """Return the S3 prefix of a queue's images; for a folder that is not in S3, that of the offline AWS."""
    if not info.images or info.image_prefix:
        return info.image_prefix
    return f"{LOCAL_PREFIX}{Path(info.images).name}/"


def _human_loops(
    info: QueueInfo, tasks: Sequence[tuple[int, NewTask]], answered: Mapping[int, Sequence[WorkerAnswer]]
) -> Iterator[tuple[str, bytes]]:
    flow = info.name.lower()
    arn = f"arn:aws:sagemaker:{info.region or _REGION}:{_ACCOUNT}:flow-definition/{flow}"
    for number, task in tasks:
        if answers := answered.get(number):
            content = input_content(answers[0].image, info.classes, answers[0].shown)
            content[REVIEW_KEY] = _review(info, task)
            loop = f"{flow}-{number}"
            yield output_key(flow, min(_times(answers)), loop), output_json(arn, loop, content, answers)


def _worker_responses(
    tasks: Sequence[tuple[int, NewTask]], answered: Mapping[int, Sequence[WorkerAnswer]]
) -> Iterator[tuple[str, bytes]]:
    for line, (number, _) in enumerate(tasks):
        if answers := answered.get(number):
            yield worker_response_key(line, max(_times(answers))), worker_response_json(answers)


def _times(answers: Iterable[WorkerAnswer]) -> list[datetime]:
    return [time for answer in answers for time in (answer.accepted, answer.submitted) if time]


def _first_time(answered: Mapping[int, Sequence[WorkerAnswer]]) -> str:
    first = min(time for answers in answered.values() for time in _times(answers))
    return first.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds")


def _manifest_lines(
    queue: Queue, tasks: Sequence[tuple[int, NewTask]], prefix: str, first_time: str
) -> Iterator[bytes]:
    """Yield a line for each task, as the input manifest has one: what was shown, and the label where there is one."""
    info = queue.info
    labels = {source_ref_of(line): line for line in finished(queue, prefix).lines}
    fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
    for _, task in tasks:
        uri = image_uri(task.source_ref, prefix)
        line: dict[str, Any] = {"source-ref": uri}
        if uri in labels:
            line |= fields.decode(labels[uri])
        line.setdefault(REVIEW_KEY, _review(info, task))
        if task.shown is not Shown.NOTHING:
            line |= _shown(info, task, first_time)
        yield msgspec.json.encode(line)


def _shown(info: QueueInfo, task: NewTask, created: str) -> dict[str, Any]:
    boxes = [box for box in task.boxes if box.counted]
    return {
        SHOWN_ATTRIBUTE: {
            "image_size": [{"width": task.width, "height": task.height, "depth": 3}],
            "annotations": [
                {"class_id": box.class_id, "left": box.left, "top": box.top, "width": box.width, "height": box.height}
                for box in boxes
            ],
        },
        SHOWN_ATTRIBUTE + METADATA: {
            "objects": [{"confidence": box.score or 0} for box in boxes],
            "class-map": ClassList(info.classes).class_map,
            "type": DETECTION_TYPE,
            "human-annotated": "no" if task.shown is Shown.MODEL else "yes",
            "creation-date": created,
            "job-name": f"labeling-job/{info.name}-{SHOWN_ATTRIBUTE}",
        },
    }


def _review(info: QueueInfo, task: NewTask) -> dict[str, object]:
    return review_value(queue=info.name, selected_by=task.selected_by, shown=task.shown.value)
