"""The worst images: each file scaled down and embedded, its boxes drawn over it as SVG.

The boxes are not drawn into the pixels (as `detections.drawing` does) so that they stay crisp, class names show in any
script, and each box tells its class and score where the pointer rests on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from groundloop.report.embedding import embed
from groundloop.report.tags import Tag, place_tags
from groundloop.report.worst import BoxOutcome, Mark, WorstChoice, WorstImage
from groundloop.wording import quantity

# Of the picture's width; the pictures are shown 350 to 500 pixels wide.
_FONT_SIZE = 0.03
# More tags than that hide what they name: first those of right detections go, then all; titles stay.
_MAX_TAGS = 30
_MAX_NAME_LENGTH = 24

_LOOKS = {
    BoxOutcome.FOUND: "found",
    BoxOutcome.RIGHT: "hit",
    BoxOutcome.MISSED: "missed",
    BoxOutcome.FALSE: "false",
    BoxOutcome.DETECTED: "hit",
}
_SIGNS = {BoxOutcome.MISSED: "? ", BoxOutcome.FALSE: "\u2717 "}
_DETECTIONS = frozenset({BoxOutcome.RIGHT, BoxOutcome.DETECTED})


@dataclass(frozen=True, slots=True)
class BoxView:
    """A box as an SVG rectangle; `cased` ones have a dark line around them."""

    title: str
    look: str
    cased: bool
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class TagView:
    """The text of a box on its background, all lengths in pixels of the image."""

    text: str
    look: str
    x: str
    y: str
    width: str
    height: str
    text_x: str
    text_y: str
    text_length: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of the gallery.

    Attributes:
        address: data URI of the image file; None where it is not there, for the `reason`.
        size: width and height in whose unit everything is measured.
        font_size: of the tags.
    """

    name: str
    source_ref: str
    counts: str
    address: str | None
    reason: str
    size: tuple[int, int]
    font_size: str
    boxes: tuple[BoxView, ...]
    tags: tuple[TagView, ...]


def picture(image: WorstImage, counts: str | None = None) -> Picture:
    """Place the boxes and their tags on an image.

    Args:
        image: with its boxes.
        counts: what is said of them; None counts the errors.
    """
    choice = image.choice
    address, size, reason = _background(image)
    font = round(size[0] * _FONT_SIZE, 1)
    tagged = {BoxOutcome.FALSE, BoxOutcome.MISSED} if choice.errors <= _MAX_TAGS else set()
    if tagged and len(choice.marks) <= _MAX_TAGS:
        tagged |= _DETECTIONS
    marks = sorted(choice.marks, key=lambda mark: (list(_LOOKS).index(mark.outcome), mark.score or 0))
    return Picture(
        name=choice.source_ref.rsplit("/", 1)[-1],
        source_ref=choice.source_ref,
        counts=_errors(choice) if counts is None else counts,
        address=address,
        reason=reason,
        size=size,
        font_size=f"{font:g}",
        boxes=tuple(_box(mark) for mark in marks),
        # Errors are placed first, hence best.
        tags=tuple(_tags([mark for mark in reversed(marks) if mark.outcome in tagged], font, size)),
    )


def _errors(choice: WorstChoice) -> str:
    missed, objects = choice.count(BoxOutcome.MISSED), choice.count(BoxOutcome.MISSED, BoxOutcome.FOUND)
    false = quantity(choice.count(BoxOutcome.FALSE), "false detection")
    return f"{false}, {missed:,} of {objects:,} objects missed"


def _background(image: WorstImage) -> tuple[str | None, tuple[int, int], str]:
    """Return the image's address, the size its boxes are measured in, and why it is not there, or ""."""
    if image.content is None:
        return None, _extent(image.choice), image.missing or "there is no file"
    try:
        embedded = embed(image.content)
    except ValueError as error:
        return None, _extent(image.choice), str(error)
    return embedded.address, (embedded.width, embedded.height), ""


def _extent(choice: WorstChoice) -> tuple[int, int]:
    """Return a size that holds all boxes with a margin: without the file nobody knows the image's size."""
    right = max((mark.box[2] for mark in choice.marks), default=1.0)
    low = max((mark.box[3] for mark in choice.marks), default=1.0)
    return max(1, math.ceil(right * 1.03)), max(1, math.ceil(low * 1.03))


def _box(mark: Mark) -> BoxView:
    left, top, right, low = mark.box
    return BoxView(
        title=f"{mark.outcome.value}: {mark.class_name}{_score(mark)}",
        look=_LOOKS[mark.outcome],
        # What was found already has the detection's heavier line next to it.
        cased=mark.outcome is not BoxOutcome.FOUND,
        x=f"{left:.1f}",
        y=f"{top:.1f}",
        width=f"{right - left:.1f}",
        height=f"{low - top:.1f}",
    )


def _tags(marks: Sequence[Mark], font: float, size: tuple[int, int]) -> list[TagView]:
    tags = [Tag(mark.box, _tag_text(mark), required=mark.outcome not in _DETECTIONS) for mark in marks]
    return [
        TagView(
            text=tag.text,
            look=_LOOKS[mark.outcome],
            x=f"{position.left:.1f}",
            y=f"{position.top:.1f}",
            width=f"{position.width:.1f}",
            height=f"{position.height:.1f}",
            text_x=f"{position.text_left:.1f}",
            text_y=f"{position.baseline:.1f}",
            text_length=f"{position.text_length:.1f}",
        )
        for mark, tag, position in zip(marks, tags, place_tags(tags, font, size), strict=True)
        if position is not None
    ]


def _tag_text(mark: Mark) -> str:
    name = mark.class_name
    short = name if len(name) <= _MAX_NAME_LENGTH else name[: _MAX_NAME_LENGTH - 1] + "\u2026"
    return f"{_SIGNS.get(mark.outcome, '')}{short}{_score(mark)}"


def _score(mark: Mark) -> str:
    return "" if mark.score is None else f" {mark.score:.2f}"
