"""The palette: every colour can be told from the page it is on, and text be read on it."""

from __future__ import annotations

import pytest

from groundloop.images.palette import PALETTE, ClassColors, class_colors, rgb

# The cards of the report: `--card` in report.css.
LIGHT, DARK = "#ffffff", "#161d25"


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb(color))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colors", PALETTE, ids=lambda colors: colors.color)
def test_lines_stand_out_from_the_page_and_text_from_its_background(colors: ClassColors) -> None:
    assert contrast(colors.light, LIGHT) >= 3
    assert contrast(colors.dark, DARK) >= 3
    assert contrast(colors.color, colors.text) >= 4.5


def test_no_two_classes_have_the_same_colour_until_it_begins_again() -> None:
    for theme in ("color", "light", "dark"):
        assert len({getattr(colors, theme) for colors in PALETTE}) == len(PALETTE)
    assert class_colors(len(PALETTE)) == class_colors(0)
