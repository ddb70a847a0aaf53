"""One `output.json`: the answers of people in one human loop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec

from groundloop.errors import UserError
from groundloop.images.access import SUFFIXES
from groundloop.labels.formats.disk import keys_of, read_bytes, read_json, read_text
from groundloop.labels.records import Box
from groundloop.suggestions import first_of

OUTPUT = "output.json"
KEYS = frozenset({"humanAnswers", "inputContent"})

_IMAGE = "taskObject"
_URI = re.compile(r"s3://[^/]+/.+", re.DOTALL)

_Side = Annotated[int, msgspec.Meta(ge=1)]


class _Answer(msgspec.Struct, rename="camel"):
    answer_content: dict[str, msgspec.Raw] | list[dict[str, msgspec.Raw]]
    submission_time: str = ""


class _Output(msgspec.Struct, rename="camel"):
    input_content: dict[str, msgspec.Raw] = {}
    human_answers: list[_Answer] | None = None


class _Box(msgspec.Struct):
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

    bounding_boxes: list[_Box] | None
    input_image_properties: _Size | None = None


@dataclass(frozen=True, slots=True)
class HumanLoop:
    """The content of one file.

    Attributes:
        file: where it was read.
        image: S3 URI; "" when there is no answer on it.
        width, height: of the image, pixels; 0 where no answer says.
        labels: the class names that the workers could choose from, in the order of the loop's input; may be empty.
        answers: the boxes of each worker; none when the loop ended without an answer.
        answered: when the last answer came, if that is said.
    """

    file: Path
    image: str
    width: int
    height: int
    labels: tuple[str, ...]
    answers: tuple[tuple[Box, ...], ...]
    answered: datetime | None


def read_output(file: Path) -> HumanLoop:
    """Read one file.

    Raises:
        UserError: it is not an output of a human loop, names no image, or holds answers that are no boxes.
    """
    read_text(file)  # rejects what is not UTF-8, which raw values are not checked for
    if not KEYS & keys_of(read_bytes(file)):
        raise UserError(
            f"{file}: no output of a human loop (it has neither {' nor '.join(sorted(KEYS))}), or cut off: copy it "
            "from S3 again, or take it out of the folder"
        )
    output = read_json(file, _Output)
    answers = output.human_answers or []
    elements = [_element(f"{file}: answer {number}", answer) for number, answer in enumerate(answers, start=1)]
    sizes = {(size.width, size.height) for one in elements if (size := one.input_image_properties)}
    if len(sizes) > 1:
        shown = " and ".join(f"{width} x {height}" for width, height in sorted(sizes))
        raise UserError(f"{file}: the workers saw the image in different sizes ({shown}): have it reviewed again")
    width, height = sizes.pop() if sizes else (0, 0)
    times = [time for answer in answers if (time := _time(answer.submission_time))]
    return HumanLoop(
        file,
        _image(file, output.input_content) if answers else "",
        width,
        height,
        _labels(output.input_content),
        tuple(_boxes(element) for element in elements),
        max(times, default=None),
    )


def _element(where: str, answer: _Answer) -> _Element:
    """Return the one form element that holds boxes, whatever its name; others may stand beside it."""
    content = answer.answer_content
    if isinstance(content, list):
        if len(content) != 1:
            raise UserError(f"{where}: answerContent is a list of {len(content)}, not of one: is this file A2I's own?")
        content = content[0]
    found = {name: value for name, value in content.items() if "boundingBoxes" in keys_of(value)}
    if len(found) != 1:
        names = first_of(found or content)
        raise UserError(
            f"{where}: {len(found)} form elements hold boundingBoxes, not one (elements: {names}): give the output of "
            "a flow whose task has one crowd-bounding-box"
        )
    ((name, value),) = found.items()
    try:
        return msgspec.json.decode(value, type=_Element)
    except msgspec.DecodeError as error:
        raise UserError(f"{where}: {name}: {str(error)[:1].lower()}{str(error)[1:]}: correct it there") from None


def _boxes(element: _Element) -> tuple[Box, ...]:
    return tuple(Box(one.label, one.left, one.top, one.width, one.height) for one in element.bounding_boxes or ())


def _image(file: Path, content: dict[str, msgspec.Raw]) -> str:
    named = _text(content.get(_IMAGE))
    if _URI.fullmatch(named):
        return named
    texts = {key: _text(value) for key, value in content.items()}
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
        return tuple(dict.fromkeys(msgspec.json.decode(content["labels"], type=list[str])))
    except (KeyError, msgspec.DecodeError):
        return ()  # the key is the template author's own, and may mean anything


def _time(text: str) -> datetime | None:
    try:
        time = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _text(value: msgspec.Raw | None) -> str:
    try:
        return "" if value is None else msgspec.json.decode(value, type=str)
    except msgspec.DecodeError:
        return ""
