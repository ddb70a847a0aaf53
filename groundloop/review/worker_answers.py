"""The answers of a queue as those of single workers, as Ground Truth and A2I know them too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from groundloop.labels.formats.answer_content import time_of
from groundloop.labels.records import Box
from groundloop.labels.worker_answers import Outcome, WorkerAnswer
from groundloop.review.decisions import Demand, StoredAnswer, counted_of, opinions
from groundloop.review.leases import AUDIT
from groundloop.review.queue import NewTask, Queue
from groundloop.review.wire import Answer, AnsweredBox, Shown, ShownBox


@dataclass(frozen=True, slots=True)
class QueueAnswer:
    """An answer of a queue.

    Attributes:
        task: id of its task.
        answer: of the reviewer.
        is_label: whether it is the reviewer's own label of the image; not one that was skipped, came late, decides
            between others, or was changed later.
    """

    task: int
    answer: WorkerAnswer
    is_label: bool


def queue_answers(queue: Queue) -> Iterator[QueueAnswer]:
    """Yield all answers of a queue, oldest first; workers have the reviewers' names."""
    tasks = dict(queue.tasks())
    stored = list(queue.answers.stored())
    by_task: dict[int, list[StoredAnswer]] = defaultdict(list)
    for one in stored:
        by_task[one.task].append(one)
    labels = {
        one.id
        for task, answers in by_task.items()
        for one in _labels(answers, queue.info.demand(queue.info.answers_wanted(tasks[task])))
    }
    for one in stored:
        found = worker_answer(tasks[one.task], one.reviewer, one.answer, queue.info.classes, late=one.late)
        # The page's own clock says when; where it said nothing that is a time, the server's does.
        if found.submitted is None:
            found = replace(found, submitted=datetime.fromtimestamp(one.received, timezone.utc))
        yield QueueAnswer(one.task, found, one.id in labels)


def _labels(stored: Sequence[StoredAnswer], demand: Demand) -> list[StoredAnswer]:
    """Return the answers that are their reviewer's label of the image: in time, or late where those count."""
    counted = counted_of(stored, demand)
    given = opinions(stored)
    if not counted.adjudicated:
        missing = set(counted.reviewers).difference(one.reviewer for one in given)
        given += [one for one in opinions(stored, late=True) if one.reviewer in missing]
    return [one for one in given if one.answer.outcome is Outcome.BOXES]


def worker_answer(
    task: NewTask, worker: str, answer: Answer, classes: Sequence[str], *, late: bool = False
) -> WorkerAnswer:
    """Return an answer of the page as that of a worker.

    Args:
        task: the image that it is about.
        worker: name of the reviewer, or a pseudonym.
        answer: as the page sent it.
        classes: names in id order.
        late: whether another reviewer had the image by then.
    """
    unaided = task.shown is Shown.NOTHING
    return WorkerAnswer(
        task.source_ref,
        worker,
        _boxes(answer.boxes, classes),
        answer.outcome,
        task.width,
        task.height,
        time_of(answer.accepted_at),
        time_of(answer.submitted_at),
        # In milliseconds, as files hold them; 0 where nobody measured, such as in another tool.
        round(answer.seconds, 3) or None,
        None if unaided else _boxes((box for box in task.boxes if box.counted), classes),
        answer.comment or "",
        late,
        answer.adjudicates,
        unaided and task.selected_by == AUDIT,
    )


def _boxes(boxes: Iterable[AnsweredBox | ShownBox], classes: Sequence[str]) -> tuple[Box, ...]:
    return tuple(Box(classes[box.class_id], box.left, box.top, box.width, box.height) for box in boxes)
