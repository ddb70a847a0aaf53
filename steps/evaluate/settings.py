"""Settings of Evaluate and of the quality gate, which it reports on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from groundloop.errors import UserError
from groundloop.suggestions import near_misses
from steps.evaluate.gate import LONGEST_ARGUMENT, parse_gain, parse_requirement
from steps.evaluate.metric_names import unlisted_class
from steps.settings import Settings


def gain_argument(figure: str, gain: float) -> str:
    """One entry of `min_improvement_over_champion` as the job takes it."""
    return f"{figure}={gain!r}"


def _requirement(text: str) -> str:
    try:
        parse_requirement(text)
    except UserError as error:
        raise ValueError(str(error)) from None
    return text


def _error_or_nothing(value: float) -> float:
    if value < 0 and value != -1:
        raise ValueError(f"{value:g} is no error to stay under: give 0 or more, or -1, which asks nothing")
    return value


class ThresholdSettings(Settings):
    """How the score is chosen, on the validation split, from which detections count."""

    rule: Literal["best_f1", "precision", "recall"] = Field(
        "best_f1", description="best_f1, or a wanted precision or recall."
    )
    target: float | None = Field(
        None, gt=0, le=1, description="The precision or recall that is wanted; null with best_f1."
    )
    per_class: bool = Field(False, description="One threshold for each class instead of one for all.")

    @model_validator(mode="after")
    def _a_target_belongs_to_a_rule(self) -> ThresholdSettings:
        if self.rule == "best_f1" and self.target is not None:
            raise ValueError("target belongs to rule precision or recall; best_f1 takes none")
        if self.rule != "best_f1" and self.target is None:
            raise ValueError(f"rule {self.rule} needs a target, the {self.rule} that is wanted, e.g. 0.9")
        return self


class IntervalSettings(Settings):
    """Confidence intervals of the headline figures, by bootstrap over the test images."""

    resamples: int = Field(1000, ge=0, le=100000, description="Resampled data sets; 0: no intervals.")
    level: float = Field(0.95, gt=0, lt=1, description="Share of resampled data sets whose figure lies inside.")
    seed: int = Field(1, ge=0, description="The same seed gives the same intervals.")


class EvaluateSettings(Settings):
    """Settings of the Evaluate step."""

    threshold: ThresholdSettings = Field(ThresholdSettings(), description="Operating threshold.")
    intervals: IntervalSettings = Field(IntervalSettings(), description="Confidence intervals.")


class GateSettings(Settings):
    """What the figures on the test split must reach for the model to be registered."""

    map: float = Field(0.3, ge=0, le=1, description="Least COCO mAP, IoU 0.50 to 0.95; 0 asks nothing.")
    map_50: float = Field(0.5, ge=0, le=1, description="Least COCO AP at IoU 0.50; 0 asks nothing.")
    voc_map: float = Field(
        0.5, ge=0, le=1, description="Least Pascal VOC mAP at IoU 0.50, area under the curve; 0 asks nothing."
    )
    count_mae: Annotated[float, AfterValidator(_error_or_nothing)] = Field(
        -1, description="Largest mean absolute error of the counts, objects an image; -1 asks nothing."
    )
    require: list[Annotated[str, AfterValidator(_requirement)]] = Field(
        [],
        max_length=40,  # together with the job's other arguments at most 100, which is the API's limit
        description="More on any figure of evaluation.json, e.g. 'per_class.usb-c.recall >= 0.8'.",
    )
    min_improvement_over_champion: dict[str, float] = Field(
        {},
        max_length=20,
        description="Least gain by figure over the latest approved version; a negative one allows to be worse.",
    )

    @field_validator("min_improvement_over_champion")
    @classmethod
    def _gains_are_of_figures(cls, gains: dict[str, float]) -> dict[str, float]:
        for figure, gain in gains.items():
            try:
                parse_gain(figure, gain)
            except UserError as error:
                raise ValueError(str(error)) from None
            if len(gain_argument(figure, gain)) > LONGEST_ARGUMENT:
                raise ValueError(f"{figure}: is longer than the {LONGEST_ARGUMENT} characters of a job's argument")
        return gains

    def check_classes(self, classes: Sequence[str]) -> None:
        """Refuse a figure of a class that there won't be.

        Args:
            classes: the configured class list; empty when the names come from the labels, so that nothing is known.

        Raises:
            ValueError: names the requirement and the nearest class.
        """
        asked = {text: parse_requirement(text).figure for text in self.require}
        for key, items in (
            ("require", asked),
            ("min_improvement_over_champion", {name: name for name in self.min_improvement_over_champion}),
        ):
            for text, figure in items.items():
                name = unlisted_class(figure, classes) if classes else None
                if name is not None:
                    near = near_misses(name, classes, count=1)
                    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(classes)}"
                    raise ValueError(
                        f"gate.{key}: {text!r} is about {name!r}, which labels.classes doesn't list; {hint}"
                    )
