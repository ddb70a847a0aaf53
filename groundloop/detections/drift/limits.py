"""Plain limits of means, beside the test: `{"boxes": {"min_mean": 1}, "brightness": {"min_mean": 60}}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import CLASS_SHARE, STATISTICS, statistics_of
from groundloop.errors import UserError
from groundloop.suggestions import correction

#: The statistics that limits may be of, besides `class_share.<class>`.
LIMITED = tuple(statistic.name for statistic in STATISTICS)
_KEYS = ("min_mean", "max_mean")


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the mean of a statistic over the images of a window; None where there is none.

    Raises:
        UserError: neither a minimum nor a maximum, or a minimum over the maximum.
    """

    statistic: str
    min_mean: float | None = None
    max_mean: float | None = None

    def __post_init__(self) -> None:
        low, high = self.min_mean, self.max_mean
        if low is None and high is None:
            raise UserError(f"the limit of {self.statistic} has neither min_mean nor max_mean: give at least one")
        if low is not None and high is not None and low > high:
            raise UserError(f"the limit of {self.statistic} has a min_mean of {low:g} over its max_mean of {high:g}")

    def __str__(self) -> str:
        parts = (("at least", self.min_mean), ("at most", self.max_mean))
        return " and ".join(f"{words} {value:g}" for words, value in parts if value is not None)


@dataclass(frozen=True, slots=True)
class LimitResult:
    """Whether a window keeps a limit.

    Attributes:
        mean: of the images on which the statistic is defined; None where there is no such image.
        met: whether it lies within; None where there is no mean.
    """

    limit: Limit
    mean: float | None
    met: bool | None


def parse_limits(given: Mapping[str, Any], where: str = "limits") -> tuple[Limit, ...]:
    """Read limits as a configuration has them: by statistic, `min_mean` and `max_mean`.

    Args:
        given: the mapping.
        where: the setting, for error messages.

    Raises:
        UserError: an unknown statistic or key, or no number.
    """
    found = []
    for name, bounds in given.items():
        if name not in LIMITED and not name.startswith(CLASS_SHARE):
            remedy = correction(name, LIMITED, f"use {', '.join(LIMITED)} or {CLASS_SHARE}<class>")
            raise UserError(f"{where}: {name!r} is not a statistic: {remedy}")
        if not isinstance(bounds, Mapping):
            raise UserError(f"{where}.{name}: give min_mean, max_mean or both, such as {{min_mean: 1}}")
        for key, value in bounds.items():
            if key not in _KEYS:
                remedy = correction(key, _KEYS, "use min_mean or max_mean")
                raise UserError(f"{where}.{name}: {key!r} is unknown: {remedy}")
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise UserError(f"{where}.{name}.{key} is {value!r}: give a number")
        found.append(Limit(name, *(None if bounds.get(key) is None else float(bounds[key]) for key in _KEYS)))
    return tuple(found)


def check_limits(limits: Sequence[Limit], window: Sample) -> tuple[LimitResult, ...]:
    """Compare the means of a window with limits.

    Raises:
        UserError: a limit is of a class that the model doesn't know.
    """
    known = [statistic.name for statistic in statistics_of(window.classes)]
    results = []
    for limit in limits:
        if limit.statistic not in known:
            listed = ", ".join(window.classes)
            raise UserError(f"the limit of {limit.statistic} is of no class that is shared: the model has {listed}")
        values = window.column(limit.statistic)
        if not len(values):
            results.append(LimitResult(limit, None, None))
            continue
        mean = float(np.mean(values))
        low = limit.min_mean is None or mean >= limit.min_mean
        high = limit.max_mean is None or mean <= limit.max_mean
        results.append(LimitResult(limit, mean, low and high))
    return tuple(results)
