"""The colours of classes, by class id: the same in pictures, contact sheets, charts and on the review page.

The hues stay apart for most kinds of colour vision (Okabe and Ito, "Color Universal Design", 2008). Thin lines on a
white or black page need darker or lighter ones of the same hue (a contrast of 3 to 1, WCAG 2.1, 1.4.11).
"""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ClassColors:
    """The colour of a class, each as `#rrggbb`.

    Attributes:
        color: on images.
        text: of text on that colour.
        light: on a light page.
        dark: on a dark page.
    """

    color: str
    text: str
    light: str
    dark: str


#: The first class's first. After the last it begins again.
PALETTE = (
    ClassColors("#e69f00", "#000000", "#b87900", "#f2b134"),  # orange
    ClassColors("#0072b2", "#ffffff", "#0072b2", "#4fb0ef"),  # blue
    ClassColors("#009e73", "#000000", "#00805d", "#2fcb9c"),  # green
    ClassColors("#d55e00", "#000000", "#c8410a", "#ff7f45"),  # vermilion
    ClassColors("#56b4e9", "#000000", "#2f8fc9", "#9bd8ff"),  # sky blue
    ClassColors("#cc79a7", "#000000", "#b24c88", "#ec9ccb"),  # pink
    ClassColors("#f0e442", "#000000", "#7d7400", "#f0e442"),  # yellow
)


def class_colors(class_id: int) -> ClassColors:
    """Return the colours of a class.

    Example:
        >>> class_colors(1).color
        '#0072b2'
    """
    return PALETTE[class_id % len(PALETTE)]


def rgb(color: str) -> Rgb:
    """Return the red, green and blue of a colour, from 0 to 255.

    Example:
        >>> rgb("#e69f00")
        (230, 159, 0)
    """
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
