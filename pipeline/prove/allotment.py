"""The time and the money of one trial."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Allotment:
    """The time and money of one trial.

    Attributes:
        seconds: how long each of its instances may run, by use: the stopping conditions.
        hourly_usd: their prices.
        requests_usd: upper bound of the rest.
    """

    seconds: dict[str, int]
    hourly_usd: dict[str, float]
    requests_usd: float
    _used: dict[str, float] = field(default_factory=dict)
    _billed: bool = False

    @property
    def bound_usd(self) -> float:
        """The most that the trial can cost."""
        return self.requests_usd + math.fsum(
            seconds * self.hourly_usd[use] / 3600 for use, seconds in self.seconds.items()
        )

    def begin(self, *uses: str) -> None:
        """Note that the trial is about to be billed: until `ran` says better, for all the time that it has."""
        self._billed = True
        self._used.update({use: float(self.seconds[use]) for use in uses})

    def ran(self, use: str, seconds: float) -> None:
        """Note how long an instance really ran."""
        self._used[use] = min(seconds, self.seconds[use])

    @property
    def spent_usd(self) -> float:
        """The most that the trial has cost, by how long its instances ran."""
        requests_usd = self.requests_usd if self._billed else 0.0
        return requests_usd + math.fsum(seconds * self.hourly_usd[use] / 3600 for use, seconds in self._used.items())
