"""Settings of Tune, which takes Train's place where hyperparameters are searched for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from groundloop.spec.object_detection import HYPERPARAMETERS
from groundloop.spec.tuning import (
    MAX_HYPERBAND_RESOURCE,
    MAX_PARALLEL_TRAINING_JOBS,
    MAX_SECONDS,
    MAX_SEED,
    MAX_TRAINING_JOBS,
    MAX_VALUES,
    MAX_WARM_START_PARENTS,
    MIN_JOBS_WITHOUT_IMPROVEMENT,
    SCALES,
    number_range_problems,
)
from groundloop.suggestions import near_misses
from steps.settings import Settings

#: Value of `warm_start`: the newest tuning job of the pipeline that has ended.
LAST = "last"
#: Hyperparameters that a tuning job may vary.
TUNABLE = tuple(name for name, item in HYPERPARAMETERS.items() if item.tunable)
_TuningJobName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}$", max_length=32)]


class NumberRange(Settings):
    """A range of a number."""

    min: float = Field(description="Lower bound.")
    max: float = Field(description="Upper bound.")
    scale: Literal["auto", "linear", "log", "reverse_log"] = Field("auto", description="Scale of the search.")


class IntegerRange(Settings):
    """A range of an integer."""

    min: int = Field(description="Lower bound.")
    max: int = Field(description="Upper bound.")
    scale: Literal["auto", "linear", "log"] = Field("auto", description="Scale of the search.")


_Numbers = Annotated[list[float], Field(min_length=1, max_length=MAX_VALUES)]
_Integers = Annotated[list[int], Field(min_length=1, max_length=MAX_VALUES)]
_Optimizers = Annotated[list[Literal["sgd", "adam", "rmsprop", "adadelta"]], Field(min_length=1, max_length=MAX_VALUES)]


class TuningRanges(Settings):
    """What is searched: a range or, of a choice or with the grid strategy, a list of values; null: not tuned."""

    learning_rate: NumberRange | _Numbers | None = Field(None, description="Initial learning rate, in (0, 1].")
    mini_batch_size: IntegerRange | _Integers | None = Field(None, description="Images per step.")
    optimizer: _Optimizers | None = Field(None, description="List of optimisers.")
    momentum: NumberRange | _Numbers | None = Field(None, description="Momentum of sgd, in (0, 1].")
    weight_decay: NumberRange | _Numbers | None = Field(None, description="Weight decay, in (0, 1).")

    @model_validator(mode="before")
    @classmethod
    def _names_are_tunable(cls, value: Any) -> Any:
        for name in value if isinstance(value, dict) else ():
            if name in HYPERPARAMETERS and name not in TUNABLE:
                raise ValueError(f"{name} can't be tuned: tune {', '.join(TUNABLE)}")
        return value

    @model_validator(mode="after")
    def _values_are_valid(self) -> TuningRanges:
        for name, given in self.given():
            if isinstance(given, list):
                wrong = next((item for item in given if not HYPERPARAMETERS[name].allows(str(item))), None)
                if wrong is not None:
                    raise ValueError(f"{name} has {wrong}, and must be {HYPERPARAMETERS[name].description}")
                if len(set(given)) < len(given):
                    raise ValueError(f"{name} has a value twice: {', '.join(map(str, given))}")
                continue
            item = {"MinValue": str(given.min), "MaxValue": str(given.max), "ScalingType": SCALES[given.scale]}
            for problem in number_range_problems(name, "continuous", item):
                raise ValueError(f"{name}: {problem.message}; {problem.remedy}")
            if given.min == given.max:
                raise ValueError(f"{name}: min and max are both {given.min:g}; set hyperparameters.{name} instead")
            for bound, number in (("min", given.min), ("max", given.max)):
                if not HYPERPARAMETERS[name].allows(str(number)):
                    raise ValueError(f"{name}.{bound} is {number:g}, and must be {HYPERPARAMETERS[name].description}")
        return self

    def given(self) -> Iterator[tuple[str, Any]]:
        """Yield name and range, or list of values, of each hyperparameter that is tuned."""
        for name in type(self).model_fields:
            if (value := getattr(self, name)) is not None:
                yield name, value


class HyperbandSettings(Settings):
    """Settings of the hyperband strategy, which stops jobs early by itself."""

    min_epochs: int = Field(4, ge=1, le=MAX_HYPERBAND_RESOURCE, description="Epochs before it may stop a job.")


class StopWhenSettings(Settings):
    """When the search ends before all jobs have run; null and false: not by this."""

    map_reaches: float | None = Field(None, gt=0, le=1, description="Validation mAP that is good enough.")
    no_better_for_jobs: int | None = Field(
        None,
        ge=MIN_JOBS_WITHOUT_IMPROVEMENT,
        le=MAX_TRAINING_JOBS,
        description="Jobs in a row without an improvement of 1 %.",
    )
    converged: bool = Field(False, description="The service sees that no improvement is likely.")


class TuningSettings(Settings):
    """Settings of the search for hyperparameters, whose best model is evaluated and registered."""

    enabled: bool = Field(False, description="Tune takes Train's place in the pipeline.")
    strategy: Literal["bayesian", "random", "hyperband", "grid"] = Field("bayesian", description="Search strategy.")
    jobs: int = Field(
        12, ge=1, le=MAX_TRAINING_JOBS, description="Maximum number of training jobs; grid: all combinations."
    )
    parallel_jobs: int = Field(
        2, ge=1, le=MAX_PARALLEL_TRAINING_JOBS, description="Training jobs at the same time; each needs quota."
    )
    max_hours: float | None = Field(
        24,
        ge=0.1,
        le=MAX_SECONDS / 3600,
        description="The search is stopped after this, hours; null: never.",
    )
    ranges: TuningRanges = Field(
        TuningRanges(
            learning_rate=NumberRange(min=0.00001, max=0.01, scale="log"),
            mini_batch_size=IntegerRange(min=8, max=32),
            optimizer=["sgd", "adam"],
        ),
        description="Hyperparameters that are tuned; their own values in hyperparameters are not used then.",
    )
    early_stopping: Literal["auto", "off"] | None = Field(
        None,
        description="auto: jobs worse than the earlier ones' median end; null: auto, off with hyperband.",
    )
    hyperband: HyperbandSettings = Field(HyperbandSettings(), description="For the hyperband strategy.")
    stop_when: StopWhenSettings = Field(StopWhenSettings(), description="Earlier end of the search.")
    warm_start: list[_TuningJobName] = Field(
        [],
        max_length=MAX_WARM_START_PARENTS,
        description="Earlier tuning jobs whose results the search starts from; or last.",
    )
    warm_start_data: Literal["auto", "same", "new"] = Field(
        "auto", description="Data of the earlier jobs: same, or new; auto: compared by upsert."
    )
    seed: int = Field(1, ge=0, le=MAX_SEED, description="Seed of the search.")

    @field_validator("early_stopping", mode="before")
    @classmethod
    def _off_is_no_boolean(cls, value: Any) -> Any:
        return "off" if value is False else value  # YAML reads off as false

    @model_validator(mode="after")
    def _ranges_suit_the_strategy(self) -> TuningSettings:
        given = dict(self.ranges.given())
        if self.enabled and not given:
            raise ValueError(f"ranges is empty, so there is nothing to tune: give one of {', '.join(TUNABLE)}")
        lists = [name for name, value in given.items() if isinstance(value, list) and name != "optimizer"]
        numbers = [name for name, value in given.items() if not isinstance(value, list)]
        if self.strategy != "grid" and lists:
            raise ValueError(
                f"ranges.{lists[0]} is a list of values, which strategy {self.strategy} can't search: "
                f"write {{min: ..., max: ...}}, or set strategy to grid"
            )
        if self.strategy == "grid" and self.enabled and numbers:
            raise ValueError(
                f"ranges.{numbers[0]} has bounds, and strategy grid takes lists: write [value, value], or null, "
                "or set another strategy"
            )
        return self

    @model_validator(mode="after")
    def _jobs_suit_each_other(self) -> TuningSettings:
        if self.parallel_jobs > self.total_jobs:
            raise ValueError(f"parallel_jobs {self.parallel_jobs} is more than the {self.total_jobs} jobs there are")
        if self.total_jobs > MAX_TRAINING_JOBS:
            raise ValueError(
                f"the grid has {self.total_jobs} combinations, and a tuning job at most {MAX_TRAINING_JOBS} jobs"
            )
        if self.strategy == "hyperband" and self.early_stopping == "auto":
            raise ValueError("strategy hyperband stops jobs by itself: set early_stopping to off")
        return self

    @field_validator("warm_start")
    @classmethod
    def _parents_differ(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError(f"a tuning job is there twice: {', '.join(value)}")
        for name in value:
            if name != LAST and near_misses(name.lower(), [LAST], count=1, cutoff=0.7):
                raise ValueError(f"{name!r} is no tuning job's name; did you mean {LAST}?")
        return value

    @property
    def tuned(self) -> tuple[str, ...]:
        """Names of the hyperparameters that are tuned; none where the search is disabled."""
        return tuple(name for name, _ in self.ranges.given()) if self.enabled else ()

    @property
    def total_jobs(self) -> int:
        """Maximum number of training jobs: `jobs`, or all combinations of the grid."""
        if self.strategy != "grid":
            return self.jobs
        return math.prod(len(value) for _, value in self.ranges.given() if isinstance(value, list))

    @property
    def largest_mini_batch(self) -> int | None:
        """The largest mini-batch of the search; None where it isn't tuned."""
        given = self.ranges.mini_batch_size if self.enabled else None
        return max(given) if isinstance(given, list) else given.max if given else None

    @property
    def stops_early(self) -> bool:
        """Whether the service's median rule ends jobs early."""
        return self.strategy != "hyperband" and self.early_stopping != "off"
