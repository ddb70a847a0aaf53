"""The error to expect of a count, from the errors of counts in a model's evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CountError:
    """Errors of counts on the test split, in objects per image.

    Attributes:
        mae: mean absolute error.
        bias: mean of detected minus true.
        rmse: root mean square error.
    """

    mae: float
    bias: float | None = None
    rmse: float | None = None

    @classmethod
    def of_evaluation(cls, evaluation: Mapping[str, Any]) -> CountError | None:
        """Return the errors in the content of evaluation.json; None where it has none."""
        count = evaluation.get("count")
        if not isinstance(count, Mapping) or not isinstance(count.get("mae"), int | float):
            return None
        return cls(float(count["mae"]), count.get("bias"), count.get("rmse"))

    def of_total(self, images: int) -> tuple[float, float] | None:
        """Return the bias and the standard deviation to expect of a total over images; None where they are unknown.

        Errors of different images count as independent: the bias adds up, and so does the variance about it, which is
        rmse² - bias² for an image.

        Example:
            >>> CountError(mae=0.4, bias=0.1, rmse=0.5).of_total(100)
            (10.0, 4.898979485566356)
        """
        if self.bias is None or self.rmse is None:
            return None
        return images * self.bias, math.sqrt(images * max(0.0, self.rmse**2 - self.bias**2))
