"""Positions of the texts of boxes, so that few of them overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

# Of the height of letters. Nobody knows the reader's font: texts are set to the width that is estimated here.
_LETTER, _WIDE_LETTER = 0.58, 1.0
_INSET = 0.2
_LINE = 1.15
_GAP = 0.25

_Area = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class TagPosition:
    """The background of a text, and the text on it: left end, base line and length."""

    left: float
    top: float
    width: float
    height: float
    text_left: float
    baseline: float
    text_length: float


@dataclass(frozen=True, slots=True)
class Tag:
    """The text of a box.

    Attributes:
        box: xmin, ymin, xmax, ymax.
        text: one line.
        required: whether it is shown even where it overlaps others.
    """

    box: _Area
    text: str
    required: bool = True


def place_tags(tags: Sequence[Tag], font: float, size: tuple[int, int]) -> list[TagPosition | None]:
    """Choose a position on the picture for each tag.

    Each takes the first position at its box (above, inside at the top, inside at the bottom, below; at the left, at the
    right) where nothing is yet, the first tag first. One that finds none lies above its box, over others, or is left
    out (None) if it isn't required.

    Args:
        font: height of the letters.
        size: width and height of the picture.
    """
    taken: list[_Area] = []
    positions: list[TagPosition | None] = []
    for tag in tags:
        length = font * sum(_WIDE_LETTER if _wide(letter) else _LETTER for letter in tag.text)
        width = length + 2 * _INSET * font
        areas = [
            _moved(across, top, width, font, size) for top in _tops(tag.box, font) for across in _lefts(tag, width)
        ]
        free = [area for area in areas if not any(_overlap(area, other) for other in taken)]
        if not (free or tag.required):
            positions.append(None)
            continue
        area = (free or areas)[0]
        taken.append(area)
        left, top, right, low = area
        positions.append(
            TagPosition(left, top, right - left, low - top, left + _INSET * font, low - _GAP * font, length)
        )
    return positions


def _wide(letter: str) -> bool:
    return east_asian_width(letter) in "WF"


def _tops(box: _Area, font: float) -> list[float]:
    line = _LINE * font
    return [box[1] - line, box[1], box[3] - line, box[3]]


def _lefts(tag: Tag, width: float) -> list[float]:
    return [tag.box[0], tag.box[2] - width]


def _moved(left: float, top: float, width: float, font: float, size: tuple[int, int]) -> _Area:
    line = _LINE * font
    left = max(0.0, min(left, size[0] - width))
    top = max(0.0, min(top, size[1] - line))
    return left, top, left + width, top + line


def _overlap(one: _Area, other: _Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
