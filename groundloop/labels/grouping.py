"""Images that must not be torn apart by a split: frames of one video, pictures of one patient, one board."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from groundloop.errors import UserError


@dataclass(frozen=True, slots=True)
class Grouping:
    """How the group of an image is found; without pattern and key every image is a group of its own.

    Args:
        pattern: regular expression searched for in the source-ref; its first group, or the whole match, is the
            group's name.
        key: a key that the manifest's lines carry besides the label; its value is the group's name.

    Raises:
        UserError: both are given, or the pattern is not a regular expression.
    """

    pattern: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if self.pattern and self.key:
            raise UserError("images are grouped by a pattern or by a key, not by both: drop one")
        if self.pattern:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise UserError(f"the group pattern {self.pattern!r} is not a regular expression: {error}") from None

    def __bool__(self) -> bool:
        """Whether images are grouped at all."""
        return bool(self.pattern or self.key)

    def __call__(self, source_ref: str, raw: bytes) -> str:
        """Return the group of an image; one that the pattern or key doesn't place is a group of its own.

        Args:
            raw: its line in the manifest, a JSON object.
        """
        if self.pattern:
            found = re.search(self.pattern, source_ref)
            if found is None:
                return source_ref
            return next((group for group in found.groups() if group is not None), found[0])
        if self.key:
            value = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).get(self.key)
            if value is None:
                return source_ref
            # The value's own text, so that 7 and "7" are one group, as they are to a reader.
            text = bytes(value).decode()
            return str(msgspec.json.decode(value)) if text.startswith('"') else text
        return source_ref
