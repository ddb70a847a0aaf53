"""When a tuning job is done before its last training job (TuningJobCompletionCriteria)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from groundloop.local.context import now

#: Share of the best result that a training job has to gain to count as an improvement (API reference,
#: `BestObjectiveNotImproving`).
_IMPROVEMENT = 0.01
#: Training jobs in a row without an improvement that count as convergence. AWS's own rule is not public.
_CONVERGED_AFTER = 10


class Completion:
    """The completion criteria of one tuning job, and how near they are.

    Args:
        criteria: TuningJobCompletionCriteria.
        maximize: whether more of the objective is better.

    Attributes:
        not_improving: training jobs in a row that didn't improve on the best result by 1 %.
        converged: when convergence was detected; None if it wasn't.
    """

    def __init__(self, criteria: Mapping[str, Any], maximize: bool) -> None:
        self._criteria, self._sign = criteria, 1 if maximize else -1
        self._best: float | None = None
        self.not_improving = 0
        self.converged: datetime | None = None

    def add(self, result: float, completed: bool) -> None:
        """Take the result of a training job that has ended; one that was stopped improves nothing."""
        earlier = self._best
        is_better = completed and (earlier is None or self._sign * (result - earlier) > 0)
        if is_better:
            self._best = result
        if is_better and (earlier is None or abs(result - earlier) >= _IMPROVEMENT * abs(earlier)):
            self.not_improving = 0
        else:
            self.not_improving += 1
        if self.not_improving >= _CONVERGED_AFTER and self.converged is None:
            self.converged = now()

    @property
    def reason(self) -> str | None:
        """Why the tuning job is done; None if it is not."""
        target = self._criteria.get("TargetObjectiveMetricValue")
        if target is not None and self._best is not None and self._sign * (self._best - target) >= 0:
            return f"TargetObjectiveMetricValue {target:g} is reached"
        patience = (self._criteria.get("BestObjectiveNotImproving") or {}).get("MaxNumberOfTrainingJobsNotImproving")
        if patience is not None and self.not_improving >= patience:
            return f"{self.not_improving} training jobs in a row did not improve the objective by 1 %"
        wanted = (self._criteria.get("ConvergenceDetected") or {}).get("CompleteOnConvergence") == "Enabled"
        if wanted and self.converged:
            return f"convergence: {_CONVERGED_AFTER} training jobs in a row did not improve the objective by 1 %"
        return None
