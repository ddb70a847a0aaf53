"""Checking boxes against their image: without area, beyond the edge, a little beyond and clipped."""

from __future__ import annotations

from groundloop.labels.findings import LabelCode
from groundloop.labels.records import Box

# Means over several workers give sums such as 1920.0000000000002: nothing is wrong with such a box.
EDGE_TOLERANCE = 0.01
CLIP_TOLERANCE = 2.0
"""Pixels that a box may leave the image by and still be used, clipped: a slip of the hand or of rounding."""


def fit_box(box: Box, width: int, height: int, tolerance: float) -> tuple[Box, tuple[LabelCode, str] | None]:
    """Check a box against its image and clip it where it leaves the image a little.

    Args:
        width, height: of the image, pixels.
        tolerance: pixels that the box may leave the image by and be clipped; beyond it is an error.

    Returns:
        The box, clipped to the image where it left it within the tolerance; a code and a message, or None.
    """
    if box.width <= 0 or box.height <= 0:
        return box, (LabelCode.BOX_TOO_SMALL, f"has no area: {box.width:g} x {box.height:g} pixels")
    right, bottom = box.left + box.width, box.top + box.height
    beyond = max(-box.left, -box.top, right - width, bottom - height)
    if beyond <= EDGE_TOLERANCE:
        return box, None
    left, top = max(box.left, 0), max(box.top, 0)
    clipped = Box(box.class_name, left, top, min(right, width) - left, min(bottom, height) - top)
    leaves = f"(x {box.left:g} to {right:g}, y {box.top:g} to {bottom:g}) leaves the image of {width} x {height} pixels"
    if beyond > tolerance:
        return box, (LabelCode.INVALID_BOX, f"{leaves} by {beyond:g}; at most {tolerance:g} are clipped")
    if clipped.width <= 0 or clipped.height <= 0:
        return box, (LabelCode.INVALID_BOX, f"{leaves}: none of it is inside")
    return clipped, (LabelCode.BOX_CLIPPED, f"{leaves} by {beyond:g} and was clipped to it")
