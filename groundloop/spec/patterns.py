r"""The patterns of the API's model, which are Java regular expressions.

The `regex` package knows what Python's `re` doesn't: the Unicode categories, such as `\p{L}`, of 18 of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import regex


def matches(pattern: str, value: str) -> bool:
    r"""Return whether the whole of a value matches a pattern, as the service requires.

    A pattern that can't be compiled lets every value pass; no pattern of the model is one.

    Example:
        >>> matches(r"[\p{L}\p{N} ]*", "Büro 5")
        True
    """
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    try:
        return regex.compile(translate(pattern), regex.DOTALL)
    except regex.error:
        return None


def translate(pattern: str) -> str:
    r"""Return a pattern of Java in the syntax of the `regex` package."""
    # Pairs of surrogates stand for the characters beyond the first plane.
    pattern = pattern.replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\U00010000-\\U0010FFFF")
    # In Java this class is ASCII only.
    pattern = pattern.replace("\\p{Alnum}", "a-zA-Z0-9")
    # A length behind the end ("$" then "{1,128}") matches nothing in Java either; the shape has it as its maximum.
    return re.sub(r"\$\{\d+,\d+\}$", "$", pattern)
