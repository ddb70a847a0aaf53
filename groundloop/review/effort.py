"""How long the review of an image takes, from the number of its objects: seconds = a + b x objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

#: Answers that a fit needs, and with how many different numbers of boxes.
MIN_ANSWERS = 30
_MIN_COUNTS = 3
#: The newest answers count: people become faster.
_MAX_ANSWERS = 400
_MIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Effort:
    """The seconds that a reviewer works on an image.

    Attributes:
        per_image: seconds that any image takes.
        per_box: seconds that each object on it adds.
        answers: how many answers the numbers come from; 0 for the defaults.
    """

    per_image: float = 4.0
    per_box: float = 1.5
    answers: int = 0

    def seconds(self, boxes: float) -> float:
        """Return how long an image with so many objects takes.

        Example:
            >>> Effort().seconds(4)
            10.0
        """
        return self.per_image + self.per_box * boxes


def fit_effort(answers: Sequence[tuple[int, float]]) -> Effort:
    """Fit the seconds to answers; too few of them give the defaults.

    The line is Theil and Sen's: its slope is the median over all pairs, so that a few coffee breaks don't matter.

    Args:
        answers: number of boxes and seconds of each, the newest last.
    """
    newest = [(boxes, seconds) for boxes, seconds in answers if seconds >= _MIN_SECONDS][-_MAX_ANSWERS:]
    if len(newest) < MIN_ANSWERS or len({boxes for boxes, _ in newest}) < _MIN_COUNTS:
        return Effort()
    slopes = [
        (other_seconds - seconds) / (other_boxes - boxes)
        for place, (boxes, seconds) in enumerate(newest)
        for other_boxes, other_seconds in newest[place + 1 :]
        if other_boxes != boxes
    ]
    slope = max(0.0, median(slopes))
    start = max(_MIN_SECONDS, median(seconds - slope * boxes for boxes, seconds in newest))
    return Effort(per_image=start, per_box=slope, answers=len(newest))
