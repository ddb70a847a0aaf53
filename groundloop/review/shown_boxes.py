"""The boxes that a reviewer sees at first, on whole pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from groundloop.review.wire import ShownBox

if TYPE_CHECKING:  # NumPy: the server of the page starts without it
    from groundloop.detections.expected_mistakes import Doubt, ImageDetections

#: A detection under the threshold is shown, dotted, when it is this likely right.
SHOWN_PROBABILITY = 0.1
_MAX_UNCOUNTED = 30


def shown_boxes(
    detections: ImageDetections, found: Doubt, classes: Sequence[str], width: int, height: int
) -> tuple[ShownBox, ...]:
    """Return the boxes of a model that the reviewer sees: those that count, and the likelier of the others.

    Args:
        detections: of the image.
        found: what is expected of them.
        classes: names in id order.
        width, height: of the image, pixels as stored.
    """
    ids = {name: number for number, name in enumerate(classes)}
    others = [
        index
        for index in (-found.probabilities).argsort(kind="stable").tolist()
        if not found.counted[index] and found.probabilities[index] >= SHOWN_PROBABILITY
    ]
    kept = sorted([*found.counted.nonzero()[0].tolist(), *others[:_MAX_UNCOUNTED]])
    return tuple(
        pixel_box(
            ids[detections.names[index]],
            detections.boxes[index].tolist(),
            width,
            height,
            score=round(float(detections.scores[index]), 4),
            counted=bool(found.counted[index]),
        )
        for index in kept
    )


def pixel_box(
    class_id: int,
    corners: Sequence[float],
    width: int,
    height: int,
    *,
    score: float | None,
    counted: bool = True,
    person: int | None = None,
) -> ShownBox:
    """Return a box on whole pixels, inside the image and at least 1 x 1.

    Args:
        corners: xmin, ymin, xmax, ymax in pixels.
    """

    def within(low: float, high: float, limit: int) -> tuple[int, int]:
        start = min(max(0, round(low)), limit - 1)
        return start, max(1, min(round(high), limit) - start)

    left, box_width = within(corners[0], corners[2], width)
    top, box_height = within(corners[1], corners[3], height)
    return ShownBox(
        class_id=class_id,
        left=left,
        top=top,
        width=box_width,
        height=box_height,
        score=score,
        counted=counted,
        person=person,
    )
