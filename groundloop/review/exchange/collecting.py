"""Pulling from another tool, whichever it is, and deleting there what was pulled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from groundloop.errors import UserError
from groundloop.review.exchange.link import Link, write_link
from groundloop.review.exchange.pulled import Pulled, RemoteWork, store_answers
from groundloop.review.queue import Queue
from groundloop.review.wire import Outcome


def collect(
    queue: Queue,
    link: Link,
    path: Path,
    work: Callable[[], RemoteWork],
    delete: Callable[[], None],
    *,
    cleanup: bool,
) -> Pulled:
    """Store the finished work of a tool as answers; what is not finished stays there.

    Args:
        path: file of the link.
        work: reads what the tool has.
        delete: deletes it there, and succeeds if it is gone already.
        cleanup: whether to delete it, after a second reading shows that all is finished and stored.

    Raises:
        UserError: the tool can't be read, or not all of its work is stored, so that nothing is deleted.
    """
    if cleanup and link.deleting:
        delete()
        path.unlink()
        return Pulled(0, 0, 0, 0, 0, 0, (), (), deleted=True)
    found = work()
    result = _stored(queue, found)
    if not cleanup:
        return result
    again = work()
    later = store_answers(queue, again.answers)
    left_out = [*again.left_out, *later.rejected]
    reasons = [
        f"{len(again.unfinished)} images are not finished" if again.unfinished else "",
        f"{len(left_out)} can't be taken, first {left_out[0]}" if left_out else "",
        f"{again.foreign} images there are not of this queue" if again.foreign else "",
        f"{later.new} answers came in the meantime" if later.new else "",
    ]
    if any(reasons):
        raise UserError(
            f"{result.new} new answers are stored, and nothing is deleted: {'; '.join(filter(None, reasons))}: pull "
            "again when that is settled, or delete it there by hand"
        )
    link.deleting = True
    write_link(path, link)
    delete()
    path.unlink()
    return replace(result, deleted=True)


def _stored(queue: Queue, found: RemoteWork) -> Pulled:
    stored = store_answers(queue, found.answers)
    newest = {answer.task: answer for answer in sorted(found.answers, key=lambda one: one.submitted)}
    return Pulled(
        images=found.images,
        finished=len(newest),
        new=stored.new,
        known=stored.known,
        negatives=sum(one.outcome is Outcome.BOXES and not one.boxes for one in newest.values()),
        skipped=sum(one.outcome is Outcome.SKIP for one in newest.values()),
        left_out=(*found.left_out, *stored.rejected),
        notes=tuple(found.notes),
    )
