"""Texts made safe to print: labels, names and files must not be able to forge what a terminal or a log shows."""

from __future__ import annotations

import re

MAX_MESSAGE_LENGTH = 1_000
"""Characters of one line of a message, longer ones are shortened."""

# C0 controls, DEL and C1 controls (ECMA-48), the line and paragraph separators, the controls of writing direction
# (Unicode Standard Annex 9) and lone surrogates, which no encoding has.
_UNSAFE_CLASS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_UNSAFE = re.compile(f"[{_UNSAFE_CLASS}]")
_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def escaped(text: str) -> str:
    r"""Return a text as one line in which control characters are written as Python writes them.

    Example:
        >>> print(escaped("bolt\x1b[2J\nerror: 0"))
        bolt\x1b[2J\nerror: 0
    """
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_as_python, text)


def escaped_json(text: str) -> str:
    r"""Return JSON with JSON's escapes for the control characters that its strings hold; it means the same.

    Example:
        >>> print(escaped_json('"\x9b2J"'))
        "\u009b2J"
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNSAFE.sub(lambda found: found[0] if found[0] in "\n\r\t" else f"\\u{ord(found[0]):04x}", text)


def is_safe(text: str) -> bool:
    """Return whether a text holds nothing that has to be escaped, but for line ends."""
    return not _UNSAFE.search(text.replace("\n", ""))


def shortened(text: str, limit: int = MAX_MESSAGE_LENGTH) -> str:
    """Return a text of at most about so many characters: the middle is left out, with the count of its characters.

    The start says what is wrong, and the end what to do.

    Example:
        >>> shortened("x" * 3000, 20)
        'xxxxxxxxxxxxxxx [2,980 characters left out] xxxxx'
    """
    if len(text) <= limit:
        return text
    end = limit // 4
    return f"{text[: limit - end]} [{len(text) - limit:,} characters left out] {text[len(text) - end :]}"


def as_message(text: str) -> str:
    """Return one line of a message: escaped, and shortened when it is long."""
    return escaped(shortened(text))


def _as_python(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
