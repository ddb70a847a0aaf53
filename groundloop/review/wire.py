"""What the page and the server send each other, as JSON; coordinates are pixels of the image as it is stored."""

from __future__ import annotations

from enum import Enum

import msgspec

from groundloop.labels.worker_answers import MAX_BOXES as MAX_BOXES
from groundloop.labels.worker_answers import Outcome as Outcome
from groundloop.review.problems import Problem

_MAX_COMMENT = 2000


class Shown(str, Enum):
    """Whose boxes the reviewer sees at first."""

    MODEL = "model"
    LABELS = "labels"
    NOTHING = "nothing"


class ShownBox(msgspec.Struct, frozen=True, kw_only=True):
    """A box that the reviewer sees at first.

    Attributes:
        score: of the detection; None for a label.
        counted: whether its score reaches the class's threshold. Others are not part of the answer until taken.
        person: for an adjudicator, which of the people drew it, from 0; None for the boxes that they agree on.
    """

    class_id: int
    left: int
    top: int
    width: int
    height: int
    score: float | None = None
    counted: bool = True
    person: int | None = None


class AnsweredBox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A box of an answer.

    Attributes:
        from_: position of the shown box that it was made from; None for one that the reviewer drew.
    """

    class_id: int
    left: int
    top: int
    width: int
    height: int
    from_: int | None = msgspec.field(default=None, name="from")


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One reviewer's answer to one task.

    Attributes:
        client_id: chosen by the page, once for each answer: sending an answer again stores nothing.
        lease: token of the lease under which the image was reviewed.
        accepted_at, submitted_at: when the image was shown and when the answer was given, ISO 8601.
        seconds: of them, how long the reviewer was active; 0 where nobody measured it.
        adjudicates: whether the reviewer saw the boxes of the others, to decide between them.
    """

    client_id: str
    task: int
    lease: str
    outcome: Outcome
    boxes: tuple[AnsweredBox, ...] = ()
    comment: str | None = None
    accepted_at: str
    submitted_at: str
    seconds: float = 0.0
    adjudicates: bool = False


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One image to review.

    Attributes:
        why: the reasons for which it was chosen.
        expected_mistakes: how many mistakes the model is expected to have made on it; None where no model was asked.
        boxes: what is shown at first.
        grid: whether it can be accepted among many.
        answer: the reviewer's own last answer.
        people: how many answered it before, where the reviewer is to decide between them; 0 for other tasks.
        bad_image: how many of them called the image bad.
    """

    id: int
    name: str
    width: int
    height: int
    lease: str
    shown: Shown
    why: tuple[str, ...]
    expected_mistakes: float | None
    boxes: tuple[ShownBox, ...]
    grid: bool
    answer: Answer | None
    people: int = 0
    bad_image: int = 0


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a queue is.

    Attributes:
        answered: tasks that somebody has answered; `mine` of them by this reviewer.
        left: tasks that this reviewer can still be given.
        waiting: answered tasks that wait for one more person; `adjudication`: for somebody who decides.
        median_seconds: of active work on an image, over the last answers of this reviewer.
    """

    total: int
    answered: int
    mine: int
    left: int
    median_seconds: float | None
    waiting: int = 0
    adjudication: int = 0


class QueueClass(msgspec.Struct, frozen=True):
    """A class of the list, with the colour of its boxes."""

    id: int
    name: str
    color: str


class QueuePage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs to know of the queue."""

    name: str
    classes: tuple[QueueClass, ...]
    instructions: str | None
    reviewer: str
    mode: str
    lease_seconds: float
    class_unsure_edges: tuple[int, ...]
    progress: Progress


class NextRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for tasks: `have` are the ids that the page holds already, unsent answers included."""

    have: tuple[int, ...] = ()
    count: int = 4
    grid: bool = False


class NextTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks, leased to the reviewer."""

    tasks: tuple[Task, ...]
    progress: Progress


class TaskIds(msgspec.Struct, frozen=True):
    """Ids of tasks."""

    tasks: tuple[int, ...]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The reply to an answer, which is on the disk now.

    Attributes:
        late: whether another reviewer had the task in the meantime.
    """

    stored: bool
    late: bool
    progress: Progress


def answer_problem(answer: Answer, width: int, height: int, classes: int) -> Problem | None:
    """Return why an answer to a task can't be right; None when it can.

    Args:
        answer: what the page sent.
        width, height: of the task's image, pixels; 0 where they are not known.
        classes: how many there are.
    """
    if not 8 <= len(answer.client_id) <= 64:
        return Problem("answer_client_id")
    if len(answer.boxes) > MAX_BOXES:
        return Problem("answer_too_many_boxes", {"boxes": len(answer.boxes), "limit": MAX_BOXES})
    if answer.boxes and answer.outcome in (Outcome.SKIP, Outcome.BAD_IMAGE):
        return Problem("answer_no_boxes", {"outcome": answer.outcome.value})
    if len(answer.comment or "") > _MAX_COMMENT:
        return Problem("answer_long_comment", {"limit": _MAX_COMMENT})
    if not 0 <= answer.seconds < float("inf"):
        return Problem("answer_seconds")
    for number, box in enumerate(answer.boxes, start=1):
        if not 0 <= box.class_id < classes:
            return Problem("box_class", {"box": number, "class_id": box.class_id, "last": classes - 1})
        if box.width < 1 or box.height < 1:
            return Problem("box_empty", {"box": number, "width": box.width, "height": box.height})
        if (
            box.left < 0
            or box.top < 0
            or (width and box.left + box.width > width)
            or (height and box.top + box.height > height)
        ):
            return Problem("box_outside", {"box": number, "width": width, "height": height})
    return None
