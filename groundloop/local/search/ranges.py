"""Ranges of hyperparameters: the strings of the API, and the distributions that Optuna samples from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundloop.spec.tuning import number, parameter_ranges

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

#: With ScalingType Auto, a range whose ends are this many times apart is searched on a logarithmic scale.
_WIDE = 1000


@dataclass(frozen=True)
class ParameterRange:
    """The range of one hyperparameter.

    Attributes:
        name: of the hyperparameter.
        kind: `integer`, `continuous` or `categorical`.
        low: the smallest number; 0 for a categorical one.
        high: the largest number; 0 for a categorical one.
        scale: ScalingType, with Auto decided; empty for a categorical one.
        values: of a categorical one.
    """

    name: str
    kind: str
    low: float = 0
    high: float = 0
    scale: str = ""
    values: tuple[str, ...] = ()

    @property
    def distribution(self) -> BaseDistribution:
        """The distribution to sample from; on a reverse logarithmic scale it is that of 1 minus the value."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.kind == "categorical":
            return CategoricalDistribution(self.values)
        if self.scale == "ReverseLogarithmic":
            return FloatDistribution(1 - self.high, 1 - self.low, log=True)
        if self.kind == "integer":
            return IntDistribution(int(self.low), int(self.high), log=self.scale == "Logarithmic")
        return FloatDistribution(self.low, self.high, log=self.scale == "Logarithmic")

    def text(self, sampled: Any) -> str:
        """Return the hyperparameter's value for what was sampled, as the API has it."""
        if self.kind == "categorical":
            return str(sampled)
        value = 1 - sampled if self.scale == "ReverseLogarithmic" else sampled
        if self.kind == "integer":
            return str(round(value))
        return repr(float(min(max(value, self.low), self.high)))

    def sampled(self, text: str) -> Any:
        """Return what would have been sampled for a value.

        Raises:
            ValueError: the value is outside of the range.
        """
        if self.kind == "categorical":
            if text not in self.values:
                raise ValueError(f"{self.name}={text} is none of {', '.join(self.values)}")
            return text
        value = number(text, self.kind)
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.name}={text} is outside of {self.low:g} to {self.high:g}")
        return 1 - value if self.scale == "ReverseLogarithmic" else value


def ranges_of(request: Mapping[str, Any]) -> list[ParameterRange]:
    """Return the ranges of a tuning job's request.

    Example:
        >>> wide = {"Name": "learning_rate", "MinValue": "1e-5", "MaxValue": "0.1", "ScalingType": "Auto"}
        >>> ranges = {"ContinuousParameterRanges": [wide]}
        >>> ranges_of({"HyperParameterTuningJobConfig": {"ParameterRanges": ranges}})[0].scale
        'Logarithmic'
    """
    return [_range(kind, item) for _, kind, item in parameter_ranges(request)]


def _range(kind: str, item: Mapping[str, Any]) -> ParameterRange:
    if kind == "categorical":
        return ParameterRange(item["Name"], kind, values=tuple(item["Values"]))
    low, high = number(item["MinValue"], kind), number(item["MaxValue"], kind)
    scale = item.get("ScalingType") or "Auto"
    if scale == "Auto":
        scale = "Logarithmic" if low > 0 and high / low >= _WIDE else "Linear"
    return ParameterRange(item["Name"], kind, low, high, scale)
