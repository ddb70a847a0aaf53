"""The worst images: each file scaled down and embedded, its boxes drawn over it as SVG.

The boxes are not drawn into the pixels (as `detections.drawing` does) so that they stay crisp, class names show in any
script, and each box tells its class and score where the pointer rests on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from groundloop.report.chart import text
from groundloop.report.markup import Content, Markup, join, name, section, tag
from groundloop.report.numbers import many
from groundloop.report.pictures import embed
from groundloop.report.tags import Tag, place
from groundloop.report.worst import Mark, Outcome, WorstChoice, WorstImage

# Of the picture's width; the pictures are shown 350 to 500 pixels wide.
_TEXT = 0.03
# More tags than that hide what they name: first those of right detections go, then all; titles stay.
_MOST_TAGS = 30
_LONGEST_NAME = 24

_LOOKS = {Outcome.FOUND: "found", Outcome.RIGHT: "hit", Outcome.MISSED: "missed", Outcome.FALSE: "false"}
_SIGNS = {Outcome.FOUND: "", Outcome.RIGHT: "", Outcome.MISSED: "? ", Outcome.FALSE: "\u2717 "}
_LEGEND = {
    Outcome.FALSE: "\u2717 false detection",
    Outcome.MISSED: "? missed true box",
    Outcome.RIGHT: "right detection",
    Outcome.FOUND: "true box that was found",
}


def gallery_section(worst: Sequence[WorstImage]) -> Markup:
    """The images in the order given, with a legend."""
    if not worst:
        return section(
            "Worst images", tag("p", "No image is shown: none has an error at the thresholds."), key="gallery"
        )
    told = "The test images with most false and missed objects at the thresholds, matched at IoU 0.50."
    keys = [_key(outcome, words) for outcome, words in _LEGEND.items()]
    return section(
        "Worst images",
        tag("p", told),
        tag("ul", *keys, class_="keys samples"),
        tag("div", *map(_picture, worst), class_="gallery", style="margin-top:16px"),
        key="gallery",
    )


def _picture(image: WorstImage) -> Markup:
    choice = image.choice
    ground, size, reason = _ground(image)
    font = round(size[0] * _TEXT, 1)
    errors = choice.count(Outcome.FALSE, Outcome.MISSED)
    tagged = {Outcome.FALSE, Outcome.MISSED} if errors <= _MOST_TAGS else set()
    if tagged and len(choice.marks) <= _MOST_TAGS:
        tagged.add(Outcome.RIGHT)
    marks = sorted(choice.marks, key=lambda mark: (list(_LOOKS).index(mark.outcome), mark.score or 0))
    boxes = [_box(mark) for mark in marks]
    # Errors are placed first, hence best.
    tags = _tags([mark for mark in reversed(marks) if mark.outcome in tagged], font, size)
    view = f"0 0 {size[0]} {size[1]}"
    counts = join(
        many(choice.count(Outcome.FALSE), "false detection"),
        ", ",
        f"{choice.count(Outcome.MISSED):,} of {choice.count(Outcome.MISSED, Outcome.FOUND):,} objects missed",
    )
    picture = tag("svg", ground, *boxes, *tags, viewBox=view, role="img", aria_label=counts)
    label = choice.source_ref.rsplit("/", 1)[-1]
    told = tag("small", tag("br"), f"Image not shown: {reason}. Its boxes, on an empty ground.") if reason else None
    caption = tag("figcaption", tag("b", name(label), title=choice.source_ref), tag("br"), tag("small", counts), told)
    return tag("figure", caption, picture)


def _ground(image: WorstImage) -> tuple[Markup | None, tuple[int, int], str]:
    """The image to draw on, the size its boxes are measured in, and why it is not there, or ""."""
    if image.content is None:
        return None, _extent(image.choice), image.missing or "there is no file"
    try:
        embedded = embed(image.content)
    except ValueError as error:
        return None, _extent(image.choice), str(error)
    size = (embedded.width, embedded.height)
    # The embedded file is smaller; it fills the ground, in whose pixels the boxes are.
    fill: dict[str, Content] = {"width": size[0], "height": size[1], "preserveAspectRatio": "none"}
    return tag("image", href=embedded.address, **fill), size, ""


def _extent(choice: WorstChoice) -> tuple[int, int]:
    """A ground that holds all boxes with a margin: without the file nobody knows the image's size."""
    right = max(mark.box[2] for mark in choice.marks)
    low = max(mark.box[3] for mark in choice.marks)
    return max(1, math.ceil(right * 1.03)), max(1, math.ceil(low * 1.03))


def _box(mark: Mark) -> Markup:
    left, top, right, low = mark.box
    place = {"x": f"{left:.1f}", "y": f"{top:.1f}", "width": f"{right - left:.1f}", "height": f"{low - top:.1f}"}
    score = "" if mark.score is None else f" {mark.score:.2f}"
    words = f"{mark.outcome.value}: {mark.class_name}{score}"
    # What was found already has the detection's heavier line next to it.
    case = None if mark.outcome is Outcome.FOUND else tag("rect", class_="case", **place)
    return tag("g", tag("title", words), case, tag("rect", class_=_LOOKS[mark.outcome], **place))


def _words(mark: Mark) -> str:
    score = "" if mark.score is None else f" {mark.score:.2f}"
    return f"{_SIGNS[mark.outcome]}{_short(mark.class_name)}{score}"


def _tags(marks: Sequence[Mark], font: float, size: tuple[int, int]) -> list[Markup]:
    tags = [Tag(mark.box, _words(mark), needed=mark.outcome is not Outcome.RIGHT) for mark in marks]
    places = place(tags, font, size)
    # In the style, since the sheet's size of SVG text counts before attributes.
    look = {"style": f"font-size:{font:g}px", "lengthAdjust": "spacingAndGlyphs"}
    drawn = []
    for mark, at in zip(marks, places, strict=True):
        if at is None:
            continue
        area = {"x": f"{at.left:.1f}", "y": f"{at.top:.1f}", "width": f"{at.width:.1f}", "height": f"{at.height:.1f}"}
        kind = f"tag {_LOOKS[mark.outcome]}"
        words = text(at.start, at.base, _words(mark), class_=kind, textLength=f"{at.length:.1f}", **look)
        drawn.append(tag("rect", class_="tag", **area) + words)
    return [Markup(one) for one in drawn]


def _short(class_name: str) -> str:
    return class_name if len(class_name) <= _LONGEST_NAME else class_name[: _LONGEST_NAME - 1] + "\u2026"


def _key(outcome: Outcome, words: str) -> Markup:
    place: dict[str, Content] = {"x": 3, "y": 3, "width": 30, "height": 16}
    boxes = (tag("rect", class_="case", **place), tag("rect", class_=_LOOKS[outcome], **place))
    return tag("li", tag("svg", *boxes, viewBox="0 0 36 22", aria_hidden="true"), tag("span", words))
