"""The key of a manifest's line that says how people came to its label: written by reviews, read by Prepare."""

from __future__ import annotations

import msgspec

REVIEW_KEY = "groundloop-review"
_QUOTED = f'"{REVIEW_KEY}"'.encode()
_TRAIN = "train"
_DECIMALS = 3


class Review(msgspec.Struct, frozen=True, rename="kebab"):
    """What the key says.

    Attributes:
        split: the only split that a new image may get into.
        selected_by: why the image was chosen.
        shown: whose boxes the reviewer saw at first: `model`, `labels` or `nothing`.
    """

    split: str | None = None
    selected_by: str = ""
    shown: str = ""

    @property
    def is_blind(self) -> bool:
        """Return whether the image was drawn at random and shown without boxes."""
        return self.selected_by == "audit" and self.shown == "nothing"


class _Line(msgspec.Struct, rename={"review": REVIEW_KEY}):
    review: Review | None = None


_LINES = msgspec.json.Decoder(_Line)


def review_value(
    *,
    queue: str,
    selected_by: str,
    shown: str,
    split: str | None = None,
    model_package: str | None = None,
    expected_mistakes: float | None = None,
) -> dict[str, object]:
    """Return the key's value as it is written; what is None is left out.

    Args:
        queue: name of the review queue, or of the flow definition.
        selected_by: why the image was chosen.
        shown: whose boxes the reviewer saw at first.
        split: the only split that a new image may get into.
        model_package: ARN of the model whose boxes were shown.
        expected_mistakes: how many the model was expected to make on the image.

    Example:
        >>> review_value(queue="week-47", selected_by="audit", shown="nothing")
        {'queue': 'week-47', 'selected-by': 'audit', 'shown': 'nothing'}
    """
    value: dict[str, object] = {"queue": queue, "selected-by": selected_by, "shown": shown}
    if split is not None:
        value["split"] = split
    if model_package is not None:
        value["model-package"] = model_package
    if expected_mistakes is not None:
        value["expected-mistakes"] = round(expected_mistakes, _DECIMALS)
    return value


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
    review = review_of(raw)
    return review is not None and review.split == _TRAIN


def review_of(raw: bytes) -> Review | None:
    """Return what a line, or the input of a human loop, says of its review; None where it says nothing."""
    if _QUOTED not in raw:  # nearly every line, and it takes no time
        return None
    try:
        return _LINES.decode(raw).review
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
