"""Names in plots: short, as they are written, and in letters that a font at hand has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

#: matplotlib's own font, then those of other scripts, as far as they are installed.
_FAMILIES = (
    "DejaVu Sans",
    "Noto Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans Hebrew",
    "Noto Sans Thai",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Arial Unicode MS",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "WenQuanYi Micro Hei",
)
_LONGEST = 26
_TAIL = 9


@cache
def families() -> tuple[str, ...]:
    """The fonts to draw with, by name; the first is always there."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return tuple(name for name in _FAMILIES if name in installed)


def plot_names(classes: Sequence[str]) -> list[str]:
    """The names as they are drawn, in id order.

    Long ones lose their middle, since they often begin alike. One with letters that no font has is drawn as `class`
    with its id, as the table of classes in the report lists it.
    """
    return [_short(name) if _drawable(name) else f"class {class_id}" for class_id, name in enumerate(classes)]


def _short(name: str) -> str:
    words = " ".join(name.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - _TAIL - 1]}\u2026{words[-_TAIL:]}"


def _drawable(name: str) -> bool:
    letters = {ord(letter) for letter in name if not letter.isspace()}
    return bool(letters) and letters <= _letters()


@cache
def _letters() -> frozenset[int]:
    """The code points that the fonts have."""
    from matplotlib import font_manager

    found: set[int] = set()
    for family in families():
        found.update(font_manager.get_font(font_manager.findfont(family)).get_charmap())
    return frozenset(found)
