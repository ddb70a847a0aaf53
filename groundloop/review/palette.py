"""Colours of the classes' boxes on the page."""

from __future__ import annotations

# After Okabe and Ito, 2008: they stay apart for most kinds of colour vision.
_COLORS = ("#e69f00", "#0072b2", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442")


def class_color(class_id: int) -> str:
    """Return the colour of a class as `#rrggbb`."""
    return _COLORS[class_id % len(_COLORS)]
