"""Numbers of things as people write them, for messages and reports."""

from __future__ import annotations


def quantity(number: int, singular: str, plural: str = "") -> str:
    """Format a number of things, such as `1 image` or `1,200 images`.

    Example:
        >>> quantity(1, "image"), quantity(1200, "image"), quantity(2, "image has", "images have")
        ('1 image', '1,200 images', '2 images have')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
