"""Text from labels, names and files is shown as it is, but for what would act on a terminal or forge a line."""

from __future__ import annotations

import json
import unicodedata

import pytest

from groundloop.escaping import MAX_MESSAGE_LENGTH, as_message, escaped, escaped_json, is_safe, shortened

BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
#: Every character that a terminal acts on, that ends a line, or that turns the direction of writing.
CONTROLS = [
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)),
    *(chr(code) for code in range(0x10000) if unicodedata.bidirectional(chr(code)) in BIDI),
]


@pytest.mark.parametrize("character", [*CONTROLS, "\u200e", "\u200f", "\u061c", "\ud800"], ids=ascii)
def test_a_control_character_is_written_as_python_writes_it(character: str) -> None:
    assert escaped(f"a{character}b") == f"a{ascii(character)[1:-1]}b"
    assert not is_safe(character) or character == "\n"
    assert json.loads(escaped_json(json.dumps(character, ensure_ascii=False))) == character


@pytest.mark.parametrize(
    "text", ["", "bolt", "a\\x1b", "Schraube größer", "螺母", "مسمار", "👩‍🔧", "a\u00a0b\u200cc"], ids=ascii
)
def test_any_other_text_is_left_alone(text: str) -> None:
    assert escaped(text) == text
    assert is_safe(text)
    assert escaped_json(json.dumps(text, ensure_ascii=False)) == json.dumps(text, ensure_ascii=False)


def test_json_keeps_its_lines() -> None:
    text = json.dumps({"a\x85": ["\u202e", "\x7f"]}, indent=2, ensure_ascii=False)
    assert escaped_json(text).splitlines() == ["{", '  "a\\u0085": [', '    "\\u202e",', '    "\\u007f"', "  ]", "}"]


def test_a_long_message_says_how_much_of_it_is_left_out_and_keeps_both_ends() -> None:
    text = "the class " + "x" * 5_000 + " is not in the list; add it"
    short = shortened(text)
    assert len(short) < MAX_MESSAGE_LENGTH + 50
    assert f"[{len(text) - MAX_MESSAGE_LENGTH:,} characters left out]" in short
    assert short.startswith("the class x")
    assert short.endswith(" is not in the list; add it")


def test_what_fits_is_not_shortened() -> None:
    assert shortened("x" * MAX_MESSAGE_LENGTH) == "x" * MAX_MESSAGE_LENGTH


def test_a_message_of_control_characters_is_short_too() -> None:
    assert as_message("\x1b" * 5_000).count("\\x1b") == MAX_MESSAGE_LENGTH
