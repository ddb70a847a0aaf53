"""One worker's answer as Ground Truth and A2I write it: the form's fields, who gave it, and when.

Source: Amazon SageMaker developer guide, "crowd-bounding-box" (the element's answer), "Output data" (worker
responses) and "Amazon A2I output data" (humanAnswers).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Annotated, Any

import msgspec

from groundloop.errors import UserError
from groundloop.labels.formats.dataset import as_json_number
from groundloop.labels.formats.disk import decode_json, keys_of
from groundloop.labels.records import Box
from groundloop.labels.worker_answers import MAX_BOXES, Outcome, WorkerAnswer
from groundloop.suggestions import first_of

#: The element's name in the templates of Ground Truth's built-in task.
ELEMENT = "boundingBox"
_COMMENT = "comment"
_FIRST_YEAR, _LAST_YEAR = 1970, 9998

_Side = Annotated[int, msgspec.Meta(ge=1)]


class AnswerJson(msgspec.Struct, rename="camel"):
    """An item of `answers` or `humanAnswers`; files of 2019 and 2020 have the first three keys only."""

    answer_content: dict[str, msgspec.Raw] | list[dict[str, msgspec.Raw]]
    submission_time: str = ""
    worker_id: str = ""
    acceptance_time: str | None = None
    time_spent_in_seconds: Annotated[float, msgspec.Meta(ge=0)] | None = None


class LabelBox(msgspec.Struct):
    """A box as the element reads and writes it: pixels, and the label as text."""

    label: Annotated[str, msgspec.Meta(min_length=1)]
    left: float
    top: float
    width: float
    height: float


class _Size(msgspec.Struct):
    width: _Side
    height: _Side


class _Element(msgspec.Struct, rename="camel"):
    """The answer of a `crowd-bounding-box`."""

    bounding_boxes: list[LabelBox] | None
    input_image_properties: _Size | None = None


def worker_answer(
    where: str, answer: AnswerJson, image: str, shown: tuple[Box, ...] | None, *, blind: bool = False
) -> WorkerAnswer:
    """Return the answer of one worker.

    Args:
        where: file and place in it, for messages.
        answer: as it was read.
        image: S3 URI.
        shown: the boxes that the worker saw at first.
        blind: whether the image was drawn at random and shown without boxes.

    Raises:
        UserError: the answer has no boxes of a `crowd-bounding-box`.
    """
    content = answer.answer_content
    if isinstance(content, list):
        if len(content) != 1:
            raise UserError(f"{where}: answerContent is a list of {len(content)}, not of one: is this file AWS's own?")
        content = content[0]
    element = _element(where, content)
    size = element.input_image_properties
    return WorkerAnswer(
        image,
        answer.worker_id,
        as_boxes(element.bounding_boxes or ()),
        width=size.width if size else 0,
        height=size.height if size else 0,
        accepted=time_of(answer.acceptance_time or ""),
        submitted=time_of(answer.submission_time),
        seconds=answer.time_spent_in_seconds,
        shown=shown,
        comment=text_of(content.get(_COMMENT)),
        blind=blind,
    )


def check_comparable(where: str, answer: WorkerAnswer) -> None:
    """Check that an answer has no more boxes than can be compared with those of others.

    Raises:
        UserError: it has.
    """
    if len(answer.boxes) > MAX_BOXES:
        raise UserError(f"{where}: {len(answer.boxes):,} boxes; at most {MAX_BOXES:,} of an answer can be compared")


def answer_json(answer: WorkerAnswer, element: str) -> dict[str, Any]:
    """Return an answer as an item of `answers` or `humanAnswers`.

    Args:
        answer: whose outcome is boxes. A worker who skips an image declines the task, which leaves no answer.
        element: name of the `crowd-bounding-box` in the template.

    Raises:
        ValueError: the answer has another outcome.
    """
    if answer.outcome is not Outcome.BOXES:
        raise ValueError(f"an answer with the outcome {answer.outcome.value} is none for Ground Truth and A2I")
    drawn: dict[str, Any] = {"boundingBoxes": label_boxes(answer.boxes)}
    if answer.shown is not None:
        drawn["initialValueModified"] = sorted(answer.boxes, key=_order) != sorted(answer.shown, key=_order)
    if answer.width and answer.height:
        drawn["inputImageProperties"] = {"height": answer.height, "width": answer.width}
    written: dict[str, Any] = {}
    if answer.accepted is not None:
        written["acceptanceTime"] = time_text(answer.accepted)
    written["answerContent"] = {element: drawn, **({_COMMENT: answer.comment} if answer.comment else {})}
    if answer.submitted is not None:
        written["submissionTime"] = time_text(answer.submitted)
    if answer.seconds is not None:
        written["timeSpentInSeconds"] = round(answer.seconds, 3)
    return {**written, "workerId": answer.worker}


def _element(where: str, content: dict[str, msgspec.Raw]) -> _Element:
    """Return the one form element that holds boxes, whatever its name; others may stand beside it."""
    found = {name: value for name, value in content.items() if "boundingBoxes" in keys_of(value)}
    if len(found) != 1:
        names = first_of(found or content)
        raise UserError(
            f"{where}: {len(found)} form elements hold boundingBoxes, not one (elements: {names}): give the output of "
            "a task that has one crowd-bounding-box"
        )
    ((name, value),) = found.items()
    return decode_json(f"{where}: {name}", value, _Element)


def as_boxes(boxes: Sequence[LabelBox]) -> tuple[Box, ...]:
    """Return boxes of the element as boxes."""
    return tuple(Box(one.label, one.left, one.top, one.width, one.height) for one in boxes)


def label_boxes(boxes: Sequence[Box]) -> list[dict[str, Any]]:
    """Return boxes as the element writes them."""
    return [
        {
            "height": as_json_number(box.height),
            "label": box.class_name,
            "left": as_json_number(box.left),
            "top": as_json_number(box.top),
            "width": as_json_number(box.width),
        }
        for box in boxes
    ]


def time_of(text: str) -> datetime | None:
    """Return a time, which is UTC where it has no zone; None where it is none, or beyond what any zone can show."""
    try:
        time = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def time_text(time: datetime) -> str:
    """Return a time as Ground Truth and A2I write it: UTC, with milliseconds.

    Example:
        >>> time_text(datetime(2026, 11, 21, 16, 20, 31, 482_000, timezone.utc))
        '2026-11-21T16:20:31.482Z'
    """
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text_of(value: msgspec.Raw | None) -> str:
    """Return a JSON string; "" where there is none, or another value."""
    try:
        return "" if value is None else msgspec.json.decode(value, type=str)
    except msgspec.DecodeError:
        return ""


def _order(box: Box) -> tuple[float, float, float, float, str]:
    return box.left, box.top, box.width, box.height, box.class_name
