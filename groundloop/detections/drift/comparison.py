"""The comparison of a window of captured requests with a baseline: two alarms, plain limits, and formats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundloop.detections.arrays import Floats
from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.limits import Limit, LimitResult, check_limits
from groundloop.detections.drift.permutation import PERMUTATIONS, permutation_test
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import ANSWERS, INPUT, ImageFormat, Statistic
from groundloop.errors import UserError

#: A baseline of fewer images says too little of what is usual.
MIN_BASELINE_IMAGES = 10
MIN_IMAGES = 50
# Of a statistic's least scale. The test compares ranks: a value that is the same on every image but for its last digit,
# as it was rounded in a file or by another machine, must not count as a difference of all images.
_RESOLUTION = 1e-3
FALSE_ALARM = 0.01


@dataclass(frozen=True, slots=True)
class DriftTest:
    """How a window is compared.

    Attributes:
        false_alarm: probability of an alarm of a group when nothing has changed.
        min_images: of fewer images nothing is decided.
        limits: plain limits.
        permutations: of the test, for p-values of at least 1 / (permutations + 1).
        seed: of the permutations.

    Raises:
        UserError: so few permutations can't reach the false alarm rate, or it is no probability.
    """

    false_alarm: float = FALSE_ALARM
    min_images: int = MIN_IMAGES
    limits: tuple[Limit, ...] = ()
    permutations: int = PERMUTATIONS
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.false_alarm < 1:
            raise UserError(f"the false alarm rate {self.false_alarm:g} must lie over 0 and under 1")
        if self.min_images < 1:
            raise UserError(f"the minimum of images {self.min_images} must be at least 1")
        if self.false_alarm * (self.permutations + 1) < 1:
            needed = math.ceil(1 / self.false_alarm) - 1
            raise UserError(
                f"{self.permutations} permutations can't show a p-value of {self.false_alarm:g}: take at least {needed}"
            )


@dataclass(frozen=True, slots=True)
class StatisticResult:
    """How a statistic differs.

    Attributes:
        statistic: which.
        baseline_mean, window_mean: over the images on which it is defined; None where there is none.
        distance: Wasserstein distance in standard deviations of the baseline; None where it was not computed.
        p_value: adjusted for all statistics of its group; None where nothing was decided.
    """

    statistic: Statistic
    baseline_mean: float | None
    window_mean: float | None
    distance: float | None
    p_value: float | None

    def describe(self) -> str:
        """Describe the difference, such as `boxes 5.2 → 1.1`."""
        return f"{self.statistic.words} {_rounded(self.baseline_mean)} \u2192 {_rounded(self.window_mean)}"


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The result of a group of statistics.

    Attributes:
        group: `INPUT` or `ANSWERS`.
        images: of the window, on which it was measured.
        p_value: that no statistic differs; None where nothing was decided.
        alarm: whether it is at most the false alarm rate.
        undecided: why nothing was decided, in one sentence; "" if it was.
        statistics: those that differ most first.
    """

    group: str
    images: int
    p_value: float | None
    alarm: bool
    undecided: str
    statistics: tuple[StatisticResult, ...]

    @property
    def changed(self) -> tuple[StatisticResult, ...]:
        """The statistics that raise the alarm."""
        if not self.alarm or self.p_value is None:
            return ()
        # The group's p-value is that of the first; others count up to the usual 0.05, which only orders the words.
        return tuple(r for r in self.statistics if r.p_value is not None and r.p_value <= max(self.p_value, 0.05))


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """The result of a comparison.

    Attributes:
        baseline: what was compared with.
        window: the statistics of the window's images.
        test: how it was compared.
        input, answers: the results of both groups.
        limits: of the plain limits; empty if nothing was decided.
        new_formats: formats that no image of the baseline has, with the number of the window's images.
    """

    baseline: Baseline
    window: Sample
    test: DriftTest
    input: GroupResult
    answers: GroupResult
    limits: tuple[LimitResult, ...]
    new_formats: Mapping[ImageFormat, int]

    @property
    def missed_limits(self) -> tuple[LimitResult, ...]:
        """The limits that are not kept."""
        return tuple(result for result in self.limits if result.met is False)

    @property
    def decided(self) -> bool:
        """Whether at least one group was decided."""
        return self.input.p_value is not None or self.answers.p_value is not None

    @property
    def found(self) -> bool:
        """Whether there is an alarm, or a missed limit."""
        return self.input.alarm or self.answers.alarm or bool(self.missed_limits)

    def reasons(self) -> list[str]:
        """Describe what was found, one sentence each, the most serious first; empty if nothing was."""
        found = []
        for group, words in ((self.answers, "the answers differ"), (self.input, "the images differ")):
            if group.alarm and group.p_value is not None:
                changed = ", ".join(result.describe() for result in group.changed[:3])
                found.append(f"{words} from the baseline (p = {group.p_value:.3g}): {changed}")
        for result in self.missed_limits:
            limit = result.limit
            found.append(f"the mean of {limit.statistic} is {_rounded(result.mean)}, but must be {limit}")
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the result for scripts and for `drift.json`."""
        return {
            "drift": self.found,
            "decided": self.decided,
            "reasons": self.reasons(),
            "images": len(self.window),
            "baseline": {"images": len(self.baseline.sample), "model": self.baseline.model},
            "false_alarm": self.test.false_alarm,
            "min_images": self.test.min_images,
            "permutations": self.test.permutations,
            "seed": self.test.seed,
            "thresholds": self.baseline.thresholds,
            **{group.group: _group_json(group) for group in (self.input, self.answers)},
            "limits": [
                {
                    "statistic": result.limit.statistic,
                    "min_mean": result.limit.min_mean,
                    "max_mean": result.limit.max_mean,
                    "mean": result.mean,
                    "met": result.met,
                }
                for result in self.limits
            ],
            "formats": [
                {**key._asdict(), "images": images, "new": key in self.new_formats}
                for key, images in sorted(self.window.formats.items(), key=lambda item: (-item[1], item[0]))
            ],
        }


def compare(baseline: Baseline, window: Sample, test: DriftTest | None = None) -> Drift:
    """Compare a window of captured requests with a baseline.

    Args:
        baseline: of the model that answered.
        window: statistics of the window's images, measured with the baseline's classes and thresholds.
        test: how; None takes the defaults.

    Raises:
        UserError: the window was measured with another class list or threshold, or a limit is of an unknown class.
    """
    test = test or DriftTest()
    baseline.check(window.classes, window.thresholds)
    groups = {group: _compare_group(group, baseline.sample, window, test) for group in (INPUT, ANSWERS)}
    decided = any(result.p_value is not None for result in groups.values())
    limits = check_limits(test.limits, window)
    return Drift(
        baseline=baseline,
        window=window,
        test=test,
        input=groups[INPUT],
        answers=groups[ANSWERS],
        limits=limits if decided else (),
        new_formats={key: count for key, count in window.formats.items() if key not in baseline.sample.formats},
    )


def _compare_group(group: str, baseline: Sample, window: Sample, test: DriftTest) -> GroupResult:
    statistics, reference = baseline.group(group)
    current = window.group(group)[1]
    undecided = _undecided(group, len(reference), len(current), test.min_images)
    scales = deviations(reference, statistics)
    means = [(_mean(reference[:, k]), _mean(current[:, k])) for k in range(len(statistics))]
    if undecided:
        rows = [StatisticResult(one, means[k][0], means[k][1], None, None) for k, one in enumerate(statistics)]
        return GroupResult(group, len(current), None, False, undecided, tuple(rows))
    steps = np.array([statistic.min_scale for statistic in statistics]) * _RESOLUTION
    tested = permutation_test(
        np.round(reference / steps) * steps, np.round(current / steps) * steps, test.permutations, test.seed
    )
    order = np.argsort(-tested.z_scores, kind="stable").tolist()
    results = [
        StatisticResult(
            statistic=statistics[k],
            baseline_mean=means[k][0],
            window_mean=means[k][1],
            distance=_defined(tested.distances[k] / scales[k]),
            p_value=float(tested.p_values[k]),
        )
        for k in order
    ]
    alarm = tested.p_value <= test.false_alarm
    return GroupResult(group, len(current), tested.p_value, alarm, "", tuple(results))


def _undecided(group: str, reference: int, current: int, min_images: int) -> str:
    what = "images" if group == INPUT else "images with a captured answer"
    if current < min_images:
        return f"the window has {current} {what}, fewer than {min_images}: nothing is decided"
    if reference < MIN_BASELINE_IMAGES:
        return f"the baseline has {reference} {what}, fewer than {MIN_BASELINE_IMAGES}: nothing is decided"
    return ""


def deviations(values: Floats, statistics: Sequence[Statistic]) -> Floats:
    """Return the standard deviation of each column, at least the statistic's `min_scale`."""
    found = []
    for statistic, column in zip(statistics, values.T, strict=True):
        defined = column[np.isfinite(column)]
        found.append(max(float(defined.std()) if len(defined) else 0.0, statistic.min_scale))
    return np.array(found, dtype=np.float64)


def _group_json(group: GroupResult) -> dict[str, Any]:
    return {
        "alarm": group.alarm,
        "p_value": group.p_value,
        "images": group.images,
        "undecided": group.undecided or None,
        "statistics": {
            result.statistic.name: {
                "baseline_mean": result.baseline_mean,
                "mean": result.window_mean,
                "distance": result.distance,
                "p_value": result.p_value,
            }
            for result in group.statistics
        },
    }


def _mean(column: Floats) -> float | None:
    defined = column[np.isfinite(column)]
    return float(defined.mean()) if len(defined) else None


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _rounded(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"
