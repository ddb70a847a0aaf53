"""The output folder of a labelling job, as Ground Truth lays it out.

Layout and shapes: SageMaker developer guide, "Labeling job output data", and the input and output of consolidation
functions in "Annotation consolidation function requirements".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import msgspec

from groundloop.labels.attributes import METADATA
from groundloop.labels.box_groups import WorkerBoxes
from groundloop.labels.classes import ClassList
from groundloop.labels.consolidation import consolidated
from groundloop.labels.formats.answer_content import answer_json
from groundloop.labels.formats.dataset import as_json_number
from groundloop.labels.label_types import DETECTION_TYPE
from groundloop.labels.records import Box
from groundloop.labels.worker_answers import WorkerAnswer
from groundloop.review.queue import NewTask
from groundloop.review.wire import Shown

CONSOLIDATED = "annotations/consolidated-annotation"
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def label_of(task: NewTask, answers: Sequence[WorkerAnswer], classes: Sequence[str]) -> dict[str, Any]:
    """Return `label` and the `objects` and `adjustment-status` of its metadata, consolidated from submissions.

    Boxes of one worker stay as they are, with a confidence of 0, as Ground Truth has it since 2021.
    """
    result = consolidated([WorkerBoxes(answer.worker, answer.boxes) for answer in answers])
    ids = ClassList(tuple(classes)).ids
    metadata: dict[str, Any] = {"objects": [{"confidence": round(one.confidence, 2)} for one in result.boxes]}
    if len(answers) == 1:
        metadata["objects"] = [{"confidence": 0} for _ in result.boxes]
    if task.shown is Shown.LABELS:
        shown = {(box.class_id, box.left, box.top, box.width, box.height) for box in task.boxes}
        boxes = {
            (ids[one.box.class_name], one.box.left, one.box.top, one.box.width, one.box.height) for one in result.boxes
        }
        metadata["adjustment-status"] = "unadjusted" if boxes == shown else "adjusted"
    return {
        "label": {
            "image_size": [{"width": task.width, "height": task.height, "depth": 3}],
            "annotations": [_annotation(one.box, ids) for one in result.boxes],
        },
        "metadata": metadata,
    }


def _annotation(box: Box, ids: Mapping[str, int]) -> dict[str, Any]:
    sides = {side: as_json_number(getattr(box, side)) for side in ("left", "top", "width", "height")}
    return {"class_id": ids[box.class_name], **sides}


def metadata_of(job: str, classes: Sequence[str], objects: Mapping[str, Any], written: datetime) -> dict[str, Any]:
    """Return the whole metadata of a label."""
    return {
        **objects,
        "class-map": ClassList(tuple(classes)).class_map,
        "type": DETECTION_TYPE,
        "human-annotated": "yes",
        "creation-date": _creation_date(written),
        "job-name": f"labeling-job/{job}",
    }


def failure_of(job: str, reason: str, written: datetime) -> dict[str, Any]:
    """Return the metadata of an object that could not be labelled."""
    return {
        "failure-reason": reason,
        "type": DETECTION_TYPE,
        "human-annotated": "yes",
        "creation-date": _creation_date(written),
        "job-name": f"labeling-job/{job}",
    }


def _creation_date(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds")


def consolidation_request(
    objects: Sequence[tuple[int, NewTask, Sequence[WorkerAnswer]]], element: str
) -> list[dict[str, Any]]:
    """Return what Ground Truth gives its consolidation function: the submissions to some objects, by position."""
    return [
        {
            "datasetObjectId": str(position),
            "dataObject": {"s3Uri": task.source_ref},
            "annotations": [
                {
                    "workerId": answer.worker,
                    "annotationData": {
                        "content": json.dumps(answer_json(answer, element)["answerContent"], ensure_ascii=False)
                    },
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
