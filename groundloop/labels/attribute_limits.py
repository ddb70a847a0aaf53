"""Attributes too long for a labelling job: the line can be read here, but no further job of Ground Truth takes it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from groundloop.labels.findings import LabelCode, LabelFinding

MAX_ATTRIBUTE_LENGTH = 20_000
"""Characters that Ground Truth allows one attribute of an object (developer guide, "Use an input manifest file")."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def long_attributes(number: int, raw: bytes, source_ref: str) -> Iterator[LabelFinding]:
    """Yield a warning for each attribute whose JSON value has more characters than that.

    Args:
        number: of the line, from 1.
        raw: the line, a valid JSON object.
        source_ref: of its image.
    """
    for name, value in _FIELDS.decode(raw).items():
        length = len(bytes(value).decode())
        if length > MAX_ATTRIBUTE_LENGTH:
            message = (
                f"the attribute {name!r} has {length:,} characters, and Ground Truth allows {MAX_ATTRIBUTE_LENGTH:,}: "
                "the line is read, but no further labelling job accepts it"
            )
            yield LabelFinding(LabelCode.LONG_ATTRIBUTE, message, number, source_ref)
