"""Slices: the images of a data set by the value of a key of their manifest lines, such as `camera` or `site`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from groundloop.errors import UserError
from groundloop.suggestions import first_of, nearest, quoted

#: The value of each image, by key and the image's URI.
SliceValues: TypeAlias = Mapping[str, Mapping[str, str]]

#: The slice of images whose line doesn't have the key, or has null or an empty text there.
NO_VALUE = "(none)"
MAX_SLICE_KEYS = 4
MAX_SLICE_VALUES = 100
MAX_VALUE_LENGTH = 100

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_REFERENCE = "source-ref"


def read_slices(lines: Iterable[tuple[str, bytes]], keys: Sequence[str], where: str) -> dict[str, dict[str, str]]:
    """Read the value of each key from the lines of a manifest.

    A key names a field of the line, or a field within an object: `capture.camera` is looked up as it is written first,
    then as `camera` in the object `capture`. A number is its text, so that 7 and "7" are one slice.

    Args:
        lines: URI of the image and its line, a JSON object.
        keys: names of the fields.
        where: what the lines are of, for messages.

    Returns:
        By key and URI the value; `(none)` where a line has none.

    Raises:
        UserError: no line has a key, a value is an object or a list, or there are too many different ones.

    Example:
        >>> lines = [("s3://b/1.jpg", b'{"site": "Ulm"}'), ("s3://b/2.jpg", b'{"site": ""}')]
        >>> read_slices(lines, ["site"], "test.manifest")
        {'site': {'s3://b/1.jpg': 'Ulm', 's3://b/2.jpg': '(none)'}}
    """
    slices: dict[str, dict[str, str]] = {key: {} for key in keys}
    different: dict[str, set[str]] = {key: set() for key in keys}
    seen, present = set[str](), set[str]()
    for source_ref, raw in lines if keys else ():
        fields = _FIELDS.decode(raw)
        seen.update(fields)
        for key, values in slices.items():
            found = _find(fields, key)
            value = NO_VALUE if found is None else _text(found, f"{where}: {key} of {source_ref}")
            if found is not None:
                present.add(key)
            values[source_ref] = value
            different[key].add(value)
            if len(different[key]) > MAX_SLICE_VALUES:
                raise UserError(
                    f"{where}: {key} has more than {MAX_SLICE_VALUES} different values, such as {quoted(value)}: slice "
                    "by a key with few values, such as the camera or the site"
                )
    for key in keys:
        if key not in present:
            near = nearest(key, seen)
            others = sorted(seen - {_REFERENCE})
            hint = f"did you mean {near!r}?" if near else f"their keys are {first_of(others)}"
            raise UserError(f"{where}: no line has the key {key!r} to slice by; {hint}")
    return slices


def slice_order(value: str) -> tuple[bool, str]:
    """Return the sort key of a slice: by value, with the images that have none last."""
    return value == NO_VALUE, value


def _find(fields: Mapping[str, msgspec.Raw], key: str) -> msgspec.Raw | None:
    """Return the value at a key, as written or as a path into objects; None if there is none."""
    if key in fields:
        return fields[key]
    for end in (position for position, character in enumerate(key) if character == "."):
        inner = fields.get(key[:end])
        if inner is not None and bytes(inner).startswith(b"{"):
            found = _find(_FIELDS.decode(inner), key[end + 1 :])
            if found is not None:
                return found
    return None


def _text(value: msgspec.Raw, where: str) -> str:
    raw = bytes(value)
    if raw == b"null":
        return NO_VALUE
    if raw[:1] in (b"{", b"["):
        kind = "an object" if raw[:1] == b"{" else "a list"
        raise UserError(f"{where} is {kind}: slices are made by a text, a number, true or false")
    text = msgspec.json.decode(value, type=str) if raw.startswith(b'"') else raw.decode()
    text = " ".join(text.split())
    if len(text) > MAX_VALUE_LENGTH:
        raise UserError(f"{where} has {len(text)} characters, of which a slice's name holds {MAX_VALUE_LENGTH}")
    return text or NO_VALUE
