"""A permutation test of whether two samples of images have the same distribution in several statistics at once.

Sources: the distance is the first Wasserstein distance, which in one dimension is the integral of the difference of the
quantile functions (Vallender, "Calculation of the Wasserstein distance between probability distributions on the line",
Theory of Probability and its Applications 18, 1974). The p-values adjusted for many statistics are those of the maximum
over the statistics (Westfall and Young, "Resampling-based multiple testing", Wiley 1993, single step), with the
observed labelling counted among the permutations, which makes them exact (Phipson and Smyth, "Permutation p-values
should never be zero", Statistical Applications in Genetics and Molecular Biology 9, 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundloop.detections.arrays import Bools, Floats

#: 999 and the observed labelling give p-values in steps of 0.001.
PERMUTATIONS = 999
#: A statistic is compared where it is defined on at least so many images of either sample.
MIN_DEFINED = 5
# The middles of 21 intervals of equal probability: extreme images weigh little.
_PROBABILITIES = (np.arange(21) + 0.5) / 21
# Permutations at a time: memory stays small however many images there are.
_BLOCK = 100
# A statistic that is the same on every image has no standard deviation; rounding alone must not give it one.
_MIN_DEVIATION = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class TestResult:
    """The result of a test.

    Attributes:
        p_value: of the hypothesis that all statistics have the same distributions in both samples.
        p_values: (statistics,) adjusted for their number; the smallest is `p_value`.
        z_scores: (statistics,) standard deviations of the distance over its mean under permutation.
        distances: (statistics,) Wasserstein distances in the statistics' own units; NaN where one is defined on too few
            images.
    """

    __test__ = False  # a result, not a test case

    p_value: float
    p_values: Floats
    z_scores: Floats
    distances: Floats


def permutation_test(reference: Floats, current: Floats, permutations: int = PERMUTATIONS, seed: int = 1) -> TestResult:
    """Test whether images are alike in several statistics.

    Whole images are permuted, so that statistics may depend on each other in any way. The test assumes that images are
    independent: many frames of one scene count as more evidence than they are.

    Args:
        reference: (n, statistics), NaN where a statistic is not defined.
        current: (m, statistics).
        permutations: the p-value is at least 1 / (permutations + 1).
        seed: of the permutations.

    Example:
        >>> reference = np.random.default_rng(1).normal(size=(100, 2))
        >>> permutation_test(reference, reference[:50] + 2).p_value
        0.001
    """
    pooled = np.concatenate([reference, current])
    generator = np.random.default_rng(seed)
    is_current = np.zeros(len(pooled), dtype=bool)
    is_current[len(reference) :] = True
    orders = [_order(column) for column in pooled.T]
    observed = np.array([_distances(pooled[order, k], is_current[None, order]) for k, order in enumerate(orders)])
    blocks = [observed[:, 0]]
    for start in range(0, permutations, _BLOCK):
        labels = generator.permuted(np.tile(is_current, (min(_BLOCK, permutations - start), 1)), axis=1)
        found = [_distances(pooled[order, k], labels[:, order])[0] for k, order in enumerate(orders)]
        blocks.append(np.array(found))
    null = np.concatenate(blocks, axis=1)
    deviations = null.std(axis=1, keepdims=True)
    varying = deviations > _MIN_DEVIATION
    scores = np.where(varying, (null - null.mean(axis=1, keepdims=True)) / np.where(varying, deviations, 1.0), 0.0)
    highest = scores.max(axis=0)
    # Scores of equal distances differ by rounding.
    as_high = highest[None, :] >= scores[:, :1] - 1e-9
    p_values = as_high.mean(axis=1)
    return TestResult(float(p_values.min()), p_values, scores[:, 0], observed[:, 1, 0])


def _order(column: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the positions of the defined values, lowest first."""
    order = np.argsort(column, kind="stable")
    return order[: int(np.isfinite(column).sum())]


def _distances(values: Floats, is_current: Bools) -> tuple[Floats, Floats]:
    """Return the test statistic and the distance of each labelling.

    The test statistic is the distance in units that its sampling error has: labellings that leave fewer values defined
    in a sample have larger distances by chance alone.

    Args:
        values: (n,) sorted.
        is_current: (labellings, n).
    """
    counts = is_current.sum(axis=1)
    others = len(values) - counts
    enough = (counts >= MIN_DEFINED) & (others >= MIN_DEFINED)
    scaled, distances = np.zeros(len(is_current)), np.full(len(is_current), np.nan)
    if enough.any():
        labels = is_current[enough]
        gaps = np.abs(_quantiles(values, labels) - _quantiles(values, ~labels))
        distances[enough] = gaps.mean(axis=1)
        scaled[enough] = distances[enough] * np.sqrt((counts * others / max(len(values), 1))[enough])
    return scaled, distances


def _quantiles(values: Floats, members: Bools) -> Floats:
    """Return (labellings, 21) quantiles, interpolated linearly, of the members among sorted values."""
    counts = members.sum(axis=1)
    # Of one axis they are found several times faster than of two.
    places = np.flatnonzero(members)
    starts = np.cumsum(counts) - counts
    rows = len(values) * np.arange(len(members))
    position = _PROBABILITIES[None, :] * (counts[:, None] - 1)
    low = position.astype(np.int64)
    high = np.minimum(low + 1, counts[:, None] - 1)
    fraction = position - low
    lower, upper = (values[places[starts[:, None] + index] - rows[:, None]] for index in (low, high))
    return np.asarray(lower + fraction * (upper - lower))
