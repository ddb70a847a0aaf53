"""When a training job is stopped early, with TrainingJobEarlyStoppingType Auto."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, median


def is_worse_than_median(curve: Sequence[float], earlier: Iterable[Sequence[float]], maximize: bool) -> bool:
    """Return whether a training job is to be stopped after its latest epoch, by AWS's median rule.

    Its value is compared with the median over earlier jobs of the mean of their values up to the same epoch (SageMaker
    developer guide, "Stop training jobs early").

    Args:
        curve: the job's objective metric after each epoch so far.
        earlier: the same of each training job before it.
        maximize: whether more is better.

    Example:
        >>> is_worse_than_median([0.1, 0.2], [[0.2, 0.4, 0.5], [0.3, 0.5]], maximize=True)
        True
    """
    if not curve:
        return False
    averages = [fmean(values[: len(curve)]) for values in earlier if values]
    if not averages:
        return False
    middle = median(averages)
    return curve[-1] < middle if maximize else curve[-1] > middle
