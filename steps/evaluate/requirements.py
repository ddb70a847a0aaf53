"""The quality gate's requirements: thresholds of metrics, and improvements over the champion, read and checked.

A metric is named by its path in evaluation.json: `map_50`, `per_class.usb-c.recall`, `count.mae`. Names of classes may
hold dots, dashes and spaces. The configuration and the Evaluate job check requirements with the same functions, so
that a wrong one is rejected before anything is trained.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from groundloop.errors import UserError
from steps.evaluate.metric_names import ERROR_METRICS, RATIO_METRICS, is_of_slice, metric_kind

#: Longest of a processing job's ContainerArguments, characters (CreateProcessingJob, AppSpecification).
MAX_ARGUMENT_LENGTH = 256
AT_LEAST, AT_MOST = ">=", "<="
# The last of several operators, since a class may be called anything.
_EXPRESSION = re.compile(r"(?P<metric>\S.*?)\s*(?P<operator>>=|<=)\s*(?P<number>[^<>=\s]+)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A threshold of one metric: its minimum (`>=`) or its maximum (`<=`)."""

    metric: str
    operator: str
    threshold: float

    def __str__(self) -> str:
        return f"{self.metric} {self.operator} {self.threshold:g}"

    def is_met(self, value: float) -> bool:
        """Return whether a value of the metric meets the threshold."""
        return value >= self.threshold if self.operator == AT_LEAST else value <= self.threshold


def default_operator(metric: str) -> str:
    """Return the operator of a threshold that is a plain number.

    Returns:
        `>=` for a metric between 0 and 1, of which more is better, and `<=` for an error.

    Raises:
        UserError: there is no such metric, or neither more nor less of it is better.
    """
    kind = metric_kind(metric, metric)
    if kind in RATIO_METRICS:
        return AT_LEAST
    if kind in ERROR_METRICS:
        return AT_MOST
    raise UserError(f"{metric}: neither more nor less of it is better, so write {{min: NUMBER}} or {{max: NUMBER}}")


def check_requirement(requirement: Requirement) -> None:
    """Check a requirement's metric and threshold.

    Raises:
        UserError: there is no such metric, or the threshold is outside of its range.
    """
    metric, threshold = requirement.metric, requirement.threshold
    kind = metric_kind(metric, metric)
    if not math.isfinite(threshold):
        raise UserError(f"{metric}: the threshold is {threshold}; give a finite number")
    if kind in RATIO_METRICS and not 0 <= threshold <= 1:
        raise UserError(f"{metric} lies between 0 and 1, but the threshold is {threshold:g}")
    if kind in ERROR_METRICS and threshold < 0:
        raise UserError(f"{metric} is an error and never negative, but the threshold is {threshold:g}")


def check_improvement(metric: str, improvement: float) -> None:
    """Check one entry of `gate.min_improvement_over_champion`.

    Raises:
        UserError: there is no such metric, or neither more nor less of it is better.
    """
    kind = metric_kind(metric, metric)
    if is_of_slice(metric):
        raise UserError(f"{metric}: the champion is compared on all images together; slices go into gate.thresholds")
    if kind not in RATIO_METRICS | ERROR_METRICS or kind == "threshold":
        raise UserError(f"{metric}: neither more nor less of it is better, so there is no improvement in it")
    if kind in RATIO_METRICS and not -1 <= improvement <= 1:
        raise UserError(f"{metric} lies between 0 and 1, so an improvement of {improvement:g} is impossible")


def parse_requirement(text: str) -> Requirement:
    """Parse `METRIC >= NUMBER` or `METRIC <= NUMBER`.

    Raises:
        UserError: the syntax, the metric or the number is wrong.

    Example:
        >>> parse_requirement("per_class.usb-c.recall >= 0.8")
        Requirement(metric='per_class.usb-c.recall', operator='>=', threshold=0.8)
    """
    parts = _EXPRESSION.fullmatch(text.strip())
    if parts is None or len(text.splitlines()) > 1:
        raise UserError(f"{text!r}: write METRIC >= NUMBER or METRIC <= NUMBER, such as per_class.usb-c.recall >= 0.8")
    requirement = Requirement(parts["metric"], parts["operator"], _number(parts["number"], repr(text)))
    try:
        check_requirement(requirement)
    except UserError as error:
        raise UserError(f"{text!r}: {error}") from None
    return requirement


def parse_requirements(texts: Iterable[str]) -> list[Requirement]:
    """Parse the values of `--require`.

    Raises:
        UserError: as :func:`parse_requirement`.
    """
    requirements = []
    for text in texts:
        try:
            requirements.append(parse_requirement(text))
        except UserError as error:
            raise UserError(f"--require {error}") from None
    return requirements


def parse_thresholds(minimums: Iterable[str], maximums: Iterable[str]) -> list[Requirement]:
    """Parse the values of the job's `--minimum` and `--maximum`, each METRIC=NUMBER.

    Raises:
        UserError: a value has another form, or is rejected by :func:`check_requirement`.

    Example:
        >>> [str(requirement) for requirement in parse_thresholds(["map_50=0.6"], ["count.mae=0.5"])]
        ['map_50 >= 0.6', 'count.mae <= 0.5']
    """
    requirements = []
    for option, operator, values in (("--minimum", AT_LEAST, minimums), ("--maximum", AT_MOST, maximums)):
        for where, metric, number in _assignments(option, values, "map_50=0.6"):
            requirement = Requirement(metric, operator, number)
            try:
                check_requirement(requirement)
            except UserError as error:
                raise UserError(f"{where}: {error}") from None
            requirements.append(requirement)
    return requirements


def parse_improvements(values: Iterable[str]) -> dict[str, float]:
    """Parse the values of the job's `--min-improvement`, each METRIC=NUMBER.

    Raises:
        UserError: a value has another form, or is rejected by :func:`check_improvement`.

    Example:
        >>> parse_improvements(["map_50=0.01"])
        {'map_50': 0.01}
    """
    improvements = {}
    for where, metric, number in _assignments("--min-improvement", values, "map_50=0.01"):
        try:
            check_improvement(metric, number)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        improvements[metric] = number
    return improvements


def as_argument(metric: str, number: float) -> str:
    """Return a threshold or an improvement as the job takes it.

    Raises:
        UserError: it is longer than a job's argument may be.
    """
    text = f"{metric}={number!r}"
    if len(text) > MAX_ARGUMENT_LENGTH:
        raise UserError(f"{metric}: is too long: an argument of a job holds {MAX_ARGUMENT_LENGTH} characters")
    return text


def _assignments(option: str, values: Iterable[str], example: str) -> Iterator[tuple[str, str, float]]:
    for value in values:
        metric, equals, number = value.rpartition("=")
        if not equals:
            raise UserError(f"{option} {value}: write METRIC=NUMBER, such as {example}")
        yield f"{option} {value}", metric, _number(number, f"{option} {value}")


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{where}: {text!r} is not a number") from None
    if not math.isfinite(value):
        raise UserError(f"{where}: the number is {text}; give a finite one")
    return value
