"""Hyperparameter tuning jobs: limits, and rules across the members of a request that the API's model lacks.

Sources: API reference, `HyperParameterTuningJobConfig`, `HyperbandStrategyConfig`, `ResourceLimits`,
`ContinuousParameterRange` and `HyperParameterTuningJobWarmStartConfig`; SageMaker developer guide, "Understand the
hyperparameter tuning strategies", "Define hyperparameter ranges", "Run a warm start hyperparameter tuning job" and
"Automatic model tuning resource limits".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from groundloop.suggestions import quoted

Json = dict[str, Any]

MAX_TRAINING_JOBS = 750
MAX_PARALLEL_TRAINING_JOBS = 100
MAX_RANGES = 30
MAX_WARM_START_PARENTS = 5
#: Static hyperparameters whose value may differ from that in a parent of a warm start.
MAX_CHANGED_STATICS = 10
MAX_HYPERBAND_RESOURCE = 20_000
MAX_NAME_LENGTH = 32
#: Static hyperparameters that MaxResource is taken from where it isn't given, the first of them that is there.
EPOCH_HYPERPARAMETERS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
#: The member that lists the ranges of each kind.
RANGE_LISTS: Mapping[str, str] = MappingProxyType(
    {
        "integer": "IntegerParameterRanges",
        "continuous": "ContinuousParameterRanges",
        "categorical": "CategoricalParameterRanges",
    }
)
#: The strategies and scales of a request by the names that settings have for them.
STRATEGIES: Mapping[str, str] = MappingProxyType(
    {"bayesian": "Bayesian", "random": "Random", "hyperband": "Hyperband", "grid": "Grid"}
)
SCALES: Mapping[str, str] = MappingProxyType(
    {"auto": "Auto", "linear": "Linear", "log": "Logarithmic", "reverse_log": "ReverseLogarithmic"}
)
#: Values of a categorical range.
MAX_VALUES = 30
#: MaxRuntimeInSeconds of a search.
MAX_SECONDS = 15_768_000
MIN_JOBS_WITHOUT_IMPROVEMENT = 3
MAX_SEED = 4_294_967_295
#: Statuses of a tuning job that has ended.
TERMINAL = ("Completed", "Failed", "Stopped")
#: Members of the request.
CONFIG, JOB = "HyperParameterTuningJobConfig", "TrainingJobDefinition"


@dataclass(frozen=True)
class TuningProblem:
    """What is wrong with a request for a tuning job.

    Attributes:
        path: leads to the part, such as `HyperParameterTuningJobConfig.Strategy`.
        message: what is wrong.
        remedy: what to do.
    """

    path: str
    message: str
    remedy: str


def part(value: Any, *keys: str) -> Json:
    """Return the object at a path of keys; an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def parameter_ranges(request: Mapping[str, Any]) -> list[tuple[str, str, Json]]:
    """Return the ranges of a request as (path, kind, range); the kinds are the keys of `RANGE_LISTS`.

    Example:
        >>> ranges = {"CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["sgd", "adam"]}]}
        >>> request = {"HyperParameterTuningJobConfig": {"ParameterRanges": ranges}}
        >>> [(kind, one["Name"]) for _, kind, one in parameter_ranges(request)]
        [('categorical', 'optimizer')]
    """
    lists = part(request.get(CONFIG), "ParameterRanges")
    return [
        (f"{CONFIG}.ParameterRanges.{member}[{index}]", kind, item)
        for kind, member in RANGE_LISTS.items()
        for index, item in enumerate(_items(lists.get(member)))
    ]


def hyperband_max_resource(request: Mapping[str, Any]) -> int | None:
    """Return MaxResource of a Hyperband search, from the static hyperparameters if it isn't given; None if unknown."""
    config = part(request.get(CONFIG), "StrategyConfig", "HyperbandStrategyConfig")
    if isinstance(given := config.get("MaxResource"), int):
        return given
    statics = part(request.get(JOB), "StaticHyperParameters")
    found = next((statics[name] for name in EPOCH_HYPERPARAMETERS if name in statics), None)
    return int(found) if isinstance(found, str) and found.isdecimal() else None


def combinations(request: Mapping[str, Any]) -> int | None:
    """Return the number of combinations of a grid search; None if a range isn't a list of values."""
    counts = [
        len(set(item["Values"])) if kind == "categorical" and _is_texts(item.get("Values")) else None
        for _, kind, item in parameter_ranges(request)
    ]
    return math.prod(count for count in counts if count is not None) if None not in counts else None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def tuning_job_problems(request: Mapping[str, Any]) -> Iterator[TuningProblem]:
    """Yield what is wrong with a CreateHyperParameterTuningJob request beyond its shapes.

    Values that are expressions of a pipeline definition are not known yet, and not looked at.

    Example:
        >>> config = {"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"}
        >>> next(tuning_job_problems({"HyperParameterTuningJobConfig": config})).path
        'HyperParameterTuningJobConfig.TrainingJobEarlyStoppingType'
    """
    config = part(request.get(CONFIG))
    strategy = config.get("Strategy")
    if strategy == "Hyperband":
        yield from _hyperband(request, config)
    elif part(config, "StrategyConfig").get("HyperbandStrategyConfig") is not None and isinstance(strategy, str):
        yield TuningProblem(
            f"{CONFIG}.StrategyConfig",
            f"HyperbandStrategyConfig is for the strategy Hyperband, and the strategy is {strategy}",
            "remove it, or set Strategy to Hyperband",
        )
    yield from _ranges(request)
    if strategy == "Grid":
        yield from _grid(request)
    yield from _limits(config, strategy)


def _hyperband(request: Mapping[str, Any], config: Json) -> Iterator[TuningProblem]:
    if config.get("TrainingJobEarlyStoppingType") == "Auto":
        yield TuningProblem(
            f"{CONFIG}.TrainingJobEarlyStoppingType",
            "Hyperband stops training jobs by its own rule: TrainingJobEarlyStoppingType must be Off",
            "set it to Off, or choose another Strategy",
        )
    at = f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig"
    given = part(config, "StrategyConfig", "HyperbandStrategyConfig")
    least, most = given.get("MinResource"), hyperband_max_resource(request)
    if given.get("MaxResource") is None and not _has_epochs(request):
        yield TuningProblem(
            f"{at}.MaxResource",
            f"MaxResource is missing, and none of {', '.join(EPOCH_HYPERPARAMETERS)} is a static hyperparameter",
            "add MaxResource, the epochs of a whole training job",
        )
    if most is not None and most > MAX_HYPERBAND_RESOURCE:
        yield TuningProblem(
            f"{at}.MaxResource",
            f"MaxResource {most} is more than {MAX_HYPERBAND_RESOURCE}",
            f"use at most {MAX_HYPERBAND_RESOURCE}",
        )
    if isinstance(least, int) and most is not None and least > most:
        yield TuningProblem(
            f"{at}.MinResource", f"MinResource {least} is more than MaxResource {most}", f"use at most {most}"
        )


def _has_epochs(request: Mapping[str, Any]) -> bool:
    statics = part(request.get(JOB), "StaticHyperParameters")
    return any(name in statics for name in EPOCH_HYPERPARAMETERS)


def _ranges(request: Mapping[str, Any]) -> Iterator[TuningProblem]:
    ranges = parameter_ranges(request)
    statics = part(request.get(JOB), "StaticHyperParameters")
    at = f"{CONFIG}.ParameterRanges"
    if (
        not ranges
        and request.get(JOB) is not None
        and part(request.get(CONFIG), "ParameterRanges").get("AutoParameters") is None
    ):
        yield TuningProblem(at, "there is no range of a hyperparameter to search", "add a range")
    if len(ranges) > MAX_RANGES:
        yield TuningProblem(at, f"there are {len(ranges)} ranges, at most {MAX_RANGES} are allowed", "remove some")
    names = Counter(item.get("Name") for _, _, item in ranges if isinstance(item.get("Name"), str))
    for path, kind, item in ranges:
        name = item.get("Name")
        if isinstance(name, str) and names[name] > 1:
            yield TuningProblem(f"{path}.Name", f"{quoted(name)} has more than one range", "keep one of them")
        if isinstance(name, str) and name in statics:
            message = f"{quoted(name)} is static (StaticHyperParameters) and has a range"
            yield TuningProblem(f"{path}.Name", message, "remove one of them")
        yield from (_values(path, item) if kind == "categorical" else number_range_problems(path, kind, item))


def _values(path: str, item: Json) -> Iterator[TuningProblem]:
    values = item.get("Values")
    counts: Counter[str] = Counter(values if _is_texts(values) else [])
    for value, count in counts.items():
        if count > 1:
            yield TuningProblem(f"{path}.Values", f"{quoted(value)} is there {count} times", "keep one of them")


def number_range_problems(path: str, kind: str, item: Json) -> Iterator[TuningProblem]:
    """Yield what is wrong with the bounds and the scale of a range.

    Args:
        path: leads to it.
        kind: `integer` or `continuous`.
        item: the range, as a request has it.

    Example:
        >>> item = {"MinValue": "0", "MaxValue": "1", "ScalingType": "Logarithmic"}
        >>> [problem.path for problem in number_range_problems("rate", "continuous", item)]
        ['rate.ScalingType']
    """
    bounds: dict[str, float] = {}
    for member in ("MinValue", "MaxValue"):
        text = item.get(member)
        if not isinstance(text, str):
            continue
        try:
            bounds[member] = number(text, kind)
        except ValueError as error:
            yield TuningProblem(f"{path}.{member}", str(error), 'write a number as a string, such as "0.001"')
    if len(bounds) < 2:
        return
    low, high = bounds["MinValue"], bounds["MaxValue"]
    if low > high:
        message = f"MinValue {item['MinValue']} is more than MaxValue {item['MaxValue']}"
        yield TuningProblem(f"{path}.MinValue", message, "swap them")
    scale = item.get("ScalingType")
    if scale == "Logarithmic" and low <= 0:
        message = f"a logarithmic scale needs values greater than 0, MinValue is {item['MinValue']}"
        yield TuningProblem(f"{path}.ScalingType", message, "raise MinValue, or use Linear")
    if scale == "ReverseLogarithmic" and not (low >= 0 and high < 1):
        message = (
            "a reverse logarithmic scale needs values from 0 to less than 1, the range is "
            f"{item['MinValue']} to {item['MaxValue']}"
        )
        yield TuningProblem(f"{path}.ScalingType", message, "narrow the range, or use Linear")


def number(text: str, kind: str) -> float:
    """Return a bound of a range, which the API takes as a string.

    Raises:
        ValueError: it is not a number of this kind (`integer`, `continuous`).

    Example:
        >>> number("8", "integer"), number("1e-3", "continuous")
        (8, 0.001)
    """
    try:
        value: float = int(text) if kind == "integer" else float(text)
    except ValueError:
        noun = "a whole number" if kind == "integer" else "a number"
        raise ValueError(f"{quoted(text)} is not {noun}") from None
    if not math.isfinite(value):
        raise ValueError(f"{quoted(text)} is not a finite number")
    return value


def _grid(request: Mapping[str, Any]) -> Iterator[TuningProblem]:
    for path, kind, item in parameter_ranges(request):
        if kind != "categorical":
            yield TuningProblem(
                path,
                f"a grid search takes categorical ranges only, and that of {quoted(item.get('Name'))} is {kind}",
                "list its values in CategoricalParameterRanges, or choose another Strategy",
            )
    jobs = part(request.get(CONFIG), "ResourceLimits").get("MaxNumberOfTrainingJobs")
    count = combinations(request)
    if isinstance(jobs, int) and count is not None and jobs != count:
        yield TuningProblem(
            f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs",
            f"a grid search runs each of its {count} combinations, MaxNumberOfTrainingJobs is {jobs}",
            f"leave it out, or use {count}",
        )


def _limits(config: Json, strategy: Any) -> Iterator[TuningProblem]:
    limits = part(config, "ResourceLimits")
    at = f"{CONFIG}.ResourceLimits"
    jobs, parallel = limits.get("MaxNumberOfTrainingJobs"), limits.get("MaxParallelTrainingJobs")
    if jobs is None and limits and strategy in ("Random", "Bayesian", "Hyperband"):
        message = "MaxNumberOfTrainingJobs is missing: only a grid search knows it by itself"
        yield TuningProblem(f"{at}.MaxNumberOfTrainingJobs", message, "add it")
    for name, value, limit in (
        ("MaxNumberOfTrainingJobs", jobs, MAX_TRAINING_JOBS),
        ("MaxParallelTrainingJobs", parallel, MAX_PARALLEL_TRAINING_JOBS),
    ):
        if isinstance(value, int) and value > limit:
            yield TuningProblem(f"{at}.{name}", f"{name} {value} is more than {limit}", f"use at most {limit}")
    if isinstance(jobs, int) and isinstance(parallel, int) and parallel > jobs:
        message = f"MaxParallelTrainingJobs {parallel} is more than MaxNumberOfTrainingJobs {jobs}"
        yield TuningProblem(f"{at}.MaxParallelTrainingJobs", message, f"use at most {jobs}")
