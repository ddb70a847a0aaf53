"""Texts for messages: shortened values, and the nearest right word for a misspelt one."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

_SHORT = 70
MAX_LISTED = 8
# So many letters of a word's beginning tell which one is meant.
_BEGINNING = 4


def quoted(value: Any) -> str:
    """Return a value as JSON, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant; None if none is near."""
    words = list(known)
    folded = {name.lower(): name for name in words}
    if word.lower() in folded:
        return folded[word.lower()]
    if found := difflib.get_close_matches(word, words, n=1, cutoff=0.75):
        return found[0]
    longer = [name for name in words if len(word) >= _BEGINNING and name.lower().startswith(word.lower())]
    return min(longer, key=len, default=None)


def near_misses(word: str, known: Iterable[str], count: int = 3, cutoff: float = 0.6) -> list[str]:
    """Return the known words that are spelt most like one, the nearest first; empty if none is near.

    Args:
        cutoff: least similarity, 0 to 1, as in `difflib.get_close_matches`.
    """
    return difflib.get_close_matches(word, list(known), n=count, cutoff=cutoff)


def correction(word: Any, known: Iterable[str], else_do: str) -> str:
    """Return `write 'x'` when a known word is near, else the other remedy."""
    near = nearest(word, known) if isinstance(word, str) else None
    return f"write {quoted(near)}" if near else else_do


def first_of(words: Collection[str], count: int = MAX_LISTED) -> str:
    """Join the first words, with the number of those that are left out; `none` when there are none.

    Example:
        >>> first_of(["0", "1", "2"], 2)
        '0, 1 and 1 more'
    """
    shown = ", ".join(islice(words, count)) or "none"
    return f"{shown} and {len(words) - count:,} more" if len(words) > count else shown


def listed(words: Iterable[str], *, near: Any = None) -> str:
    """Join all words when they are few; else those that are near, or the first."""
    every = [str(word) for word in words]
    if len(every) <= MAX_LISTED:
        return ", ".join(every)
    close = difflib.get_close_matches(str(near), every, n=3, cutoff=0.6)
    return f"e.g. {', '.join(close)}" if close else f"{', '.join(every[:MAX_LISTED])} ..."
