"""What an adjudicator sees: the boxes that the others agree on, and each one's boxes where they don't."""

from __future__ import annotations

from collections.abc import Sequence

from groundloop.labels.records import Box
from groundloop.review.decisions import StoredAnswer, consolidated_answers, opinions
from groundloop.review.shown_boxes import pixel_box
from groundloop.review.wire import Outcome, ShownBox


def adjudicated_boxes(stored: Sequence[StoredAnswer], width: int, height: int) -> tuple[ShownBox, ...]:
    """Return the boxes between which somebody decides.

    Args:
        stored: answers to the task, the newest last.
        width, height: of the image, pixels as stored; 0 where they are not known.

    Returns:
        The boxes of the majority, which count, then the others, which don't until taken, with the number of the person.
    """
    given = [one for one in opinions(stored) if one.answer.outcome is Outcome.BOXES]
    if not given:
        return ()
    result = consolidated_answers(given)
    agreed = [_shown(one.box, width, height) for one in result.boxes]
    groups = sorted([*result.without_class_majority, *result.without_quorum])
    return (
        *agreed,
        *(_shown(one.box, width, height, person=one.answer) for group in groups for one in group),
    )


def people_of(stored: Sequence[StoredAnswer]) -> tuple[int, int]:
    """Return how many people answered a task, and how many of them called the image bad."""
    given = opinions(stored)
    return len(given), sum(one.answer.outcome is Outcome.BAD_IMAGE for one in given)


def _shown(box: Box, width: int, height: int, person: int | None = None) -> ShownBox:
    corners = (box.left, box.top, box.left + box.width, box.top + box.height)
    return pixel_box(
        int(box.class_name),
        corners,
        width or round(corners[2]),
        height or round(corners[3]),
        score=None,
        counted=person is None,
        person=person,
    )
