"""Attributes too long for a labelling job: the line can be read here, but no further job of Ground Truth takes it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from groundloop.labels.findings import Code, Finding

LONGEST_ATTRIBUTE = 20_000
"""Characters that Ground Truth allows one attribute of an object (developer guide, "Use an input manifest file")."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def long_attributes(number: int, raw: bytes, source_ref: str) -> Iterator[Finding]:
    """A warning for each attribute whose value has more characters of JSON than that.

    Args:
        number: of the line, from 1.
        raw: the line, a sound JSON object.
        source_ref: of its image.
    """
    for name, value in _FIELDS.decode(raw).items():
        length = len(bytes(value).decode())
        if length > LONGEST_ATTRIBUTE:
            told = (
                f"the attribute {name!r} has {length:,} characters; Ground Truth itself takes {LONGEST_ATTRIBUTE:,}, "
                "so no further labelling job takes this line; read all the same"
            )
            yield Finding(Code.LONG_ATTRIBUTE, told, number, source_ref)
