"""Pictures of detections: boxes with class and score, a legend with counts, ground-truth boxes if requested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from groundloop.images.fonts import PictureText
from groundloop.images.palette import Rgb, class_colors, rgb
from groundloop.labels.records import Box

_TRUE_COLOUR = (255, 255, 255)
# Smaller pictures are enlarged first: no font is legible in 100 pixels.
_MIN_SIDE = 480


class DrawnBox(NamedTuple):
    """A box to draw: xmin, ymin, xmax, ymax as fractions of the image, and the text beside it."""

    class_id: int
    score: float
    text: str
    corners: Sequence[float]


def draw_boxes(
    image: Image.Image,
    boxes: Sequence[DrawnBox],
    classes: Sequence[str],
    threshold: float | Mapping[str, float] | None,
    true_boxes: Sequence[Box] | None,
) -> Image.Image:
    """Draw detected boxes on a copy of the image, as `Detections.draw` describes it."""
    picture, scale, font, width = _canvas(image)
    draw = ImageDraw.Draw(picture)
    for box in true_boxes or ():
        corners = [box.left, box.top, box.left + box.width, box.top + box.height]
        _outline(draw, [scale * value for value in corners], _TRUE_COLOUR, max(1, width // 2))
    size = (picture.width, picture.height) * 2
    placed = [[value * side for value, side in zip(one.corners, size, strict=True)] for one in boxes]
    # Best scores last, so that they lie on top.
    order = sorted(range(len(boxes)), key=lambda index: boxes[index].score)
    for index in order:
        _outline(draw, placed[index], _colours(boxes[index].class_id)[0], width)
    for index in order:
        _tag(draw, picture.size, placed[index], boxes[index].text, font, _colours(boxes[index].class_id))
    return _with_legend(picture, _legend(boxes, classes, threshold, true_boxes), font)


def draw_labels(image: Image.Image, boxes: Sequence[Box], classes: Sequence[str]) -> Image.Image:
    """Draw the ground-truth boxes on a copy of the image, in their class's colour, with the counts below.

    Args:
        boxes: in pixels of the image.
        classes: every class that a box may have; the colours go by this order.

    Returns:
        An RGB picture, at least 480 pixels on its longer side, with a legend strip below it.
    """
    picture, scale, font, width = _canvas(image)
    draw = ImageDraw.Draw(picture)
    ids = {name: index for index, name in enumerate(classes)}
    corners = [[scale * value for value in (b.left, b.top, b.left + b.width, b.top + b.height)] for b in boxes]
    for box, placed in zip(boxes, corners, strict=True):
        _outline(draw, placed, _colours(ids[box.class_name])[0], width)
    for box, placed in zip(boxes, corners, strict=True):
        _tag(draw, picture.size, placed, box.class_name, font, _colours(ids[box.class_name]))
    rows: list[tuple[str, Rgb | None]] = [
        (f"{name}: {sum(box.class_name == name for box in boxes)}", _colours(index)[0]) for name, index in ids.items()
    ]
    return _with_legend(picture, rows, font)


def _canvas(image: Image.Image) -> tuple[Image.Image, float, PictureText, int]:
    """Return a picture to draw on, how much larger it is than the image, its text and the width of its lines."""
    picture = image.convert("RGB")
    scale = max(1.0, _MIN_SIDE / max(picture.size))
    if scale > 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return picture, scale, PictureText(max(12, max(picture.size) // 55)), max(2, max(picture.size) // 350)


def _legend(
    shown: Sequence[DrawnBox],
    classes: Sequence[str],
    threshold: float | Mapping[str, float] | None,
    true_boxes: Sequence[Box] | None,
) -> list[tuple[str, Rgb | None]]:
    rows: list[tuple[str, Rgb | None]] = []
    for class_id, name in enumerate(classes):
        text = f"{name}: {sum(one.class_id == class_id for one in shown)}"
        if true_boxes is not None:
            text += f" (true: {sum(box.class_name == name for box in true_boxes)})"
        rows.append((text, _colours(class_id)[0]))
    if true_boxes is not None:
        rows.append(("ground truth", _TRUE_COLOUR))
    if threshold is not None:
        least = set(threshold.values()) if isinstance(threshold, Mapping) else {threshold}
        by_class = f" to {max(least):.2f}, by class" if len(least) > 1 else ""
        rows.append((f"score >= {min(least):.2f}{by_class}", None))
    return rows


def _with_legend(picture: Image.Image, rows: Sequence[tuple[str, Rgb | None]], font: PictureText) -> Image.Image:
    """Add a dark strip below that holds the rows, as many side by side as fit."""
    ascent = font.height
    pad, swatch = ascent // 2, ascent
    places: list[tuple[int, int]] = []
    x, y = pad, pad
    for text, colour in rows:
        taken = (swatch + pad if colour else 0) + int(font.length(text)) + 2 * pad
        if x > pad and x + taken > picture.width:
            x, y = pad, y + ascent + pad
        places.append((x, y))
        x += taken
    strip = Image.new("RGB", (picture.width, y + ascent + pad), (32, 32, 32))
    draw = ImageDraw.Draw(strip)
    for (text, colour), (start, top) in zip(rows, places, strict=True):
        left = start
        if colour:
            draw.rectangle((left, top, left + swatch, top + swatch), fill=colour)
            left += swatch + pad
        font.draw(draw, (left, top), text, "white")
    whole = Image.new("RGB", (picture.width, picture.height + strip.height))
    whole.paste(picture, (0, 0))
    whole.paste(strip, (0, picture.height))
    return whole


def _outline(draw: ImageDraw.ImageDraw, corners: Sequence[float], colour: Rgb, width: int) -> None:
    left, top, right, bottom = corners
    # A dark line outside the coloured one keeps it visible on a background of its own colour.
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline="black", width=width + 2)
    draw.rectangle((left, top, right, bottom), outline=colour, width=width)


def _tag(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    corner: Sequence[float],
    text: str,
    font: PictureText,
    colours: tuple[Rgb, str],
) -> None:
    """Write class and score above the box's top-left corner, moved so that all of it lies on the picture."""
    height = font.height + 2
    inset = height // 5
    length = font.length(text) + 2 * inset
    left = max(0.0, min(corner[0], size[0] - length))
    top = corner[1] - height if corner[1] >= height else min(corner[1], size[1] - height)
    draw.rectangle((left, top, left + length, top + height), fill=colours[0])
    font.draw(draw, (left + inset, top), text, colours[1])


def _colours(class_id: int) -> tuple[Rgb, str]:
    """Return the colour of a class, and that of text on it."""
    colours = class_colors(class_id)
    return rgb(colours.color), colours.text
