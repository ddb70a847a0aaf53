"""Where answers are: in a queue, a labelling job's output folder, or outputs of human loops; the content tells."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from pathlib import Path

from groundloop.errors import UserError
from groundloop.labels.formats.a2i import is_output, loop_answers
from groundloop.labels.formats.answer_files import answer_files
from groundloop.labels.formats.worker_response import is_response, response_answers
from groundloop.labels.worker_answers import AnswerFinding, WorkerAnswer, newest_answers
from groundloop.review.export import image_prefix_of
from groundloop.review.finish import image_uri
from groundloop.review.queue import FILE_NAME, Queue
from groundloop.review.reviewers import pseudonym
from groundloop.review.worker_answers import queue_answers

_INSIDE_JOB = re.compile(r"/annotations(/worker-response(/.*)?)?/?$")


class SourceKind(str, Enum):
    """The kinds of sources."""

    QUEUE = "queue"
    WORKER_RESPONSE = "worker-response"
    A2I = "a2i"


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """The answers of a source.

    Attributes:
        kind: what it is.
        name: of the queue, or the place.
        answers: oldest first, under pseudonyms where it is a queue.
        labels: those of them that are their worker's own label of the image, one of each worker.
        findings: what could not be read.
        reviewers: the reviewers of a queue by their pseudonyms.
        images: how many images the queue has; None elsewhere.
        unfinished: how many of them wait for an answer.
        missing: how many answers they wait for.
    """

    kind: SourceKind
    name: str
    answers: tuple[WorkerAnswer, ...]
    labels: tuple[WorkerAnswer, ...]
    findings: tuple[AnswerFinding, ...] = ()
    reviewers: Mapping[str, str] = field(default_factory=dict)
    images: int | None = None
    unfinished: int | None = None
    missing: int | None = None


def read_source(place: str, region: str | None = None) -> AnswerSource:
    """Read the answers of a queue's folder, or of a folder or S3 prefix with files of Ground Truth or A2I.

    Args:
        place: path or S3 URI.
        region: AWS region of a bucket; None takes that of the environment.

    Raises:
        UserError: there are no answers at all, or of two kinds.
    """
    path = Path(place)
    folder = path.parent if path.name == FILE_NAME else path
    if (folder / FILE_NAME).is_file():
        with contextlib.closing(Queue.open(folder)) as queue:
            return _queue_source(queue)
    files = answer_files(_INSIDE_JOB.sub("", place), region)
    responses = any(map(is_response, files.names))
    outputs = any(map(is_output, files.names))
    if responses and outputs:
        raise UserError(f"{place}: holds worker responses of a labelling job and outputs of human loops: give one")
    if responses:
        kind, found = SourceKind.WORKER_RESPONSE, response_answers(files)
    elif outputs or len(files.names) == 1:
        kind, found = SourceKind.A2I, loop_answers(files)
    else:
        raise UserError(
            f"{place}: holds neither a queue ({FILE_NAME}), nor annotations/worker-response of a Ground Truth "
            "labelling job, nor output.json files of A2I's human loops"
        )
    if not found.answers:
        first = f": {found.findings[0].message}" if found.findings else ""
        raise UserError(f"{place}: no answer could be read{first}")
    answers = tuple(sorted(found.answers, key=_submitted))
    return AnswerSource(kind, place, answers, newest_answers(answers), found.findings)


def _queue_source(queue: Queue) -> AnswerSource:
    info = queue.info
    prefix = image_prefix_of(info)
    found = [
        replace(
            one,
            answer=replace(
                one.answer,
                image=image_uri(one.answer.image, prefix),
                worker=pseudonym(info.name, one.answer.worker),
            ),
        )
        for one in queue_answers(queue)
    ]
    reviewers = {pseudonym(info.name, name): name for name in queue.answers.by_reviewer()}
    with queue.database.reading() as connection:
        unfinished, missing = connection.execute(
            "SELECT COUNT(*), COALESCE(SUM(missing), 0) FROM task WHERE missing > 0"
        ).fetchone()
    return AnswerSource(
        SourceKind.QUEUE,
        info.name,
        tuple(one.answer for one in found),
        tuple(one.answer for one in found if one.is_label),
        reviewers=reviewers,
        images=queue.progress("").total,
        unfinished=unfinished,
        missing=missing,
    )


def _submitted(answer: WorkerAnswer) -> tuple[bool, float]:
    """Return what to sort by; answers without a time come first, as nobody knows that they are newer."""
    time: datetime | None = answer.submitted
    return (time is not None, time.timestamp() if time else 0.0)
