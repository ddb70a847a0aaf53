"""Keys given twice in one JSON object: legal JSON, but readers differ on which value counts."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_DECODE = msgspec.json.Decoder().decode
_ENCODE = msgspec.json.Encoder().encode
_KEY_END = b'":'
# What is counted as the end of a key in one text and not in the other: space before a colon, and quotes and colons
# written as \u0022 and \u003a.
_MISLEADING = (b"\\u00", b" :", b"\t:", b"\r:", b"\n:")


class _DuplicateError(Exception):
    """Carries the key out of the decoder."""


def duplicate_key(raw: bytes) -> str | None:
    """Return the first key that an object of this line, at any depth, has twice; None when there is none.

    Written out again, a line whose keys are unique has as many of them as before: that comparison runs in C, and only
    a line that fails it (or may mislead it) is decoded slowly to find the key.

    Args:
        raw: valid JSON; invalid JSON gives None, since the reader names that fault itself.
    """
    if not any(text in raw for text in _MISLEADING):
        try:
            if _ENCODE(_DECODE(raw)).count(_KEY_END) == raw.count(_KEY_END):
                return None
        except (ValueError, RecursionError):  # values that msgspec refuses but nobody reads, such as 1e999
            pass
    try:
        json.loads(raw, object_pairs_hook=_refuse_duplicates)
    except _DuplicateError as found:
        return str(found)
    except (ValueError, RecursionError):
        return None
    return None


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise _DuplicateError(key)
        seen.add(key)
