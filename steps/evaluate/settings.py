"""Settings of Evaluate and of the quality gate, which it reports on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from groundloop.errors import UserError
from groundloop.labels.slices import MAX_SLICE_KEYS
from groundloop.suggestions import near_misses
from steps.evaluate.metric_names import check_slice, metric_kind, unlisted_class
from steps.evaluate.requirements import (
    AT_LEAST,
    AT_MOST,
    MAX_ARGUMENT_LENGTH,
    Requirement,
    as_argument,
    check_improvement,
    check_requirement,
    default_operator,
)
from steps.settings import Settings

# The Evaluate job has at most 100 arguments (CreateProcessingJob); 60 of them are thresholds and improvements.
_MAX_THRESHOLDS, _MAX_IMPROVEMENTS = 40, 20


class ThresholdSettings(Settings):
    """The operating threshold: the score from which detections count, chosen on the validation split."""

    rule: Literal["best_f1", "precision", "recall"] = Field(
        "best_f1", description="best_f1: the threshold with the best F1; precision or recall: one that reaches target."
    )
    target: float | None = Field(None, gt=0, le=1, description="Precision or recall to reach; null with best_f1.")
    per_class: bool = Field(False, description="Choose a threshold for each class instead of one for all.")

    @model_validator(mode="after")
    def _target_fits_rule(self) -> ThresholdSettings:
        if self.rule == "best_f1" and self.target is not None:
            raise ValueError("target belongs to rule precision or recall; best_f1 takes none")
        if self.rule != "best_f1" and self.target is None:
            raise ValueError(f"rule {self.rule} needs a target, the {self.rule} to reach, e.g. 0.9")
        return self


class IntervalSettings(Settings):
    """Confidence intervals of the main metrics, by bootstrap over the test images."""

    resamples: int = Field(1000, ge=0, le=100000, description="Number of resampled data sets; 0: no intervals.")
    level: float = Field(0.95, gt=0, lt=1, description="Share of resampled data sets whose metric lies inside.")
    seed: int = Field(1, ge=0, description="Seed of the resampling; the same seed gives the same intervals.")


class EvaluateSettings(Settings):
    """Settings of the Evaluate step."""

    threshold: ThresholdSettings = Field(ThresholdSettings(), description="Operating threshold.")
    intervals: IntervalSettings = Field(IntervalSettings(), description="Confidence intervals.")
    slices: list[str] = Field(
        [],
        max_length=MAX_SLICE_KEYS,
        description="Keys of the manifest's lines, such as camera: metrics are computed for each of their values too.",
    )

    @field_validator("slices")
    @classmethod
    def _slices_are_keys(cls, keys: list[str]) -> list[str]:
        for position, key in enumerate(keys):
            if not key.strip() or len(key) > MAX_ARGUMENT_LENGTH or key.startswith("-"):
                raise ValueError(
                    f"{key!r} can't be sliced by: give the name of a key, of up to {MAX_ARGUMENT_LENGTH} characters, "
                    "that doesn't begin with a dash"
                )
            if key in keys[:position]:
                raise ValueError(f"{key!r} is listed twice: drop one")
            if key == "source-ref":
                raise ValueError("each image has a source-ref of its own, so its slices have one image each: drop it")
        return keys


class RangeSettings(Settings):
    """The range that a metric must lie in."""

    min: float | None = Field(None, description="Minimum; null: none.")
    max: float | None = Field(None, description="Maximum; null: none.")

    @model_validator(mode="after")
    def _min_below_max(self) -> RangeSettings:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both; null in place of the range disables the threshold")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is over max {self.max:g}")
        return self


def _form_of_threshold(value: Any) -> str:
    return "range" if isinstance(value, Mapping | RangeSettings) else "number"


# The tags make one error out of a wrong value, not one for each form that it could have.
Threshold = Annotated[
    Annotated[float, Tag("number")] | Annotated[RangeSettings, Tag("range")], Discriminator(_form_of_threshold)
]


def _requirements(thresholds: Mapping[str, Threshold | None]) -> list[Requirement]:
    requirements = []
    for metric, threshold in thresholds.items():
        if isinstance(threshold, RangeSettings):
            bounds = ((AT_LEAST, threshold.min), (AT_MOST, threshold.max))
            requirements += [Requirement(metric, operator, bound) for operator, bound in bounds if bound is not None]
        elif threshold is not None:
            requirements.append(Requirement(metric, default_operator(metric), threshold))
        else:
            metric_kind(metric, metric)  # a misspelt metric is an error in any case
    return requirements


class GateSettings(Settings):
    """The quality gate: what the metrics on the test split must reach for the model to be registered."""

    thresholds: dict[str, Threshold | None] = Field(
        {"map": 0.3, "map_50": 0.5, "voc_map": 0.5},
        description="Threshold by metric of evaluation.json, such as map_50, count.mae or per_class.usb-c.recall: a "
        "number is the minimum of a metric between 0 and 1 and the maximum of an error; {min: ..., max: ...} is a "
        "range; null disables it.",
    )
    min_improvement_over_champion: dict[str, float] = Field(
        {},
        max_length=_MAX_IMPROVEMENTS,
        description="Minimum improvement by metric over the champion, the highest approved version; a negative number "
        "allows the model to be worse by that much.",
    )

    @property
    def requirements(self) -> list[Requirement]:
        """Return the thresholds as requirements, without those that are disabled."""
        return _requirements(self.thresholds)

    @field_validator("thresholds")
    @classmethod
    def _thresholds_are_valid(cls, thresholds: dict[str, Threshold | None]) -> dict[str, Threshold | None]:
        try:
            requirements = _requirements(thresholds)
            for requirement in requirements:
                check_requirement(requirement)
                as_argument(requirement.metric, requirement.threshold)
        except UserError as error:
            raise ValueError(str(error)) from None
        if len(requirements) > _MAX_THRESHOLDS:
            raise ValueError(
                f"{len(requirements)} thresholds are more than the {_MAX_THRESHOLDS} that the Evaluate job's arguments "
                "hold: drop some"
            )
        return thresholds

    @field_validator("min_improvement_over_champion")
    @classmethod
    def _improvements_are_valid(cls, improvements: dict[str, float]) -> dict[str, float]:
        for metric, improvement in improvements.items():
            try:
                check_improvement(metric, improvement)
                as_argument(metric, improvement)
            except UserError as error:
                raise ValueError(str(error)) from None
        return improvements

    def check_slices(self, keys: Sequence[str]) -> None:
        """Check that the slices exist whose metrics have a threshold.

        Args:
            keys: `evaluate.slices`.

        Raises:
            ValueError: a key is not among them, or slices have no such metric.
        """
        for metric in self.thresholds:
            try:
                check_slice(metric, keys)
            except UserError as error:
                raise ValueError(f"gate.thresholds: {error}") from None

    def check_classes(self, classes: Sequence[str]) -> None:
        """Check that the classes exist whose metrics have a threshold.

        Args:
            classes: the configured class list; empty when the names come from the labels, so that nothing is known.

        Raises:
            ValueError: a class is not listed; the message names the nearest one.
        """
        for key, metrics in (
            ("thresholds", self.thresholds),
            ("min_improvement_over_champion", self.min_improvement_over_champion),
        ):
            for metric in metrics:
                name = unlisted_class(metric, classes) if classes else None
                if name is not None:
                    near = near_misses(name, classes, count=1)
                    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(classes)}"
                    raise ValueError(
                        f"gate.{key}: {metric!r} is a metric of {name!r}, which labels.classes doesn't list; {hint}"
                    )
