"""The detector's answers: `{"prediction": [[class, score, xmin, ymin, xmax, ymax], ...]}`.

The format: Amazon SageMaker developer guide, "Object detection request and response formats". Coordinates are
fractions of the image's width and height; detections come unfiltered, so most have low scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from groundloop.errors import UserError
from groundloop.suggestions import first_of

_ANSWER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[list[float]])
_MAX_QUOTE_LENGTH = 200

#: The score from which detections count: one for all classes, or each class's by name.
Threshold: TypeAlias = "float | Mapping[str, float]"


@dataclass(frozen=True, slots=True)
class Detections:
    """The detections of one image, in the detector's order.

    Attributes:
        classes: the class list; ids are positions in it.
        class_ids: (n,) integers.
        scores: (n,) in [0, 1].
        boxes: (n, 4) xmin, ymin, xmax, ymax as fractions of the image, clipped to [0, 1].
        clipped: how many detections had a coordinate outside [0, 1].
    """

    classes: tuple[str, ...]
    class_ids: NDArray[np.int64]
    scores: NDArray[np.float64]
    boxes: NDArray[np.float64]
    clipped: int = 0

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def names(self) -> list[str]:
        """The class name of each detection."""
        return [self.classes[class_id] for class_id in self.class_ids]

    def at(self, threshold: Threshold) -> Detections:
        """Return those with a score of at least the threshold of their class."""
        by_class = threshold if isinstance(threshold, Mapping) else dict.fromkeys(self.classes, threshold)
        kept = self.scores >= np.array([by_class[name] for name in self.classes], dtype=np.float64)[self.class_ids]
        return Detections(self.classes, self.class_ids[kept], self.scores[kept], self.boxes[kept], self.clipped)

    def counts(self) -> dict[str, int]:
        """Count the detections of each class of the list."""
        numbers = np.bincount(self.class_ids, minlength=len(self.classes))
        return dict(zip(self.classes, numbers.tolist(), strict=True))

    def pixels(self, width: int, height: int) -> NDArray[np.float64]:
        """Return the boxes as (n, 4) xmin, ymin, xmax, ymax in pixels of an image of that size."""
        return self.boxes * np.array([width, height, width, height], dtype=np.float64)


def parse_detections(answer: bytes, classes: Sequence[str], name: str) -> Detections:
    """Decode one answer and check every number of it.

    Args:
        answer: the response's body, or the content of a Batch Transform `.out` file.
        classes: the class list the model was trained with, in id order.
        name: where the answer is from, for error messages: a path or an endpoint's name.

    Raises:
        UserError: empty, not JSON, an error instead of an answer, rows of another shape, a class id outside the list,
            a score outside [0, 1], a box whose corners are swapped. JSON has no NaN, so one is "not JSON".

    Example:
        >>> detections = parse_detections(b'{"prediction": [[1, 0.9, 0.1, 0.1, 0.5, 0.5]]}', ["bolt", "nut"], "a.out")
        >>> detections.at(0.5).counts()
        {'bolt': 0, 'nut': 1}
    """
    rows = _rows(answer, name)
    for index, row in enumerate(rows, start=1):
        if len(row) != 6:
            raise UserError(
                f"{name}: detection {index} has {len(row)} numbers instead of class, score, xmin, ymin, xmax, ymax"
            )
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    ids, scores, corners = table[:, 0], table[:, 1], table[:, 2:]
    _refuse(name, (ids != np.floor(ids)) | (ids < 0) | (ids >= len(classes)), ids, _class_hint(classes))
    _refuse(name, (scores < 0) | (scores > 1), scores, "a score lies in 0 to 1")
    swapped = (corners[:, 2] < corners[:, 0]) | (corners[:, 3] < corners[:, 1])
    _refuse(name, swapped, corners, "the corners xmin, ymin, xmax, ymax are swapped")
    boxes = np.clip(corners, 0, 1)
    clipped = int(np.any(boxes != corners, axis=1).sum())
    return Detections(tuple(classes), ids.astype(np.int64), scores, boxes, clipped)


def _rows(answer: bytes, name: str) -> list[list[float]]:
    if not answer.strip():
        raise UserError(f"{name} is empty: the prediction failed there; look into the transform job's log")
    quote = answer[:_MAX_QUOTE_LENGTH].decode(errors="replace")
    try:
        fields = _ANSWER.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = "; it holds a NaN or Infinity" if b"NaN" in answer or b"Infinity" in answer else ""
        raise UserError(f"{name} is not a detector's answer: {error}{hint}; it begins {quote!r}") from None
    if "prediction" not in fields:
        raise UserError(f"{name} holds no prediction but {quote}")
    try:
        return _ROWS.decode(fields["prediction"])
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserError(f"{name}: the prediction is not a list of rows of numbers: {error}") from None


def _class_hint(classes: Sequence[str]) -> str:
    listed = first_of(classes)
    return f"class ids go from 0 to {len(classes) - 1} ({listed}): the model was trained with another class list"


def _refuse(name: str, wrong: NDArray[np.bool_], values: NDArray[np.float64], why: str) -> None:
    if wrong.any():
        index = int(np.argmax(wrong))
        raise UserError(f"{name}: detection {index + 1} has {values[index].tolist()}; {why}")
