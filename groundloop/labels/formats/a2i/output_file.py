"""One `output.json`: the answers of people in one human loop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from groundloop.errors import UserError
from groundloop.images.access import SUFFIXES
from groundloop.labels.formats.answer_content import AnswerJson, LabelBox, as_boxes, label_boxes, text_of, worker_answer
from groundloop.labels.formats.disk import decode_json, decode_text, keys_of, read_bytes
from groundloop.labels.records import Box
from groundloop.labels.review_key import review_of
from groundloop.labels.worker_answers import WorkerAnswer

OUTPUT = "output.json"
KEYS = frozenset({"humanAnswers", "inputContent"})

_IMAGE = "taskObject"
_LABELS = "labels"
_SHOWN = "initialValue"
_URI = re.compile(r"s3://[^/]+/.+", re.DOTALL)


class _Output(msgspec.Struct, rename="camel"):
    input_content: msgspec.Raw = msgspec.Raw(b"{}")
    human_answers: list[AnswerJson] | None = None


@dataclass(frozen=True, slots=True)
class HumanLoop:
    """The content of one file.

    Attributes:
        file: where it was read.
        image: S3 URI; "" when there is no answer on it.
        width, height: of the image, pixels; 0 where no answer says.
        labels: the class names that the workers could choose from, in the order of the loop's input; may be empty.
        worker_answers: none when the loop ended without an answer.
    """

    file: str
    image: str
    width: int
    height: int
    labels: tuple[str, ...]
    worker_answers: tuple[WorkerAnswer, ...]

    @property
    def answers(self) -> tuple[tuple[Box, ...], ...]:
        """Return the boxes of each worker."""
        return tuple(answer.boxes for answer in self.worker_answers)

    @property
    def answered(self) -> datetime | None:
        """Return when the last answer came, if that is said."""
        return max((answer.submitted for answer in self.worker_answers if answer.submitted), default=None)


def read_output(file: Path) -> HumanLoop:
    """Read one file.

    Raises:
        UserError: it is not an output of a human loop, names no image, or holds answers that are no boxes.
    """
    return human_loop(str(file), read_bytes(file))


def human_loop(file: str, data: bytes) -> HumanLoop:
    """Return the content of one file.

    Args:
        file: its name, for messages.
        data: its bytes.

    Raises:
        UserError: it is not an output of a human loop, names no image, or holds answers that are no boxes.
    """
    decode_text(file, data)  # rejects what is not UTF-8, which raw values are not checked for
    if not KEYS & keys_of(data):
        raise UserError(
            f"{file}: no output of a human loop (it has neither {' nor '.join(sorted(KEYS))}), or cut off: copy it "
            "from S3 again, or take it out of the folder"
        )
    output = decode_json(file, data, _Output)
    content = decode_json(f"{file}: inputContent", output.input_content, dict[str, msgspec.Raw])
    review = review_of(bytes(output.input_content))
    unaided = review is not None and review.shown == "nothing"
    shown = None if unaided else _shown(content)
    answers = [
        worker_answer(f"{file}: answer {number}", answer, "", shown, blind=review is not None and review.is_blind)
        for number, answer in enumerate(output.human_answers or (), start=1)
    ]
    sizes = {(answer.width, answer.height) for answer in answers if answer.width}
    if len(sizes) > 1:
        different = " and ".join(f"{width} x {height}" for width, height in sorted(sizes))
        raise UserError(f"{file}: the workers saw the image in different sizes ({different}): have it reviewed again")
    width, height = sizes.pop() if sizes else (0, 0)
    image = _image(file, content) if answers else ""
    named = tuple(replace(answer, image=image) for answer in answers)
    return HumanLoop(file, image, width, height, _labels(content), named)


def input_content(image: str, labels: Sequence[str], shown: Sequence[Box] | None) -> dict[str, Any]:
    """Return the input of a human loop, for a template with a `crowd-bounding-box`.

    Args:
        image: S3 URI.
        labels: the class names in the order of their ids.
        shown: the boxes that the worker sees at first; None shows nothing.
    """
    return {_IMAGE: image, _LABELS: list(labels), _SHOWN: label_boxes(shown or ())}


def _image(file: str, content: dict[str, msgspec.Raw]) -> str:
    named = text_of(content.get(_IMAGE))
    if _URI.fullmatch(named):
        return named
    texts = {key: text_of(value) for key, value in content.items()}
    found = {
        key: text
        for key, text in texts.items()
        if _URI.fullmatch(text) and PurePosixPath(text).suffix.lower() in SUFFIXES
    }
    if len(set(found.values())) != 1:
        problem = f"several images ({', '.join(found)})" if found else "no image"
        raise UserError(
            f"{file}: inputContent names {problem}: give the image's S3 URI as {_IMAGE}, as the loop's input should"
        )
    return next(iter(found.values()))


def _labels(content: dict[str, msgspec.Raw]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(msgspec.json.decode(content[_LABELS], type=list[str])))
    except (KeyError, msgspec.DecodeError):
        return ()  # the key is the template author's own, and may mean anything


def _shown(content: dict[str, msgspec.Raw]) -> tuple[Box, ...] | None:
    try:
        return as_boxes(msgspec.json.decode(content[_SHOWN], type=list[LabelBox]))
    except (KeyError, msgspec.DecodeError):
        return None  # in real files it may be the name of a class, or a number
