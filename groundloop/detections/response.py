"""The detector's responses: `{"prediction": [[class, score, xmin, ymin, xmax, ymax], ...]}`.

The format: Amazon SageMaker developer guide, "Object detection request and response formats". Coordinates are
fractions of the image's width and height; detections come unfiltered, so most have low scores.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from groundloop.detections.arrays import Floats
from groundloop.errors import UserError
from groundloop.suggestions import first_of

_ANSWER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[list[float]])
_MAX_QUOTE_LENGTH = 200


def parse_rows(answer: bytes, classes: Sequence[str], name: str) -> Floats:
    """Decode one response and check every number of it.

    Args:
        answer: the response's body, or the content of a Batch Transform `.out` file.
        classes: the class list the model was trained with, in id order.
        name: where the response is from, for error messages.

    Returns:
        (n, 6) class id, score, xmin, ymin, xmax, ymax; the corners may lie outside 0 to 1.

    Raises:
        UserError: empty, not JSON, an error instead of a response, rows of another shape, a class id outside the list,
            a score outside [0, 1], a box whose corners are swapped. JSON has no NaN, so one is "not JSON".
    """
    rows = _rows(answer, name)
    for index, row in enumerate(rows, start=1):
        if len(row) != 6:
            raise UserError(
                f"{name}: detection {index} has {len(row)} numbers instead of class, score, xmin, ymin, xmax, ymax"
            )
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    ids, scores, corners = table[:, 0], table[:, 1], table[:, 2:]
    _reject(name, (ids != np.floor(ids)) | (ids < 0) | (ids >= len(classes)), ids, _class_hint(classes))
    _reject(name, (scores < 0) | (scores > 1), scores, "a score lies in 0 to 1")
    swapped = (corners[:, 2] < corners[:, 0]) | (corners[:, 3] < corners[:, 1])
    _reject(name, swapped, corners, "the corners xmin, ymin, xmax, ymax are swapped")
    return table


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


def _reject(name: str, wrong: NDArray[np.bool_], values: NDArray[np.float64], why: str) -> None:
    if wrong.any():
        index = int(np.argmax(wrong))
        raise UserError(f"{name}: detection {index + 1} has {values[index].tolist()}; {why}")
