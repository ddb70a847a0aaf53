"""The quality gate: what is asked of a model's figures, and what it misses, in numbers and in words.

A requirement is `FIGURE >= NUMBER` or `FIGURE <= NUMBER`, where the figure is named by its path in evaluation.json:
`map_50 >= 0.6`, `per_class.usb-c.recall >= 0.8`, `count.mae <= 0.5`. Names of classes may hold dots, dashes and
spaces. The champion asks too: a gain is the least by which a figure must be better than the champion's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundloop.errors import UserError
from steps.evaluate.metric_names import ERROR_METRICS, RATIO_METRICS, metric_kind, metrics_of, value_of

#: ContainerArguments of a processing job (CreateProcessingJob, AppSpecification): at most so long each.
LONGEST_ARGUMENT = 256
#: A failed step's FailureReason holds 1024 characters (ListPipelineExecutionSteps), the Fail step's own words included.
_LONGEST_MESSAGE = 900
# The last of several operators, since a class may be called anything.
_EXPRESSION = re.compile(r"(?P<figure>\S.*?)\s*(?P<operator>>=|<=)\s*(?P<number>[^<>=\s]+)")
# Two computations of one figure may differ in the last digit.
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Requirement:
    """What is asked of one figure: at least (`>=`) or at most (`<=`) a threshold."""

    figure: str
    operator: str
    threshold: float

    def __str__(self) -> str:
        return f"{self.figure} {self.operator} {self.threshold:g}"

    def met(self, value: float) -> bool:
        return value >= self.threshold if self.operator == ">=" else value <= self.threshold


def parse_requirement(text: str) -> Requirement:
    """`per_class.usb-c.recall >= 0.8`, its syntax, its number and the last part of the figure's name checked.

    Raises:
        UserError: says what is wrong with it.
    """
    found = _EXPRESSION.fullmatch(text.strip())
    if found is None or len(text.splitlines()) > 1:
        raise UserError(f"{text!r}: write FIGURE >= NUMBER or FIGURE <= NUMBER, such as per_class.usb-c.recall >= 0.8")
    figure, operator = found["figure"], found["operator"]
    kind = metric_kind(figure, text)
    threshold = _number(found["number"], text)
    if kind in RATIO_METRICS and not 0 <= threshold <= 1:
        raise UserError(f"{text!r}: {figure} lies between 0 and 1, the threshold is {threshold:g}")
    if len(text) > LONGEST_ARGUMENT:
        raise UserError(f"{text!r}: has {len(text)} characters, of which a job's argument holds {LONGEST_ARGUMENT}")
    return Requirement(figure, operator, threshold)


def parse_requirements(texts: Iterable[str]) -> list[Requirement]:
    """The `--require` arguments, as :func:`parse_requirement`."""
    requirements = []
    for text in texts:
        try:
            requirements.append(parse_requirement(text))
        except UserError as error:
            raise UserError(f"--require {error}") from None
    return requirements


def parse_gate(settings: Iterable[str]) -> list[Requirement]:
    """The `--gate` arguments: `map_50=0.6` is the least, `count.mae=0.5` (an error) the most that is allowed.

    They stand for pipeline parameters, which always have a number: 0 asks nothing of a share, -1 nothing of an error.

    Raises:
        UserError: not of the form NAME=VALUE, no figure of this kind, a value outside its range.
    """
    requirements = []
    for setting in settings:
        name, equals, number = setting.rpartition("=")
        if not equals:
            raise UserError(f"--gate {setting}: write NAME=VALUE, such as map_50=0.6")
        kind = metric_kind(name, f"--gate {setting}")
        value = _number(number, f"--gate {setting}")
        if kind in RATIO_METRICS:
            if not 0 <= value <= 1:
                raise UserError(f"--gate {setting}: the threshold is {number}; give one from 0 (asks nothing) to 1")
            asked = Requirement(name, ">=", value) if value > 0 else None
        elif kind in ERROR_METRICS:
            if value < 0 and value != -1:
                raise UserError(f"--gate {setting}: the threshold is {number}; give 0 or more, or -1 (asks nothing)")
            asked = Requirement(name, "<=", value) if value >= 0 else None
        else:
            raise UserError(f"--gate {setting}: write it as --require '{name} >= {number}' (or <=)")
        if asked:
            requirements.append(asked)
    return requirements


def parse_gain(figure: str, gain: float) -> None:
    """Check one entry of `min_improvement_over_champion`.

    Raises:
        UserError: no figure, or one of which neither more nor less is better.
    """
    kind = metric_kind(figure, figure)
    if kind not in RATIO_METRICS | ERROR_METRICS or kind == "threshold":
        raise UserError(f"{figure}: neither more nor less of it is better, so no model beats another by it")
    if kind in RATIO_METRICS and not -1 <= gain <= 1:
        raise UserError(f"{figure}: lies between 0 and 1, no model beats another by {gain:g}")


def parse_gains(settings: Iterable[str]) -> dict[str, float]:
    """The `--min-improvement` arguments: `map_50=0.01` as the least gain by figure.

    Raises:
        UserError: as :func:`parse_gain`, or not of the form NAME=VALUE.
    """
    gains: dict[str, float] = {}
    for setting in settings:
        name, equals, number = setting.rpartition("=")
        if not equals:
            raise UserError(f"--min-improvement {setting}: write NAME=VALUE, such as map_50=0.01")
        gains[name] = _number(number, f"--min-improvement {setting}")
        try:
            parse_gain(name, gains[name])
        except UserError as error:
            raise UserError(f"--min-improvement {error}") from None
    return gains


def verdict(
    evaluation: Mapping[str, Any],
    requirements: Sequence[Requirement],
    champion: Mapping[str, Any] | None = None,
    gains: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The `gate` part of evaluation.json.

    Args:
        evaluation: evaluation.json so far.
        champion: its `champion` part (:mod:`steps.evaluate.champion`), where there was a look at the registry.
        gains: the least gain over the champion by figure; a negative one allows to be worse by that much.

    Returns:
        requirements: one entry for everything asked: metric, operator, threshold, value (None: undefined), met, and
            against: "" or "champion", whose value on the same images the threshold is then made of. `missed`: names of
            the figures. `thresholds_missed`: how many requirements. `message`: what to tell people, in at most 900
            characters.

    Raises:
        UserError: a figure that the evaluation doesn't have; gains without a look at the registry.
    """
    figures = metrics_of(evaluation)
    intervals = evaluation.get("intervals") or {}
    entries: list[dict[str, Any]] = []
    met: list[str] = []
    missed: list[str] = []
    for asked in requirements:
        value = value_of(figures, asked.figure)
        good = value is not None and asked.met(value)
        entries.append(_entry(asked, value, good, ""))
        if good and value is not None:
            met.append(f"{asked.figure} {_shown(value, asked.threshold)} {asked.operator} {asked.threshold:g}")
        else:
            missed.append(_miss(asked, value, _interval(intervals, asked.figure)))
    if gains and champion is None:
        raise UserError(
            "gate: a gain over the champion is asked for, but not of which group: give --champion-group too"
        )
    for figure in gains or {}:
        value_of(figures, figure)
    if gains and champion is not None and champion["package"]:
        for figure, gain in gains.items():
            entry, words = _against(champion, figure, gain)
            entries.append(entry)
            (met if entry["met"] else missed).append(words)
    if missed:
        message = _joined(missed)
    elif met:
        message = _joined(met, "all thresholds met: ", ", ")
    else:
        message = "no thresholds are set: nothing was asked of the model"
    if not missed and gains and champion is not None and not champion["package"]:
        message += f"; {champion['message']}"
    return {
        "requirements": entries,
        "missed": [entry["metric"] for entry in entries if not entry["met"]],
        "thresholds_missed": len(missed),
        "message": message,
    }


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{where}: {text!r} is not a number") from None
    if not math.isfinite(value):
        raise UserError(f"{where}: the threshold is {text}, which is not a number to reach")
    return value


def _entry(asked: Requirement, value: float | None, met: bool, against: str) -> dict[str, Any]:
    return {
        "metric": asked.figure,
        "operator": asked.operator,
        "threshold": asked.threshold,
        "value": value,
        "met": met,
        "against": against,
    }


def _against(champion: Mapping[str, Any], figure: str, gain: float) -> tuple[dict[str, Any], str]:
    """One gain over the champion, judged: the entry, and its words."""
    ours, theirs = value_of(champion["candidate"], figure), champion["metrics"].get(figure)
    less = figure.rpartition(".")[2] in ERROR_METRICS
    operator = "<=" if less else ">="
    who = f"version {champion['version']}"
    if theirs is None or ours is None:
        # Better than nothing is better; nothing is never better.
        entry = _entry(Requirement(figure, operator, 0.0), ours, ours is not None, "champion")
        return entry, f"{figure} is {_or_undefined(ours)}, {_or_undefined(theirs)} for {who}"
    asked = Requirement(figure, operator, theirs - gain if less else theirs + gain)
    better = theirs - ours if less else ours - theirs
    met = better >= gain - _SAME
    digits = 3 if met or gain - better >= 0.0005 else 9
    how = (
        f"{abs(better):.{digits}f} {'better' if better > 0 else 'worse'} than" if abs(better) > _SAME else "as good as"
    )
    words = f"{figure} is {ours:.{digits}f}, {how} the {theirs:.{digits}f} of {who}"
    if not met:
        words += f" on {_images(champion)}, {gain - better:.{digits}f} under the gain of {gain:g} that was asked"
    return _entry(asked, ours, met, "champion"), words


def _images(champion: Mapping[str, Any]) -> str:
    shared = champion["images_shared"]
    return f"the {shared} test images that both have" if shared else "other test images"


def _miss(asked: Requirement, value: float | None, interval: str) -> str:
    if value is None:
        return f"{asked.figure} is undefined: the test images hold nothing to measure it on, but {asked} was asked"
    side = "under" if asked.operator == ">=" else "over"
    lacking = _shown(abs(asked.threshold - value), 0)
    shown = _shown(value, asked.threshold)
    return f"{asked.figure} is {shown}{interval}, {lacking} {side} its threshold {asked.threshold:g}"


def _interval(intervals: Mapping[str, Any], figure: str) -> str:
    ends = (intervals.get("metrics") or {}).get(figure)
    if not ends:
        return ""
    return f" ({float(intervals.get('level', 0.95)) * 100:g} % interval {ends[0]:.2f} to {ends[1]:.2f})"


def _shown(value: float, beside: float) -> str:
    """A figure with three digits, unless they would make it look like the one beside it."""
    if value == int(value) and abs(value) > 1:
        return f"{value:.0f}"  # a number of images or boxes
    digits = 3 if value == beside or abs(value - beside) >= 0.0005 else 9
    return f"{value:.{digits}f}"


def _or_undefined(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _joined(parts: Sequence[str], start: str = "", between: str = "; ") -> str:
    """The parts in a row; those that leave too long a text are only counted."""
    text = start + between.join(parts)
    kept = len(parts)
    while len(text) > _LONGEST_MESSAGE and kept:
        kept -= 1
        more = f"{len(parts) - kept} more, listed under gate in evaluation.json"
        text = start + between.join([*parts[:kept], f"and {more}" if kept else more])
    return text
