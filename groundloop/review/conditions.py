"""Conditions on an image's detections, as A2I's activation conditions for Amazon Rekognition have them.

Source: Amazon SageMaker developer guide, "JSON schema for human loop activation conditions in Amazon Augmented AI"
(confidence compared with a number, per label or any); the wording here is one line instead of JSON.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from groundloop.detections.expected_mistakes import Doubt, ImageDetections
from groundloop.errors import UserError

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_SIGN = r"(<=|>=|==|!=|<|>)"
_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_CLASS = r"(?:\(\s*(?P<name>.+?)\s*\))?"
_SIMPLE = re.compile(rf"(?P<what>top_score|count){_CLASS}\s*{_SIGN}\s*{_NUMBER}")
_MISTAKES = re.compile(rf"expected_mistakes\s*{_SIGN}\s*{_NUMBER}")
_ANY = re.compile(rf"any{_CLASS}\s*{_NUMBER}\s*(<=|<)\s*score\s*(<=|<)\s*{_NUMBER}")
_FORMS = "top_score < 0.5, any(nut) 0.3 <= score < 0.6, count(bolt) != 4, expected_mistakes >= 1"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the detections of one image.

    Attributes:
        text: as it was written.
        holds: whether the detections meet it. An image without detections has no top score, and never meets one.
    """

    text: str
    holds: Callable[[ImageDetections, Doubt], bool]


def parse_condition(text: str, classes: tuple[str, ...]) -> Condition:
    """Parse a condition.

    Args:
        text: in one of the forms `top_score < 0.5`, `any 0.3 <= score < 0.6`, `count != 4` and
            `expected_mistakes >= 1`; the first three take a class in parentheses, such as `count(bolt) != 4`.
        classes: names that are possible.

    Raises:
        UserError: none of these forms, or an unknown class.
    """
    stripped = text.strip()
    for pattern, make in ((_SIMPLE, _simple), (_ANY, _any), (_MISTAKES, _mistakes)):
        found = pattern.fullmatch(stripped)
        if found:
            name = found.groupdict().get("name")
            if name is not None and name not in classes:
                raise UserError(f"condition {text!r}: there is no class {name!r}; there are {', '.join(classes)}")
            return Condition(stripped, make(found, name))
    raise UserError(f"condition {text!r} is not understood: write it as one of {_FORMS}")


def _simple(found: re.Match[str], name: str | None) -> Callable[[ImageDetections, Doubt], bool]:
    compare, limit = _COMPARISONS[found[3]], float(found[4])
    if found["what"] == "count":
        return lambda detections, doubt: compare(float((doubt.counted & _of(detections, name)).sum()), limit)

    def top_score(detections: ImageDetections, _: Doubt) -> bool:
        """Compare the best score, if there is one."""
        scores = detections.scores[_of(detections, name)]
        return bool(len(scores)) and compare(float(scores.max()), limit)

    return top_score


def _any(found: re.Match[str], name: str | None) -> Callable[[ImageDetections, Doubt], bool]:
    low, from_low, to_high, high = float(found[2]), found[3], found[4], float(found[5])

    def holds(detections: ImageDetections, _: Doubt) -> bool:
        """Look for a score within the limits."""
        scores = detections.scores[_of(detections, name)]
        above = scores >= low if from_low == "<=" else scores > low
        below = scores <= high if to_high == "<=" else scores < high
        return bool((above & below).any())

    return holds


def _mistakes(found: re.Match[str], _: str | None) -> Callable[[ImageDetections, Doubt], bool]:
    compare, limit = _COMPARISONS[found[1]], float(found[2])
    return lambda _detections, doubt: compare(doubt.mistakes, limit)


def _of(detections: ImageDetections, name: str | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return (n,) which detections are of a class; all without one."""
    return np.array([name is None or one == name for one in detections.names], dtype=np.bool_)
