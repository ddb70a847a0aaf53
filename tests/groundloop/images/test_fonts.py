"""Names in any script on pictures: in a font that has them, or told to be missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from groundloop.images import fonts
from groundloop.images.fonts import PictureText, font_note, missing_characters

# In no font that Pillow brings, and in nearly every other.
CYRILLIC = "гайка"


@pytest.fixture(autouse=True)
def _no_fonts_remembered() -> Iterator[None]:
    yield
    fonts._file_with.cache_clear()
    fonts._has.cache_clear()


@pytest.fixture
def only_pillows_font(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts._file_with.cache_clear()
    monkeypatch.setattr(fonts, "_NAMES", ())
    monkeypatch.setenv("PATH", "")


def drawn(text: str) -> bytes:
    picture = Image.new("L", (300, 40))
    PictureText(20).draw(ImageDraw.Draw(picture), (2, 2), text, "white")
    return picture.tobytes()


def test_latin_needs_no_font_of_the_computer(only_pillows_font: None) -> None:
    assert missing_characters(["nut", "bolt 3 - 0.92", ""]) == ""
    assert font_note(["nut"]) is None


def test_characters_without_a_font_are_named_once(only_pillows_font: None) -> None:
    assert missing_characters(["ネジ 1", "ネジ 2"]) == "ネジ"
    note = font_note(["ネジ"])
    assert note is not None
    assert note.startswith(
        "no font on this computer has the characters ネ ジ, so the picture shows empty boxes for them"
    )


def test_what_cannot_be_drawn_takes_room_all_the_same(only_pillows_font: None) -> None:
    text = PictureText(20)
    assert text.length("ネジ") > 0
    assert drawn("ネジ") == drawn("ツヤ")  # empty boxes


def test_many_missing_characters_are_not_all_listed(only_pillows_font: None) -> None:
    note = font_note([chr(0x4E00 + number) for number in range(40)])
    assert note is not None
    assert "一 丁 丂 七 丄 丅 丆 万 丈 三 ..., so" in note


@pytest.mark.parametrize("name", ["a\u0301", "e\u200d", "tab\tand\nline", "\u202eabc", " "], ids=ascii)
def test_marks_controls_and_spaces_are_not_missing(name: str, only_pillows_font: None) -> None:
    assert set(missing_characters([name])) <= {"\u00e1"}  # a letter with its accent is one character
    PictureText(20).length(name)
    drawn(name)


def test_a_font_of_the_computer_is_used_where_it_is_needed() -> None:
    if missing_characters([CYRILLIC]):
        pytest.skip("no font here has Cyrillic letters")
    assert drawn("гайка") != drawn("болты")
    text = PictureText(20)
    assert text.length(CYRILLIC + " 0.9") == pytest.approx(text.length(CYRILLIC) + text.length(" 0.9"), abs=10)


def test_all_of_a_name_is_in_one_font() -> None:
    if missing_characters(["ж"]):
        pytest.skip("no font here has Cyrillic letters")
    assert len(list(PictureText(20)._parts("ж 0.91"))) == 1


def test_fontconfig_is_asked_and_its_answer_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("a shell script stands for fontconfig")
    asked = tmp_path / "asked"
    program = tmp_path / "fc-match"
    # An answer that has no such glyph, and is no font.
    program.write_text(f'#!/bin/sh\necho "$3" >> {asked}\nprintf "{program}\\t0"\n')
    program.chmod(0o755)
    fonts._file_with.cache_clear()
    monkeypatch.setattr(fonts, "_NAMES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_characters(["ネ"]) == "ネ"
    assert asked.read_text() == "sans-serif:charset=30cd\n"


def test_any_text_is_drawn_within_its_length() -> None:
    text = PictureText(20)
    for name in ("nut", "ножка 0.9", "صامولة 0.87", "ネジ 0.5", "\U0001f529"):
        pixels = np.frombuffer(drawn(name), np.uint8).reshape(40, 300)
        assert pixels.any()
        assert np.flatnonzero(pixels.any(axis=0)).max() <= 2 + text.length(name) + 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("nut 0.9", ["nut 0.9"], id="latin"),
        pytest.param("צד ב 0.9", ["צד ב", " 0.9"], id="the score comes after a name from right to left"),
        pytest.param("צד: 3", ["צד", ": 3"], id="and so does the count"),
        pytest.param("x צד x", ["x ", "צד", " x"], id="within others"),
    ],
)
def test_a_name_from_right_to_left_is_a_part_of_its_own(text: str, parts: list[str]) -> None:
    if missing_characters([text]):
        pytest.skip("no font here has Hebrew letters")
    assert [part for _, part in PictureText(20)._parts(text)] == parts
