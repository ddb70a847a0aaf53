"""The output folder of a labelling job, as Ground Truth lays it out.

Layout and shapes: SageMaker developer guide, "Labeling job output data", and the input and output of consolidation
functions in "Annotation consolidation function requirements".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Protocol

import msgspec

from groundloop.labels.attributes import METADATA
from groundloop.labels.box_groups import WorkerBoxes
from groundloop.labels.classes import ClassList
from groundloop.labels.consolidation import consolidated
from groundloop.labels.formats.answer_content import answer_json
from groundloop.labels.formats.dataset import as_json_number
from groundloop.labels.formats.worker_response import worker_response_json
from groundloop.labels.label_types import DETECTION_TYPE
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Box
from groundloop.labels.worker_answers import WorkerAnswer
from groundloop.review.queue import NewTask

CONSOLIDATED = "annotations/consolidated-annotation"
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class LabelOutput(Protocol):
    """What the task type of a job makes of the submissions to an object."""

    def worker_response(self, task: NewTask, answers: Sequence[WorkerAnswer]) -> bytes:
        """Return the content of the file of worker responses."""

    def answer_content(self, task: NewTask, answer: WorkerAnswer) -> dict[str, Any]:
        """Return one worker's answer as the form's fields."""

    def label(self, task: NewTask, answers: Sequence[WorkerAnswer], written: datetime) -> dict[str, Any]:
        """Return `label` and `metadata` of the object in the output manifest."""


@dataclass(frozen=True, slots=True)
class BoxOutput:
    """The output of jobs for bounding boxes and their adjustment.

    Attributes:
        job: name.
        classes: names in the order of their ids.
        element: name of the template's form element.
        earlier: label attribute whose boxes are adjusted; None where images are labelled from nothing.
    """

    job: str
    classes: Sequence[str]
    element: str
    earlier: str | None = None

    def worker_response(self, task: NewTask, answers: Sequence[WorkerAnswer]) -> bytes:
        """Return the content of the file of worker responses."""
        return worker_response_json(answers, self.element)

    def answer_content(self, task: NewTask, answer: WorkerAnswer) -> dict[str, Any]:
        """Return one worker's answer as the form's fields."""
        content: dict[str, Any] = answer_json(answer, self.element)["answerContent"]
        return content

    def label(self, task: NewTask, answers: Sequence[WorkerAnswer], written: datetime) -> dict[str, Any]:
        """Return `label` and `metadata`: boxes consolidated from the submissions.

        Boxes of one worker stay as they are, with a confidence of 0, as Ground Truth has it since 2021.
        """
        result = consolidated([WorkerBoxes(answer.worker, answer.boxes) for answer in answers])
        classes = ClassList(tuple(self.classes))
        metadata: dict[str, Any] = {
            "objects": [{"confidence": round(one.confidence, 2) if len(answers) > 1 else 0} for one in result.boxes],
            "class-map": classes.class_map,
            "type": DETECTION_TYPE,
            "human-annotated": "yes",
            "creation-date": creation_date(written),
            "job-name": f"labeling-job/{self.job}",
        }
        boxes = [one.box for one in result.boxes]
        if self.earlier is not None:
            if is_adjusted(task, boxes, classes.ids):
                metadata["adjustment-status"] = "adjusted"
            else:  # the page has whole pixels, and the earlier boxes may have more
                metadata["adjustment-status"], boxes = "unadjusted", _earlier_boxes(task, self.earlier)
        return {
            "label": {
                "image_size": [{"width": task.width, "height": task.height, "depth": 3}],
                "annotations": [_annotation(box, classes.ids) for box in boxes],
            },
            "metadata": metadata,
        }


def _earlier_boxes(task: NewTask, attribute: str) -> list[Box]:
    record = ManifestReader(attribute).read_line(1, task.line or b"").record
    return list(record.boxes) if record else []


def is_adjusted(task: NewTask, boxes: Iterable[Box], ids: Mapping[str, int]) -> bool:
    """Return whether boxes differ from those that a worker was shown."""
    shown = sorted((box.class_id, box.left, box.top, box.width, box.height) for box in task.boxes)
    return shown != sorted((ids[box.class_name], box.left, box.top, box.width, box.height) for box in boxes)


def _annotation(box: Box, ids: Mapping[str, int]) -> dict[str, Any]:
    sides = {side: as_json_number(getattr(box, side)) for side in ("left", "top", "width", "height")}
    return {"class_id": ids[box.class_name], **sides}


def failure_of(job: str, reason: str, written: datetime) -> dict[str, Any]:
    """Return the metadata of an object that could not be labelled."""
    return {
        "failure-reason": reason,
        "type": DETECTION_TYPE,
        "human-annotated": "yes",
        "creation-date": creation_date(written),
        "job-name": f"labeling-job/{job}",
    }


def creation_date(moment: datetime) -> str:
    """Return a time as Ground Truth writes it into manifests: UTC without an offset, with microseconds."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds")


def consolidation_request(
    objects: Sequence[tuple[int, NewTask, Sequence[WorkerAnswer]]], output: LabelOutput
) -> list[dict[str, Any]]:
    """Return what Ground Truth gives its consolidation function: the submissions to some objects, by position."""
    return [
        {
            "datasetObjectId": str(position),
            "dataObject": {"s3Uri": task.source_ref},
            "annotations": [
                {
                    "workerId": answer.worker,
                    "annotationData": {"content": json.dumps(output.answer_content(task, answer), ensure_ascii=False)},
                }
                for answer in answers
            ],
        }
        for position, task, answers in objects
    ]


def consolidation_response(attribute: str, results: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the consolidation function answers: the labels of some objects, by position."""
    return [
        {
            "datasetObjectId": str(position),
            "consolidatedAnnotation": {
                "content": {attribute: result["label"], attribute + METADATA: result["metadata"]}
            },
        }
        for position, result in results.items()
    ]


def output_manifest(lines: Sequence[bytes], attribute: str, results: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return the output manifest: the lines of the input in their order, with the labels that there are.

    Args:
        lines: of the input manifest; their other keys stay byte for byte.
        attribute: the job's label attribute.
        results: by position as text.
    """
    written = []
    for position, line in enumerate(lines):
        result = results.get(str(position))
        if result is None:
            written.append(line)
            continue
        fields: dict[str, Any] = dict(_FIELDS.decode(line))
        for key in (attribute, attribute + METADATA):
            fields.pop(key, None)
        if result["label"] is not None:
            fields[attribute] = result["label"]
        fields[attribute + METADATA] = result["metadata"]
        written.append(msgspec.json.encode(fields))
    return b"".join(line + b"\n" for line in written)
