"""Writer of Ground Truth's worker responses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

import msgspec

from groundloop.labels.formats.answer_content import ELEMENT, answer_json
from groundloop.labels.formats.worker_response.job_folder import RESPONSES
from groundloop.labels.worker_answers import WorkerAnswer


def worker_response_json(answers: Sequence[WorkerAnswer], element: str = ELEMENT) -> bytes:
    """Return the content of the file with the answers to one image.

    Args:
        answers: of its workers; all have boxes, or none as a negative.
        element: name of the `crowd-bounding-box` in the job's template.

    Raises:
        ValueError: an answer has another outcome.
    """
    return msgspec.json.encode({"answers": [answer_json(answer, element) for answer in answers]})


def worker_response_key(object_id: int, written: datetime, iteration: int = 1) -> str:
    """Return where the answers to one image lie below the output folder of a job.

    Args:
        object_id: 0-based line of the input manifest.
        written: when the last answer came.
        iteration: of the job.

    Example:
        >>> worker_response_key(3, datetime(2019, 4, 18, 16, 40, 33, tzinfo=timezone.utc))
        'annotations/worker-response/iteration-1/3/2019-04-18_16:40:33.json'
    """
    time = written.astimezone(timezone.utc)
    return f"{RESPONSES}iteration-{iteration}/{object_id}/{time:%Y-%m-%d_%H:%M:%S}.json"
