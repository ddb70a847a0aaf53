"""Pictures of detections: boxes with class and score, a legend with counts, ground-truth boxes if requested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from groundloop.detections.predictions import Detections, Threshold
from groundloop.images.fonts import PictureText
from groundloop.images.palette import Rgb, class_colors, rgb
from groundloop.labels.records import Box

_TRUE_COLOUR = (255, 255, 255)
# Smaller pictures are enlarged first: no font is legible in 100 pixels.
_MIN_SIDE = 480


def draw_detections(
    image: Image.Image, detections: Detections, threshold: Threshold, true_boxes: Sequence[Box] | None = None
) -> Image.Image:
    """Draw the detections on a copy of the image.

    Args:
        image: any mode; drawn upright as stored, like the labels.
        detections: of this image.
        threshold: detections with a lower score are left out.
        true_boxes: drawn as thin white outlines, and counted in the legend, where given.

    Returns:
        An RGB picture, at least 480 pixels on its longer side, with a legend strip below it.

    Example:
        >>> from groundloop.detections.predictions import parse_detections
        >>> detections = parse_detections(b'{"prediction": [[0, 0.9, 0.1, 0.1, 0.5, 0.5]]}', ["nut"], "example")
        >>> drawn = draw_detections(Image.new("RGB", (640, 480)), detections, threshold=0.5)
        >>> drawn.mode, drawn.width
        ('RGB', 640)
    """
    picture, scale, font, width = _canvas(image)
    draw = ImageDraw.Draw(picture)
    for box in true_boxes or ():
        corners = [box.left, box.top, box.left + box.width, box.top + box.height]
        _outline(draw, [scale * value for value in corners], _TRUE_COLOUR, max(1, width // 2))
    shown = detections.at(threshold)
    placed: list[list[float]] = shown.pixels(picture.width, picture.height).tolist()
    # Best scores last, so that they lie on top.
    order = sorted(range(len(shown)), key=lambda index: float(shown.scores[index]))
    for index in order:
        _outline(draw, placed[index], _colours(int(shown.class_ids[index]))[0], width)
    for index in order:
        class_id = int(shown.class_ids[index])
        text = f"{shown.classes[class_id]} {shown.scores[index]:.2f}"
        _tag(draw, picture.size, placed[index], text, font, _colours(class_id))
    return _with_legend(picture, _legend(shown, threshold, true_boxes), font)


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


def _legend(shown: Detections, threshold: Threshold, true_boxes: Sequence[Box] | None) -> list[tuple[str, Rgb | None]]:
    rows: list[tuple[str, Rgb | None]] = []
    for class_id, (name, count) in enumerate(shown.counts().items()):
        text = f"{name}: {count}"
        if true_boxes is not None:
            text += f" (true: {sum(box.class_name == name for box in true_boxes)})"
        rows.append((text, _colours(class_id)[0]))
    if true_boxes is not None:
        rows.append(("ground truth", _TRUE_COLOUR))
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
