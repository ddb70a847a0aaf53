"""Settings of Monitor: how captured requests are compared with what a model was evaluated on, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from groundloop.errors import UserError
from steps.settings import S3Uri, Settings

if TYPE_CHECKING:
    from groundloop.detections.drift.limits import Limit

#: AWS's own namespaces begin so, and take no metrics from others (PutMetricData, `Namespace`).
_RESERVED_NAMESPACE = "AWS/"
MetricsNamespace = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.\-_/#]{1,255}$")]
_SUM_TOLERANCE = 1e-6


class LimitSettings(Settings):
    """Limits of the mean of one statistic over a window."""

    min_mean: float | None = Field(None, description="A lower mean is an alarm; null: no minimum.")
    max_mean: float | None = Field(None, description="A higher mean is an alarm; null: no maximum.")

    @model_validator(mode="after")
    def _limits_something(self) -> LimitSettings:
        if self.min_mean is None and self.max_mean is None:
            raise ValueError("a limit needs min_mean, max_mean or both")
        if self.min_mean is not None and self.max_mean is not None and self.min_mean > self.max_mean:
            raise ValueError(f"min_mean, {self.min_mean:g}, is higher than max_mean, {self.max_mean:g}")
        return self


class MixSettings(Settings):
    """What the images of a queue are chosen by, as shares of the queue."""

    doubtful: float = Field(0.6, ge=0, le=1, description="Share on which the model is expected to err most.")
    strange: float = Field(0.2, ge=0, le=1, description="Share that is most unlike the baseline.")
    random: float = Field(0.2, ge=0, le=1, description="Share that is drawn at random; without it the queue is biased.")

    @model_validator(mode="after")
    def _shares_sum_up(self) -> MixSettings:
        if abs(self.doubtful + self.strange + self.random - 1) > _SUM_TOLERANCE:
            raise ValueError("doubtful, strange and random are shares of one queue: they have to sum up to 1")
        return self


class QueueSettings(Settings):
    """The queue of images for review that Monitor makes."""

    images: int = Field(100, ge=0, le=10000, description="Maximum number of images that are queued in one window.")
    mix: MixSettings = Field(MixSettings(), description="What they are chosen by.")


class MonitorSettings(Settings):
    """Settings of the monitor pipeline, which exists when the endpoint captures requests or `captures` is given."""

    captures: S3Uri | None = Field(
        None,
        description="S3 prefix of captured requests; null: where the endpoint's data capture writes. Without data "
        "capture and prefix there is no monitor pipeline.",
    )
    window_hours: int = Field(24, ge=1, le=720, description="Requests of so many hours back are looked at.")
    max_images: int = Field(1000, ge=10, le=10000, description="Maximum number of images looked at, the newest ones.")
    min_images: int = Field(50, ge=10, le=10000, description="With fewer images nothing is decided.")
    false_alarm: float = Field(
        0.01, ge=0.001, lt=0.5, description="Probability of a false alarm, per window and group of statistics."
    )
    limits: dict[str, LimitSettings] = Field({}, description="Limits of statistics' means, besides the test.")
    fail: Literal["answers", "any", "never"] = Field(
        "answers",
        description="What fails the execution, with the reason: other answers or a missed limit; any drift, of images "
        "alone too; or nothing, so that drift is only reported.",
    )
    review: QueueSettings = Field(QueueSettings(), description="The queue of images for review.")
    metrics_namespace: MetricsNamespace | None = Field(
        "groundloop", description="Namespace of the metrics in CloudWatch; null: no metrics."
    )
    keep_days: int | None = Field(
        None,
        ge=1,
        le=3650,
        description="Captured images should be deleted after so many days; doctor checks the bucket.",
    )

    @model_validator(mode="after")
    def _limited_statistics_exist(self) -> MonitorSettings:
        try:
            self.parsed_limits()
        except UserError as error:
            raise ValueError(str(error)) from None
        return self

    def parsed_limits(self) -> tuple[Limit, ...]:
        """Return the limits as the comparison takes them.

        Raises:
            UserError: one is of no statistic.
        """
        if not self.limits:
            return ()
        from groundloop.detections.drift.limits import parse_limits  # NumPy takes a while to load

        return parse_limits({name: limit.model_dump(exclude_none=True) for name, limit in self.limits.items()})

    @model_validator(mode="after")
    def _limits_fit(self) -> MonitorSettings:
        if self.min_images > self.max_images:
            raise ValueError(f"min_images, {self.min_images}, is more than max_images, {self.max_images}")
        if self.metrics_namespace and self.metrics_namespace.startswith(_RESERVED_NAMESPACE):
            raise ValueError(f"metrics_namespace can't begin with {_RESERVED_NAMESPACE}, which AWS keeps for itself")
        return self
