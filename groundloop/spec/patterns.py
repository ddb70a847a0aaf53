"""The model's patterns are regular expressions of Java; 18 of them don't compile in Python."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CATEGORY = re.compile(r"\\p\{(\w+)\}")
# No character: keeps a class from being empty when nothing of a category occurs.
_NOTHING = "\\uffff"


def matches(pattern: str, value: str) -> bool:
    """Whether a value is all matched, as the service does it; True when Python can't tell."""
    compiled = _compiled(translated(pattern, value))
    return compiled is None or compiled.fullmatch(value) is not None


def translated(pattern: str, value: str) -> str:
    """A pattern for Python, that holds for this value only."""
    return _CATEGORY.sub(lambda found: _characters(found[1], value), _simplified(pattern))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


def _simplified(pattern: str) -> str:
    # Pairs of surrogates stand for the characters beyond the first plane.
    pattern = pattern.replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\U00010000-\\U0010FFFF")
    # A length behind the end ("$" then "{1,128}") matches nothing in Java either; the shape has it as its maximum.
    return re.sub(r"\$\{\d+,\d+\}$", "$", pattern)


def _characters(category: str, value: str) -> str:
    """What Java's ``\\p{L}`` stands for, as far as it matters for this value: the value's own characters of it."""
    if category == "Alnum":
        return "a-zA-Z0-9"
    return _NOTHING + "".join(re.escape(c) for c in sorted(set(value)) if unicodedata.category(c).startswith(category))
