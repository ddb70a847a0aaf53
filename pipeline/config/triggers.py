"""Settings of the triggers, the EventBridge rules that start the pipelines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from steps.settings import RoleArn, Settings

#: As EventBridge takes it; AWS checks the fields of a cron expression when the rule is made.
Schedule = Annotated[str, StringConstraints(pattern=r"^(cron\(\S+( \S+){5}\)|rate\(\d+ (minute|hour|day)s?\))$")]
TriggerName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-?[a-zA-Z0-9])*$", max_length=20)]
#: EventBridge's pattern for names of parameters: no underscore.
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=256)]


class ScheduleSettings(Settings):
    """A time at which a pipeline starts."""

    at: Schedule = Field(description="cron(minute hour day month weekday year) in UTC, or rate(7 days).")
    pipeline: Literal["training", "predict", "monitor"] = Field(
        "training",
        description="Pipeline that starts; predict needs predict.input, monitor needs data capture or "
        "monitor.captures.",
    )
    parameters: dict[ParameterName, Annotated[str, StringConstraints(max_length=1024)]] = Field(
        {}, max_length=200, description="Values of pipeline parameters, as text; others keep their defaults."
    )
    enabled: bool = Field(True, description="false: the rule is kept, but disabled.")


class RetrainSettings(Settings):
    """When labels that people reviewed start the training pipeline."""

    reviewed: int = Field(ge=1, le=100000, description="Reviewed labels that no execution has been started with yet.")


class TriggersSettings(Settings):
    """EventBridge rules of this pipeline, which `groundloop triggers apply` creates, and when labels start training."""

    enabled: bool = Field(
        True,
        description="false: no rules, as for a pipeline beside another one of the same group.",
    )
    role: RoleArn | None = Field(
        None, description="Role that events.amazonaws.com assumes to start the pipelines; null: aws.role."
    )
    rollback_on_rejection: bool = Field(
        True, description="Rejecting the deployed version deploys the champion: the highest approved version."
    )
    schedules: dict[TriggerName, ScheduleSettings] = Field(
        {}, max_length=20, description="Schedules of the training, the predict or the monitor pipeline, by name."
    )
    retrain_when: RetrainSettings | None = Field(
        None,
        description="Number of new reviewed labels that start the training pipeline, counted by Monitor and by "
        "`groundloop review finish --publish`; null: labels never start it.",
    )
