"""The key of a manifest's line that says how people came to its label: written by reviews, read by Prepare."""

from __future__ import annotations

import msgspec

REVIEW_KEY = "groundloop-review"
_QUOTED = f'"{REVIEW_KEY}"'.encode()
_TRAIN = "train"


class _Review(msgspec.Struct):
    split: str | None = None


class _Line(msgspec.Struct, rename={"review": REVIEW_KEY}):
    review: _Review | None = None


_LINES = msgspec.json.Decoder(_Line)


def is_for_train_only(raw: bytes) -> bool:
    """Return whether a line's image was chosen because a model doubts it, so that it must not be tested on.

    Test images that were chosen by one model's doubts would make the test harder with every round, and favour
    whichever model was not asked.

    Args:
        raw: the line.

    Example:
        >>> is_for_train_only(b'{"source-ref": "s3://b/1.jpg", "groundloop-review": {"split": "train"}}')
        True
    """
    if _QUOTED not in raw:  # nearly every line, and it takes no time
        return False
    try:
        review = _LINES.decode(raw).review
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return review is not None and review.split == _TRAIN
